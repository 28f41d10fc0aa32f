#include "pipeline/inspect/rules/address_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "pipeline/inspect/rules/group.h"

namespace tapmeter::inspect::rules {
namespace {

decode::Address ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    decode::Address address{};
    address[12] = a;
    address[13] = b;
    address[14] = c;
    address[15] = d;
    return address;
}

const std::vector<Variable> variables{{"HOME_NET", "[10.0.0.0/8,!10.1.0.1]"},
                                      {"LOOP", "$LOOP"},
                                      {"OFFICE", "172.16.0.0/12"},
                                      {"HTTP_PORTS", "[80,8000:8080,!8001]"}};

bool holds(const std::string& group, const decode::Address& address, std::uint8_t version = 4) {
    const auto set = parse_addresses(group, variables);
    EXPECT_TRUE(set) << group << ": " << (set ? "" : set.error());
    return set && set->contains(address, version);
}

TEST(AddressSet, a_network_has_both_its_ends_and_no_more) {
    EXPECT_FALSE(holds("192.0.2.64/26", ipv4(192, 0, 2, 63)));
    EXPECT_TRUE(holds("192.0.2.64/26", ipv4(192, 0, 2, 64)));
    EXPECT_TRUE(holds("192.0.2.64/26", ipv4(192, 0, 2, 127)));
    EXPECT_FALSE(holds("192.0.2.64/26", ipv4(192, 0, 2, 128)));
}

TEST(AddressSet, negation_takes_out_of_what_is_wanted) {
    EXPECT_TRUE(holds("!192.0.2.1", ipv4(192, 0, 2, 2)));
    EXPECT_FALSE(holds("!192.0.2.1", ipv4(192, 0, 2, 1)));
    EXPECT_TRUE(holds("$HOME_NET", ipv4(10, 1, 0, 2)));
    EXPECT_FALSE(holds("$HOME_NET", ipv4(10, 1, 0, 1)));
    EXPECT_FALSE(holds("!$HOME_NET", ipv4(10, 1, 0, 2)));
    EXPECT_TRUE(holds("!$HOME_NET", ipv4(11, 0, 0, 0)));
    EXPECT_TRUE(holds("!$HOME_NET", ipv4(10, 1, 0, 1))) << "an exception of what is not wanted";
    EXPECT_FALSE(holds("!$OFFICE", ipv4(172, 16, 5, 2)));
    EXPECT_TRUE(holds("!$OFFICE", ipv4(11, 0, 0, 0)));
    EXPECT_TRUE(holds("[any,!10.0.0.1]", ipv4(10, 0, 0, 2)));
    EXPECT_FALSE(holds("[!10.0.0.1,any]", ipv4(10, 0, 0, 1)));
}

TEST(AddressSet, families_do_not_mix) {
    decode::Address six{};
    six[0] = 0x20;
    six[1] = 0x01;
    EXPECT_TRUE(holds("2001::/16", six, 6));
    EXPECT_FALSE(holds("0.0.0.0/0", six, 6));
    EXPECT_FALSE(holds("::/96", ipv4(10, 0, 0, 1), 4)) << "kept in the last octets, yet not IPv6";
}

TEST(AddressSet, ranges_and_netmasks) {
    EXPECT_TRUE(holds("10.0.0.5-10.0.0.7", ipv4(10, 0, 0, 7)));
    EXPECT_FALSE(holds("10.0.0.5-10.0.0.7", ipv4(10, 0, 0, 8)));
    EXPECT_TRUE(holds("10.9.0.0/255.255.0.0", ipv4(10, 9, 255, 255)));
}

TEST(AddressSet, what_is_wrong_is_said) {
    const std::array<std::pair<std::string, std::string>, 9> wrong{{
        {"10.0.0.300", "is no address"},
        {"10.0.0.0/33", "/0 to /32"},
        {"2001:db8::/129", "/0 to /128"},
        {"10.0.0.0/255.0.255.0", "prefix length"},
        {"[10.0.0.1", "no closing ']'"},
        {"$NOBODY", "variable $NOBODY is not set"},
        {"$LOOP", "nested deeper"},
        {"!any", "matches nothing"},
        {"[10.0.0.1,!10.0.0.1]", "leave none over"},
    }};
    for (const auto& [group, why] : wrong) {
        const auto set = parse_addresses(group, variables);
        ASSERT_FALSE(set) << group;
        EXPECT_NE(set.error().find(why), std::string::npos) << set.error();
    }
}

TEST(AddressSet, nesting_has_a_limit) {
    const auto nested = [](unsigned depth) {
        return std::string(depth, '[') + "10.0.0.1" + std::string(depth, ']');
    };
    EXPECT_TRUE(parse_addresses(nested(nesting_max), {}));
    EXPECT_FALSE(parse_addresses(nested(nesting_max + 1), {}));
}

TEST(AddressSet, holes_at_both_ends_of_the_address_space) {
    EXPECT_FALSE(holds("[::/0,!0.0.0.0/0,!ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]",
                       ipv4(255, 255, 255, 255)));
    const auto all = parse_addresses("[any,!::/1,!8000::/1]", {});
    EXPECT_FALSE(all) << "nothing is left of it";
}

TEST(PortSet, ranges_groups_and_negation) {
    const auto holds_port = [](const std::string& group, std::uint16_t port) {
        const auto set = parse_ports(group, variables);
        EXPECT_TRUE(set) << group << ": " << (set ? "" : set.error());
        return set && set->contains(port);
    };
    EXPECT_TRUE(holds_port("any", 0));
    EXPECT_TRUE(holds_port("1024:", 65'535));
    EXPECT_FALSE(holds_port("1024:", 1'023));
    EXPECT_TRUE(holds_port(":1023", 0));
    EXPECT_FALSE(holds_port("!80", 80));
    EXPECT_TRUE(holds_port("!80", 65'535));
    EXPECT_TRUE(holds_port("$HTTP_PORTS", 8'080));
    EXPECT_FALSE(holds_port("$HTTP_PORTS", 8'001));
    EXPECT_TRUE(holds_port("[21, 25]", 25));
    EXPECT_FALSE(holds_port("![6661:6668]", 6'668));
    EXPECT_TRUE(holds_port("![6661:6668]", 6'669));
}

// Against one flag a port, at every end of a range and beside it.
TEST(PortSet, any_ranges_are_what_they_are_port_by_port) {
    std::mt19937 random(3);
    const auto ranges = [&random] {
        std::vector<PortSet::Range> some(random() % 4);
        for (PortSet::Range& range : some) {
            const bool at_the_ends = random() % 4 == 0;
            const auto first = static_cast<std::uint16_t>(at_the_ends ? 0 : random() % 100);
            const auto octets = static_cast<std::uint16_t>(random() % 40);
            range = {first, at_the_ends ? std::uint16_t{65'535}
                                        : static_cast<std::uint16_t>(first + octets)};
        }
        return some;
    };
    for (int round = 0; round < 2'000; ++round) {
        const auto wanted = ranges();
        const auto unwanted = ranges();
        const PortSet set = PortSet::of(wanted, unwanted);
        const auto within = [](std::span<const PortSet::Range> in, unsigned port) {
            return std::ranges::any_of(in, [port](const PortSet::Range& range) {
                return port >= range.first && port <= range.last;
            });
        };
        std::size_t runs = 0;
        for (unsigned port = 0, was_open = 0; port < 0x10000; port += port == 200 ? 65'200U : 1U) {
            const bool open = (wanted.empty() || within(wanted, port)) && !within(unwanted, port);
            ASSERT_EQ(set.contains(static_cast<std::uint16_t>(port)), open) << port;
            runs += open && was_open == 0 ? 1 : 0;
            was_open = open ? 1 : 0;
        }
        EXPECT_TRUE(set.is_any() || set.ranges().size() == runs) << "neighbours are one range";
    }
}

TEST(PortSet, what_is_wrong_is_said) {
    for (const char* const group : {"http", "65536", "90:80", "-1", "[80", "!0:65535"}) {
        EXPECT_FALSE(parse_ports(group, variables)) << group;
    }
}

}  // namespace
}  // namespace tapmeter::inspect::rules
