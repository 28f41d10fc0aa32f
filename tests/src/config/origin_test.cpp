#include "src/config/origin.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

using Kind = ConfigOrigin::Kind;

TEST(Origin, says_where) {
    EXPECT_EQ(ConfigOrigin{}.to_text(), "default");
    EXPECT_EQ((ConfigOrigin{Kind::file, "a.toml", {3, 4}}).to_text(), "a.toml:3:4");
    EXPECT_EQ((ConfigOrigin{Kind::file, "a.toml", {}}).to_text(), "a.toml");
    EXPECT_EQ((ConfigOrigin{Kind::environment, "A", {}}).to_text(), "environment A");
    EXPECT_EQ((ConfigOrigin{Kind::command_line, "--set a.b", {}}).to_text(), "--set a.b");
}

TEST(ErrorList, is_in_the_order_of_files_and_lines) {
    ErrorList errors;
    errors.add({Kind::file, "b.toml", {2, 1}}, "second");
    errors.add({Kind::file, "a.toml", {1, 1}}, "third");
    errors.add({Kind::file, "b.toml", {1, 9}}, "first");
    const auto list = errors.take();
    ASSERT_EQ(list.size(), 3U);
    EXPECT_EQ(list[0].to_text(), "b.toml:1:9: first");
    EXPECT_EQ(list[1].to_text(), "b.toml:2:1: second");
    EXPECT_EQ(list[2].to_text(), "a.toml:1:1: third");
}

TEST(ErrorList, holds_the_limit_and_counts_the_rest) {
    for (const std::size_t count : {errors_max, errors_max + 1, errors_max + 100}) {
        ErrorList errors;
        for (std::size_t i = 0; i < count; ++i) {
            errors.add({Kind::file, "a.toml", {1, 1}}, "x");
        }
        const auto list = errors.take();
        ASSERT_EQ(list.size(), errors_max);
        const bool more = count > errors_max;
        EXPECT_EQ(list.back().message,
                  more ? std::to_string(count - errors_max + 1) + " more errors are not shown"
                       : std::string("x"));
    }
}

}  // namespace
}  // namespace tapmeter::config
