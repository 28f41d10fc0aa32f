#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "pipeline/base/bytes.h"
#include "pipeline/base/packet.h"
#include "pipeline/decode/headers.h"
#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::flow {

// What one TCP segment says that its connection's quality depends on.
struct TcpSegment {
    ObservedAt at{};
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgement = 0;  // as the header has it, also where ACK is not set
    std::uint32_t payload_octets = 0;   // as on the wire
    std::uint16_t window = 0;           // not scaled
    std::uint16_t control_bits = 0;
    Sender sender = Sender::low;
    // Of a SYN's options; nothing where it has none.
    std::optional<std::uint8_t> window_scale{};
    std::optional<std::uint16_t> segment_octets_max{};
};

// Reads a segment of decoded headers whose protocol is TCP. Nothing where its fixed header is cut,
// its own length cannot be true, or the packet is a fragment.
// source  RFC 9293 §3.1 and §3.2; window scale RFC 7323 §2.2
std::optional<TcpSegment> read_tcp_segment(const decode::Headers& headers, ObservedAt at,
                                           Sender sender) noexcept;

namespace detail {

inline constexpr std::size_t tcp_header_octets_min = 20;  // without options

// Behind the fixed header; those that lie about themselves end the reading.
void read_tcp_options(Bytes options, TcpSegment& segment) noexcept;

// Octets of the header with its options, by what it says; 0: it is cut, or that cannot be true.
inline std::size_t told_header_octets(Bytes transport, std::size_t octets) noexcept {
    constexpr std::size_t octets_per_word = 4;
    if (transport.size() < tcp_header_octets_min) [[unlikely]] {
        return 0;
    }
    const std::size_t told = (load_be8(transport.subspan<12>().first<1>()) >> 4U) * octets_per_word;
    return told < tcp_header_octets_min || told > octets ? 0 : told;
}

}  // namespace detail

// The same of a transport header alone.
// octets  of it and all behind it, as on the wire
inline std::optional<TcpSegment> read_tcp_segment(Bytes transport, std::size_t octets,
                                                  ObservedAt at, Sender sender) noexcept;

// The same where the header has `header_octets` (detail::told_header_octets()) and no SYN, so that
// its options do not matter. Whoever takes no address of it has it in registers.
inline TcpSegment tcp_segment_without_options(Bytes transport, std::size_t header_octets,
                                              std::size_t octets, ObservedAt at,
                                              Sender sender) noexcept {
    constexpr std::uint16_t control_bits_mask = 0x0fff;
    const auto header = transport.first<detail::tcp_header_octets_min>();
    return {.at = at,
            .sequence = load_be32(header.subspan<4, 4>()),
            .acknowledgement = load_be32(header.subspan<8, 4>()),
            .payload_octets = static_cast<std::uint32_t>(octets - header_octets),
            .window = load_be16(header.subspan<14, 2>()),
            .control_bits =
                static_cast<std::uint16_t>(load_be16(header.subspan<12, 2>()) & control_bits_mask),
            .sender = sender};
}

inline std::optional<TcpSegment> read_tcp_segment(Bytes transport, std::size_t octets,
                                                  ObservedAt at, Sender sender) noexcept {
    const std::size_t header_octets = detail::told_header_octets(transport, octets);
    if (header_octets == 0) {
        return std::nullopt;
    }
    TcpSegment segment = tcp_segment_without_options(transport, header_octets, octets, at, sender);
    if ((segment.control_bits & detail::tcp_syn) != 0) {
        detail::read_tcp_options(transport.first(std::min(header_octets, transport.size()))
                                     .subspan(detail::tcp_header_octets_min),
                                 segment);
    }
    return segment;
}

}  // namespace tapmeter::flow
