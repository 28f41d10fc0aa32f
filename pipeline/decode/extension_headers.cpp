#include "pipeline/decode/extension_headers.h"

#include "pipeline/decode/frame.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t octets_per_unit = 8;             // most headers count 64-bit units,
constexpr std::size_t octets_per_word = 4;             // AH counts 32-bit words
constexpr std::size_t authentication_octets_min = 12;  // RFC 4302 §2, without a check value
constexpr std::size_t fragment_header_octets = 8;
constexpr std::uint16_t fragment_offset_mask = 0xfff8;
constexpr std::uint16_t more_fragments_flag = 0x0001;
constexpr std::uint8_t segment_routing_type = 4;  // RFC 8754 §2
constexpr std::size_t routing_type_end = 3;
constexpr std::size_t security_index_at = 4;

constexpr std::size_t options_begin = 2;  // behind Next Header and length
constexpr std::uint8_t option_pad1 = 0;   // the one option without a length
constexpr std::uint8_t option_jumbo = 0xc2;
constexpr std::size_t option_jumbo_octets = 6;

Decoded<void> skip_header(std::size_t octets, Cursor& rest) noexcept {
    if (!rest.holds(octets)) {
        return malformed(Undecoded::truncated);
    }
    rest.skip(octets);
    return {};
}

Decoded<void> read_authentication(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(2)) {
        return malformed(Undecoded::truncated);
    }
    const auto start = rest.peek<2>();
    const std::size_t octets = (load_be8(start.last<1>()) + 2U) * octets_per_word;
    if (octets < authentication_octets_min) {
        return malformed(Undecoded::bad_total_length);
    }
    headers.protocol = load_be8(start.first<1>());
    headers.encapsulations.add(Encapsulation::authentication);
    if (rest.holds(security_index_at + 4)) {
        headers.security_index = load_be32(rest.peek<security_index_at + 4>().last<4>());
    }
    return skip_header(octets, rest);
}

Decoded<void> read_fragment(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(fragment_header_octets)) {
        return malformed(Undecoded::truncated);
    }
    const auto header = rest.take<fragment_header_octets>();
    const std::uint16_t offset_and_flag = load_be16(header.subspan<2, 2>());
    if ((offset_and_flag & fragment_offset_mask) != 0) {
        headers.fragment = Fragment::later;
    } else if ((offset_and_flag & more_fragments_flag) != 0) {
        headers.fragment = Fragment::first;  // else an atomic fragment, RFC 6946: whole
    }
    headers.protocol = load_be8(header.first<1>());
    if (headers.fragment != Fragment::none) {
        headers.part = {.id = load_be32(header.subspan<4, 4>()),
                        .offset = offset_and_flag & std::uint32_t{fragment_offset_mask},
                        .octets = static_cast<std::uint32_t>(rest.wire_octets()),
                        .last = (offset_and_flag & more_fragments_flag) == 0};
    }
    return {};
}

void note_segment_routing(const Cursor& rest, Headers& headers) noexcept {
    if (rest.holds(routing_type_end) &&
        load_be8(rest.peek<routing_type_end>().last<1>()) == segment_routing_type) {
        headers.encapsulations.add(Encapsulation::segment_routing);
    }
}

// The headers whose second octet counts 64-bit units behind the first unit.
Decoded<void> read_common(Cursor& rest, Headers& headers) noexcept {
    if (!rest.holds(2)) {
        return malformed(Undecoded::truncated);
    }
    const auto start = rest.peek<2>();
    if (headers.protocol == routing_header) {
        note_segment_routing(rest, headers);
    }
    headers.protocol = load_be8(start.first<1>());
    const std::size_t octets = (load_be8(start.last<1>()) + std::size_t{1}) * octets_per_unit;
    return skip_header(octets, rest);
}

// True where the header at `rest` is itself the message that the packet carries.
bool is_message(const Cursor& rest, std::uint8_t protocol) noexcept {
    if (protocol != mobility_header && protocol != host_identity && protocol != shim6) {
        return false;
    }
    return rest.holds(1) && load_be8(rest.peek<1>()) == no_next_header;
}

// Octets of the hop-by-hop option at `rest`, which holds at least one.
std::size_t option_octets_at(const Cursor& rest) noexcept {
    if (load_be8(rest.peek<1>()) == option_pad1 || !rest.holds(options_begin)) {
        return 1;
    }
    return options_begin + load_be8(rest.peek<options_begin>().last<1>());
}

Decoded<void> read_one(Cursor& rest, Headers& headers) noexcept {
    switch (headers.protocol) {
        case fragment_header:
            return read_fragment(rest, headers);
        case authentication_header:
            return read_authentication(rest, headers);
        default:
            return read_common(rest, headers);
    }
}

}  // namespace

Decoded<void> read_extension_headers(Cursor& rest, Headers& headers) noexcept {
    for (unsigned count = 0; is_extension_header(headers.protocol); ++count) {
        if (is_message(rest, headers.protocol)) {
            return {};
        }
        if (count == extension_headers_max) {
            return malformed(Undecoded::too_many_extension_headers);
        }
        if (const auto read = read_one(rest, headers); !read) {
            return read;
        }
        if (headers.fragment == Fragment::later) {
            return {};
        }
    }
    return {};
}

Decoded<void> read_authentication_headers(Cursor& rest, Headers& headers) noexcept {
    if (headers.fragment == Fragment::later) {
        return {};
    }
    for (unsigned count = 0; headers.protocol == authentication_header; ++count) {
        if (count == extension_headers_max) {
            return malformed(Undecoded::too_many_extension_headers);
        }
        if (const auto read = read_authentication(rest, headers); !read) {
            return read;
        }
    }
    return {};
}

std::optional<std::uint32_t> jumbo_payload_octets(Bytes octets) noexcept {
    Cursor rest{octets, octets.size()};
    if (!rest.holds(options_begin)) {
        return std::nullopt;
    }
    const auto start = rest.take<options_begin>();
    rest.cut_to((load_be8(start.last<1>()) + std::size_t{1}) * octets_per_unit - options_begin);
    // At most 2,046 options: the header's length field ends the loop.
    while (rest.holds(1)) {
        const std::uint8_t type = load_be8(rest.peek<1>());
        if (type == option_jumbo && rest.holds(option_jumbo_octets)) {
            return load_be32(rest.peek<option_jumbo_octets>().last<4>());
        }
        const std::size_t option_octets = option_octets_at(rest);
        if (!rest.holds(option_octets)) {
            return std::nullopt;
        }
        rest.skip(option_octets);
    }
    return std::nullopt;
}

}  // namespace tapmeter::decode
