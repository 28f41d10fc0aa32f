#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "xdp/driver_features.h"

namespace tapmeter::xdp {

// One interface of this machine, as an operator wants to see it before choosing one.
struct Device {
    std::string name;
    std::string driver;       // "ice", "veth"; empty where nobody tells
    std::string bus_address;  // "0000:3b:00.0"; empty for virtual interfaces
    std::string mac;
    std::uint32_t mtu = 0;
    std::uint32_t queues = 1;                 // receive queues in use
    std::optional<std::uint64_t> speed_bits;  // per second
    bool up = false;                          // set up, with a carrier
    std::optional<unsigned> numa_node;
    std::optional<XdpFeatures> xdp;  // nothing: the kernel does not tell (before Linux 6.3)
    std::string best_method;         // "AF_XDP native, zero copy"
};

// The interfaces of this thread's network namespace that carry Ethernet frames, in the kernel's
// order. Attaches nothing and needs no privileges.
// errors   io: the kernel does not answer
Result<std::vector<Device>> list_devices();

}  // namespace tapmeter::xdp
