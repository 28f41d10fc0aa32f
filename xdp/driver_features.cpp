#include "xdp/driver_features.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "xdp/netlink.h"

namespace tapmeter::xdp {

namespace {

// linux/netdev.h of Linux 6.3, which Debian 12 does not have yet.
constexpr std::uint8_t command_device_get = 1;       // NETDEV_CMD_DEV_GET
constexpr std::uint16_t attribute_index = 1;         // NETDEV_A_DEV_IFINDEX
constexpr std::uint16_t attribute_xdp_features = 3;  // NETDEV_A_DEV_XDP_FEATURES
constexpr std::uint64_t feature_basic = 1U << 0U;    // NETDEV_XDP_ACT_*
constexpr std::uint64_t feature_redirect = 1U << 1U;
constexpr std::uint64_t feature_zero_copy = 1U << 3U;
constexpr std::uint64_t feature_pieces = 1U << 5U;

// The number that this kernel gave to the family; 0 when it has none of that name.
std::uint16_t family_number(Netlink& generic) {
    const genlmsghdr header{.cmd = CTRL_CMD_GETFAMILY, .version = 1, .reserved = 0};
    const auto answers =
        generic.ask({.type = GENL_ID_CTRL},
                    NetlinkRequest(header).attribute(CTRL_ATTR_FAMILY_NAME, std::string("netdev")));
    std::uint16_t number = 0;
    if (!answers || answers->empty() || answers->front().size() <= sizeof(header)) {
        return number;
    }
    for_each_attribute(Bytes(answers->front()).subspan(sizeof(header)),
                       [&](std::uint16_t type, Bytes payload) {
                           const bool is_number = type == CTRL_ATTR_FAMILY_ID;
                           number = is_number ? value_of<std::uint16_t>(payload) : number;
                       });
    return number;
}

}  // namespace

std::optional<XdpFeatures> read_xdp_features(std::uint32_t interface_index) {
    auto generic = Netlink::open(NETLINK_GENERIC);
    if (!generic) {
        return std::nullopt;
    }
    const std::uint16_t family = family_number(*generic);
    if (family == 0) {
        return std::nullopt;
    }
    const genlmsghdr header{.cmd = command_device_get, .version = 1, .reserved = 0};
    const auto answers = generic->ask(
        {.type = family}, NetlinkRequest(header).attribute(attribute_index, interface_index));
    if (!answers || answers->empty() || answers->front().size() <= sizeof(header)) {
        return std::nullopt;
    }
    std::optional<XdpFeatures> features;
    for_each_attribute(Bytes(answers->front()).subspan(sizeof(header)),
                       [&](std::uint16_t type, Bytes payload) {
                           if (type != attribute_xdp_features) {
                               return;
                           }
                           const auto bits = value_of<std::uint64_t>(payload);
                           constexpr std::uint64_t needed = feature_basic | feature_redirect;
                           features = XdpFeatures{.native = (bits & needed) == needed,
                                                  .zero_copy = (bits & feature_zero_copy) != 0,
                                                  .pieces = (bits & feature_pieces) != 0};
                       });
    return features;
}

}  // namespace tapmeter::xdp
