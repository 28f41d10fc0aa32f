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

// The same of a transport header alone.
// octets  of it and all behind it, as on the wire
inline std::optional<TcpSegment> read_tcp_segment(Bytes transport, std::size_t octets,
                                                  ObservedAt at, Sender sender) noexcept;

namespace detail {

inline constexpr std::size_t tcp_header_octets_min = 20;  // without options

inline constexpr std::size_t tcp_octets_per_word = 4;

// Of a SYN, behind the fixed header; those that lie about themselves end the reading.
void read_tcp_options(Bytes transport, TcpSegment& segment) noexcept;

// As read_tcp_segment(), but for options. Where the result goes nowhere else, compilers keep it in
// registers.
[[gnu::always_inline]] inline std::optional<TcpSegment> read_fixed_tcp_header(
    Bytes transport, std::size_t octets, ObservedAt at, Sender sender) noexcept {
    constexpr std::uint16_t control_bits_mask = 0x0fff;
    if (transport.size() < tcp_header_octets_min) [[unlikely]] {
        return std::nullopt;
    }
    const auto header = transport.first<tcp_header_octets_min>();
    const std::uint16_t offset_and_bits = load_be16(header.subspan<12, 2>());
    const std::size_t header_octets = (offset_and_bits >> 12U) * tcp_octets_per_word;
    if (header_octets < tcp_header_octets_min || header_octets > octets) [[unlikely]] {
        return std::nullopt;
    }
    return TcpSegment{
        .at = at,
        .sequence = load_be32(header.subspan<4, 4>()),
        .acknowledgement = load_be32(header.subspan<8, 4>()),
        .payload_octets = static_cast<std::uint32_t>(octets - header_octets),
        .window = load_be16(header.subspan<14, 2>()),
        .control_bits = static_cast<std::uint16_t>(offset_and_bits & control_bits_mask),
        .sender = sender};
}

}  // namespace detail

inline std::optional<TcpSegment> read_tcp_segment(Bytes transport, std::size_t octets,
                                                  ObservedAt at, Sender sender) noexcept {
    auto segment = detail::read_fixed_tcp_header(transport, octets, at, sender);
    if (segment && (segment->control_bits & detail::tcp_syn) != 0) [[unlikely]] {
        detail::read_tcp_options(transport, *segment);
    }
    return segment;
}

}  // namespace tapmeter::flow
