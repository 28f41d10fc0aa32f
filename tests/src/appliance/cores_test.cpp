#include "src/appliance/cores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>

namespace tapmeter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string own_name() {
    std::array<char, 16> name{};
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    return name.data();
}

TEST(Cores, a_pinned_thread_may_use_its_core_alone) {
    const auto before = usable_cores();
    ASSERT_FALSE(before.empty());
    EXPECT_TRUE(std::ranges::is_sorted(before));
    std::thread([&] {
        ASSERT_TRUE(pin_this_thread(before.back()).has_value());
        EXPECT_THAT(usable_cores(), ElementsAre(before.back()));
    }).join();
    EXPECT_EQ(usable_cores(), before) << "other threads stay as they were";
}

TEST(Cores, a_core_that_is_not_there_is_an_error_that_names_those_that_are) {
    for (const unsigned core : {1'023U, 1'024U, 4'000'000'000U}) {
        const auto pinned = pin_this_thread(core);
        ASSERT_FALSE(pinned.has_value());
        EXPECT_EQ(pinned.error().kind, Error::Kind::invalid_config);
        EXPECT_THAT(pinned.error().message, HasSubstr("core " + std::to_string(core) + " cannot"));
        EXPECT_THAT(pinned.error().message,
                    HasSubstr("may use " + std::to_string(usable_cores().front())));
    }
}

TEST(Cores, names_of_threads_are_cut_where_the_kernel_cuts_them) {
    std::thread([] {
        name_this_thread("fifteen-letters");
        EXPECT_EQ(own_name(), "fifteen-letters");
        name_this_thread("sixteen--letters");
        EXPECT_EQ(own_name(), "sixteen--letter");
    }).join();
}

}  // namespace
}  // namespace tapmeter
