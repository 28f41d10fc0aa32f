#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "xdp/netlink.h"

namespace tapmeter::xdp {

// A network interface as the kernel describes it over rtnetlink, at one moment.
struct Link {
    std::uint32_t index = 0;
    std::string name;
    std::string kind;  // "veth", "bridge", ...; empty for hardware
    std::string mac;   // "02:fc:00:00:00:01"; empty where it has none
    std::uint32_t mtu = 0;
    std::uint32_t rx_queues = 1;  // allocated; fewer may be in use
    bool carries_ethernet = false;
    bool is_loopback = false;
    bool up = false;  // set up, and there is a carrier
    // Since it exists.
    std::uint64_t rx_packets = 0;
    std::uint64_t rx_missed = 0;  // frames that the NIC had no room for
};

// The interface of that name or index in this thread's network namespace.
// errors   no_such_device, with the names of those that there are
Result<Link> read_link(Netlink& route, const std::string& name);
Result<Link> read_link(Netlink& route, std::uint32_t index);

// All interfaces, in the kernel's order.
Result<std::vector<Link>> read_links(Netlink& route);

}  // namespace tapmeter::xdp
