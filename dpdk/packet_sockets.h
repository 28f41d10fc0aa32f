#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tapmeter::dpdk {

// The driver net_af_packet never asks the kernel how many frames its sockets had to drop, so it
// loses without a word. Its sockets are in this process, so we ask: they are the packet sockets
// bound to the driver's interface that were not there before the driver was brought up.
//
// One thread at a time; only while the port is open, because the driver closes the sockets.
class PacketSockets {
public:
    PacketSockets() = default;

    // All packet sockets of this process that are bound to `interface`.
    static std::vector<int> bound_to(const std::string& interface);

    // Watches the sockets bound to `interface` that `before` does not know.
    void watch(const std::string& interface, const std::vector<int>& before);

    // Frames dropped since they were watched. The kernel hands each drop out once, so a driver
    // that asks too shares the sum with us and nothing is counted twice.
    std::uint64_t dropped() noexcept;

private:
    std::vector<int> sockets_;  // the driver's, not ours to close
    std::uint64_t dropped_ = 0;
};

}  // namespace tapmeter::dpdk
