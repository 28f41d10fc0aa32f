#include "dpdk/eal_memory.h"

#include <gtest/gtest.h>

#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

TEST(EalMemory, adds_the_pages_of_all_sizes) {
    const testing::TestFolder sys;
    sys.write("hugepages-2048kB/nr_hugepages", "100\n");
    sys.write("hugepages-2048kB/free_hugepages", "60\n");
    sys.write("hugepages-1048576kB/nr_hugepages", "2\n");
    sys.write("hugepages-1048576kB/free_hugepages", "1\n");
    sys.write("hugepages-odd/free_hugepages", "7\n");
    const HugepagesHeld held = read_hugepages(sys.file(""));
    EXPECT_EQ(held.total, (200 + 2048) * mebibyte);
    EXPECT_EQ(held.free, (120 + 1024) * mebibyte);
}

TEST(EalMemory, a_kernel_without_huge_pages_has_none) {
    const testing::TestFolder sys;
    EXPECT_EQ(read_hugepages(sys.file("absent")).free, 0U);
}

TEST(EalMemory, automatic_takes_huge_pages_when_just_enough_are_free) {
    const auto enough =
        plan_memory(Hugepages::automatic, 256 * mebibyte, {512 * mebibyte, 256 * mebibyte});
    ASSERT_TRUE(enough);
    EXPECT_TRUE(enough->hugepages);

    const auto one_page_short =
        plan_memory(Hugepages::automatic, 256 * mebibyte, {512 * mebibyte, 254 * mebibyte});
    ASSERT_TRUE(one_page_short);
    EXPECT_FALSE(one_page_short->hugepages);
    EXPECT_EQ(one_page_short->reason,
              "256 MiB of ordinary pages: 254 MiB of huge pages are free (512 MiB reserved), "
              "256 MiB are needed");
}

TEST(EalMemory, off_never_takes_them) {
    EXPECT_FALSE(
        plan_memory(Hugepages::off, 256 * mebibyte, {512 * mebibyte, 512 * mebibyte})->hugepages);
}

TEST(EalMemory, on_without_enough_names_the_pages_to_reserve) {
    const auto plan = plan_memory(Hugepages::on, 129 * mebibyte, {0, 0});
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, Error::Kind::no_memory);
    EXPECT_NE(plan.error().message.find("vm.nr_hugepages=65"), std::string::npos)
        << plan.error().message;
}

TEST(EalMemory, sizes_have_limits) {
    EXPECT_TRUE(plan_memory(Hugepages::off, memory_octets_min, {}));
    EXPECT_FALSE(plan_memory(Hugepages::off, memory_octets_min - 1, {}));
    EXPECT_TRUE(plan_memory(Hugepages::off, memory_octets_max, {}));
    EXPECT_FALSE(plan_memory(Hugepages::off, memory_octets_max + 1, {}));
}

}  // namespace
}  // namespace tapmeter::dpdk
