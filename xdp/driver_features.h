#pragma once

#include <cstdint>
#include <optional>

namespace tapmeter::xdp {

// What a driver says it can do with XDP (the "netdev" netlink family, Linux 6.3), asked without
// attaching anything.
struct XdpFeatures {
    bool native = false;     // runs programs, and redirects to sockets
    bool zero_copy = false;  // fills a socket's memory by itself
    bool pieces = false;     // takes frames of several pieces
};

// Nothing where the kernel is too old to tell or there is no such interface.
std::optional<XdpFeatures> read_xdp_features(std::uint32_t interface_index);

}  // namespace tapmeter::xdp
