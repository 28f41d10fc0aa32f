#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "pipeline/base/bytes.h"
#include "pipeline/base/octet_writer.h"

namespace tapmeter::generator {

inline constexpr std::size_t frame_octets_max = 1514;

// One made-up conversation between a client and a server, packet by packet: TCP with handshake,
// data both ways and FIN, or a UDP request with its answer; IPv4 or IPv6; valid checksums. The
// number decides everything, so the same number is the same conversation on every machine.
class Conversation {
public:
    explicit Conversation(std::uint64_t number) noexcept;

    // How many packets the conversation has in all.
    unsigned packets() const noexcept;

    // True once next() has written the last packet.
    bool finished() const noexcept { return written_ == packets(); }

    // Writes the next packet as an Ethernet frame; returns its octets. Not after finished().
    std::size_t next(std::span<std::byte, frame_octets_max> frame) noexcept;

private:
    struct Segment {
        bool from_client = true;
        std::uint8_t tcp_control_bits = 0;
        std::uint16_t payload_octets = 0;
    };
    Segment segment() const noexcept;
    std::size_t write_network(OctetWriter& writer, std::span<std::byte> frame, const Segment& now,
                              std::size_t transport) const noexcept;
    void write_addresses(OctetWriter& writer, bool from_client) const noexcept;
    void write_transport(OctetWriter& writer, const Segment& now, std::size_t transport) noexcept;

    std::uint64_t number_;
    bool is_udp_;
    bool is_ipv6_;
    std::uint16_t data_segments_;
    unsigned written_ = 0;
    std::array<std::uint32_t, 2> sequence_{};  // of client and server
};

}  // namespace tapmeter::generator
