#include "xdp/rules.h"

#include <gtest/gtest.h>

namespace tapmeter::xdp {
namespace {

PrefilterRules with_prefixes(std::size_t ipv4, std::size_t ipv6) {
    PrefilterRules rules;
    for (std::size_t i = 0; i < ipv4 + ipv6; ++i) {
        Prefix prefix{.family = i < ipv4 ? Prefix::Family::ipv4 : Prefix::Family::ipv6,
                      .length = static_cast<std::uint8_t>(i < ipv4 ? 32 : 128),
                      .octets = {}};
        for (unsigned octet = 0; octet < 4; ++octet) {
            prefix.octets[octet] = static_cast<std::uint8_t>(i >> (24U - 8U * octet));
        }
        rules.excluded.push_back(prefix);
    }
    return rules;
}

TEST(PrefilterRules, are_sorted_and_united) {
    const auto rules =
        checked({.excluded = {*parse_prefix("192.0.2.0/24"), *parse_prefix("10.0.0.0/8"),
                              *parse_prefix("192.0.2.0/24")},
                 .denied_ports = {53, 22, 53},
                 .sample = 1});
    ASSERT_TRUE(rules);
    ASSERT_EQ(rules->excluded.size(), 2U);
    EXPECT_EQ(to_text(rules->excluded[0]), "10.0.0.0/8");
    EXPECT_EQ(rules->denied_ports, (std::vector<std::uint16_t>{22, 53}));
}

TEST(PrefilterRules, sample_from_1_to_a_million) {
    for (const std::uint32_t sample : {1U, 2U, sample_max}) {
        EXPECT_TRUE(checked({.excluded = {}, .denied_ports = {}, .sample = sample})) << sample;
    }
    for (const std::uint32_t sample : {0U, sample_max + 1, 0xffff'ffffU}) {
        const auto rules = checked({.excluded = {}, .denied_ports = {}, .sample = sample});
        ASSERT_FALSE(rules) << sample;
        EXPECT_NE(rules.error().message.find(std::to_string(sample)), std::string::npos);
        EXPECT_NE(rules.error().message.find("must be 1 to 1000000"), std::string::npos);
    }
}

TEST(PrefilterRules, prefixes_of_each_family_up_to_the_limit) {
    EXPECT_TRUE(checked(with_prefixes(excluded_prefixes_max, excluded_prefixes_max)));
    EXPECT_FALSE(checked(with_prefixes(excluded_prefixes_max + 1, 0)));
    const auto over = checked(with_prefixes(0, excluded_prefixes_max + 1));
    ASSERT_FALSE(over);
    EXPECT_NE(over.error().message.find("100001 prefixes"), std::string::npos);
    EXPECT_NE(over.error().message.find("at most 100000"), std::string::npos);
}

TEST(PrefilterRules, refuse_a_prefix_that_is_no_network) {
    Prefix too_long = *parse_prefix("10.0.0.0/8");
    too_long.length = 33;
    EXPECT_FALSE(checked({.excluded = {too_long}, .denied_ports = {}, .sample = 1}));
    Prefix host_bits = *parse_prefix("10.0.0.0/8");
    host_bits.octets[3] = 1;
    EXPECT_FALSE(checked({.excluded = {host_bits}, .denied_ports = {}, .sample = 1}));
    Prefix octets_behind = *parse_prefix("10.0.0.0/8");
    octets_behind.octets[15] = 1;
    EXPECT_FALSE(checked({.excluded = {octets_behind}, .denied_ports = {}, .sample = 1}));
}

}  // namespace
}  // namespace tapmeter::xdp
