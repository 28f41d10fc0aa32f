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
