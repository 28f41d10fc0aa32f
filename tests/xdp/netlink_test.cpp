#include "xdp/netlink.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <array>
#include <vector>

namespace tapmeter::xdp {
namespace {

struct Seen {
    std::uint16_t type;
    std::size_t octets;
    bool operator==(const Seen&) const = default;
};

std::vector<Seen> attributes_in(const std::vector<std::uint8_t>& octets) {
    std::vector<Seen> seen;
    for_each_attribute(std::as_bytes(std::span(octets)), [&](std::uint16_t type, Bytes payload) {
        seen.push_back({type, payload.size()});
    });
    return seen;
}

TEST(NetlinkAttributes, one_after_the_other_with_padding) {
    EXPECT_EQ(attributes_in({}), std::vector<Seen>{});
    EXPECT_EQ(attributes_in({4, 0, 1, 0}), (std::vector<Seen>{{1, 0}}));
    EXPECT_EQ(attributes_in({5, 0, 1, 0, 9, 0, 0, 0, 6, 0, 2, 0x80, 7, 7}),
              (std::vector<Seen>{{1, 1}, {2, 2}}))
        << "padded to 4; the flag for nested attributes is no part of the type";
}

TEST(NetlinkAttributes, stop_where_they_are_cut_off) {
    EXPECT_EQ(attributes_in({4, 0, 1}), std::vector<Seen>{}) << "header one short";
    EXPECT_EQ(attributes_in({3, 0, 1, 0}), std::vector<Seen>{}) << "length below the header";
    EXPECT_EQ(attributes_in({0, 0, 1, 0, 0, 0, 0, 0}), std::vector<Seen>{}) << "no endless loop";
    EXPECT_EQ(attributes_in({6, 0, 1, 0, 9}), std::vector<Seen>{}) << "payload one short";
    EXPECT_EQ(attributes_in({6, 0, 1, 0, 9, 9}), (std::vector<Seen>{{1, 2}})) << "payload exact";
    EXPECT_EQ(attributes_in({0xff, 0xff, 1, 0, 9, 9}), std::vector<Seen>{});
}

TEST(NetlinkValues, short_ones_are_zero) {
    const std::array<std::byte, 4> octets{std::byte{1}, std::byte{0}, std::byte{0}, std::byte{0}};
    EXPECT_EQ(value_of<std::uint32_t>(octets), 1U);
    EXPECT_EQ(value_of<std::uint32_t>(Bytes(octets).first(3)), 0U);
    EXPECT_EQ(value_of<std::uint64_t>(octets), 0U);
}

TEST(NetlinkValues, text_ends_at_its_nul) {
    const std::string text("eth0\0rest", 9);
    EXPECT_EQ(text_of(std::as_bytes(std::span(text))), "eth0");
    EXPECT_EQ(text_of({}), "");
}

TEST(Netlink, asks_the_kernel) {
    auto route = Netlink::open(NETLINK_ROUTE);
    ASSERT_TRUE(route) << route.error().message;
    const NetlinkRequest all(ifinfomsg{});
    const auto links = route->ask({.type = RTM_GETLINK, .all = true}, all);
    ASSERT_TRUE(links);
    EXPECT_GE(links->size(), 1U) << "there is a loopback interface in every namespace";
    // One that cannot be: the kernel's answer is an error, and the next question works again.
    ifinfomsg none{};
    none.ifi_index = 0x7fff'fff0;
    const auto missing = route->ask({.type = RTM_GETLINK}, NetlinkRequest(none));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(), ENODEV);
    EXPECT_TRUE(route->ask({.type = RTM_GETLINK, .all = true}, all));
}

TEST(Netlink, refuses_a_protocol_that_is_none) {
    const auto none = Netlink::open(31);
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("EPROTONOSUPPORT"), std::string::npos)
        << none.error().message;
}

}  // namespace
}  // namespace tapmeter::xdp
