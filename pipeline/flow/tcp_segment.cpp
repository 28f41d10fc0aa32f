#include "pipeline/flow/tcp_segment.h"

#include "pipeline/decode/cursor.h"

namespace tapmeter::flow {

namespace {

constexpr std::uint8_t option_end = 0;
constexpr std::uint8_t option_none = 1;
constexpr std::uint8_t option_segment_size = 2;
constexpr std::uint8_t option_window_scale = 3;
constexpr unsigned options_max = 40;  // octets: the header has no room for more

void read_option(std::uint8_t kind, Bytes value, TcpSegment& segment) noexcept {
    if (kind == option_segment_size && value.size() == 2) {
        segment.segment_octets_max = load_be16(value.first<2>());
    } else if (kind == option_window_scale && value.size() == 1) {
        segment.window_scale = load_be8(value.first<1>());
    }
}

}  // namespace

std::optional<TcpSegment> read_tcp_segment(const decode::Headers& headers, ObservedAt at,
                                           Sender sender) noexcept {
    if (headers.protocol != detail::protocol_tcp || headers.fragment != decode::Fragment::none) {
        return std::nullopt;
    }
    return read_tcp_segment(headers.transport, headers.transport_octets, at, sender);
}

void detail::read_tcp_options(Bytes transport, TcpSegment& segment) noexcept {
    const std::size_t header_octets =
        (load_be8(transport.subspan<12>().first<1>()) >> 4U) * tcp_octets_per_word;
    const Bytes options =
        transport.first(std::min(header_octets, transport.size())).subspan(tcp_header_octets_min);
    decode::Cursor rest{options, options.size()};
    for (unsigned count = 0; count < options_max && rest.holds(1); ++count) {
        const std::uint8_t kind = load_be8(rest.take<1>());
        if (kind == option_end || (kind != option_none && !rest.holds(1))) {
            return;
        }
        if (kind == option_none) {
            continue;
        }
        const std::size_t octets = load_be8(rest.take<1>());
        if (octets < 2 || !rest.holds(octets - 2)) {
            return;
        }
        read_option(kind, rest.captured().first(octets - 2), segment);
        rest.skip(octets - 2);
    }
}

}  // namespace tapmeter::flow
