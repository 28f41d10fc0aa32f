#include "src/config/quantity.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

using std::chrono::milliseconds;
using Cores = std::vector<unsigned>;

TEST(Duration, needs_a_whole_number_and_a_unit) {
    EXPECT_EQ(parse_duration("500ms"), milliseconds{500});
    EXPECT_EQ(parse_duration("30s"), milliseconds{30'000});
    EXPECT_EQ(parse_duration("5m"), milliseconds{300'000});
    EXPECT_EQ(parse_duration("1h"), milliseconds{3'600'000});
    EXPECT_EQ(parse_duration("2d"), milliseconds{172'800'000});
    for (const auto* const text : {"", "30", "s", " 30s", "30 s", "30s ", "1.5s", "-1s", "+1s",
                                   "30S", "1h30m", "30sec", "99999999999999999999s"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(Duration, ends_at_a_hundred_years) {
    EXPECT_TRUE(parse_duration("36525d"));
    EXPECT_EQ(parse_duration("36526d"), std::nullopt);
    EXPECT_EQ(parse_duration("18446744073709551615ms"), std::nullopt);
}

TEST(Duration, is_written_in_its_largest_whole_unit) {
    EXPECT_EQ(duration_text(milliseconds{0}), "0s");
    EXPECT_EQ(duration_text(milliseconds{500}), "500ms");
    EXPECT_EQ(duration_text(milliseconds{60'000}), "1m");
    EXPECT_EQ(duration_text(milliseconds{90'000}), "90s");
    EXPECT_EQ(duration_text(milliseconds{86'400'000}), "1d");
}

TEST(Size, is_octets_with_binary_units) {
    EXPECT_EQ(parse_size("4096"), 4'096U);
    EXPECT_EQ(parse_size("64KiB"), 65'536U);
    EXPECT_EQ(parse_size("4GiB"), std::uint64_t{4} << 30U);
    EXPECT_EQ(parse_size("16777215TiB"), std::uint64_t{16'777'215} << 40U);
    EXPECT_EQ(parse_size("16777216TiB"), std::nullopt);  // 2^64
    for (const auto* const text : {"", "4kB", "4K", "4 GiB", "-1", "0x10"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
    EXPECT_EQ(size_text(std::uint64_t{256} << 20U), "256MiB");
    EXPECT_EQ(size_text(1'000), "1000");
}

TEST(Count, knows_thousands_and_powers_of_two) {
    EXPECT_EQ(parse_count("64k"), 64'000U);
    EXPECT_EQ(parse_count("4M"), 4'000'000U);
    EXPECT_EQ(parse_count("1Mi"), 1U << 20U);
    EXPECT_EQ(parse_count("18446744073709551615"), 18'446'744'073'709'551'615U);
    EXPECT_EQ(parse_count("18446744073709551616"), std::nullopt);
    EXPECT_EQ(parse_count("18446744073709551615k"), std::nullopt);
    EXPECT_EQ(parse_count("4m"), std::nullopt);
}

TEST(Cores, are_listed_in_their_order) {
    EXPECT_EQ(parse_cores("0", 64), Cores{0});
    EXPECT_EQ(parse_cores("2-5", 64), (Cores{2, 3, 4, 5}));
    EXPECT_EQ(parse_cores("9,2,4-5", 64), (Cores{9, 2, 4, 5}));
    EXPECT_EQ(parse_cores("1023", 64), Cores{1'023});
    EXPECT_EQ(cores_text({9, 2, 4, 5}), "9,2,4-5");
    EXPECT_EQ(cores_text({}), "");
}

TEST(Cores, refuse_what_cannot_be_a_list) {
    for (const auto* const text : {"", ",", "2-", "-2", "5-2", "2--3", "2,,3", "2,", "a", "1024",
                                   "0-99999999999", "2 , 3", "1k"}) {
        EXPECT_FALSE(parse_cores(text, 64)) << text;
    }
    EXPECT_NE(parse_cores("2,3,2", 64).error().find("core 2 appears twice"), std::string::npos);
    EXPECT_TRUE(parse_cores("0-63", 64));
    EXPECT_NE(parse_cores("0-64", 64).error().find("at most 64"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::config
