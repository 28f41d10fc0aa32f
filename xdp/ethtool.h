#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "xdp/file_descriptor.h"

namespace tapmeter::xdp {

// Questions to the driver of one interface (ethtool ioctl). Each answers nothing where the driver
// does not tell. Needs no privileges. Any thread.
class Ethtool {
public:
    explicit Ethtool(std::string interface);

    std::string driver() const;
    // Place on the bus, such as "0000:3b:00.0"; empty for virtual interfaces.
    std::string bus_address() const;
    // Receive queues in use.
    std::optional<std::uint32_t> rx_queues() const;
    // Bits per second.
    std::optional<std::uint64_t> speed_bits() const;
    // Descriptors of a receive ring now, and the most that there can be.
    struct Rings {
        std::uint32_t rx = 0;
        std::uint32_t rx_max = 0;
    };
    std::optional<Rings> rings() const;
    // True where the kernel (GRO) or the NIC itself (LRO) merges packets of one TCP stream: what
    // is counted then is not what was on the wire.
    std::optional<bool> merges_packets() const;
    std::optional<bool> merges_in_hardware() const;
    // True where the NIC takes the outer VLAN tag out of the frame before XDP sees it.
    std::optional<bool> strips_vlan_tags() const;
    // True where the NIC spreads both directions of every TCP and UDP flow to the same queue: it
    // hashes symmetric sets of fields by XOR, by a symmetric transformation or with a Toeplitz key
    // that repeats every 16 bits.
    bool has_symmetric_hash() const;

private:
    template <class Command>
    bool ask(Command& command) const;
    bool hashes_symmetric_fields(std::uint32_t flow_type) const;

    std::string interface_;
    FileDescriptor socket_;
};

}  // namespace tapmeter::xdp
