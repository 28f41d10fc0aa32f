#include "pipeline/decode/mpls.h"

#include "pipeline/decode/frame.h"
#include "pipeline/decode/plausible.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t label_octets = 4;
constexpr std::uint32_t bottom_of_stack = 0x100;
constexpr unsigned time_to_live_bits = 8;  // of a label stack entry, its last
constexpr std::size_t control_word_octets = 4;
constexpr std::uint8_t nibble_control_word = 0;
constexpr std::uint8_t nibble_associated_channel = 1;

// Keeps the outermost stack alone: a tunnel's inner one is of another network.
Decoded<void> read_labels(Cursor& rest, Headers& headers) noexcept {
    const bool keep = headers.mpls_labels == 0;
    for (unsigned label = 0; label < mpls_labels_max; ++label) {
        if (!rest.holds(label_octets)) {
            return malformed(Undecoded::truncated);
        }
        const std::uint32_t entry = load_be32(rest.take<label_octets>());
        if (keep && label < mpls_stack_max) {
            headers.mpls_stack[label] = entry >> time_to_live_bits;
            headers.mpls_labels = static_cast<std::uint8_t>(label + 1);
        }
        if ((entry & bottom_of_stack) != 0) {
            return {};
        }
    }
    return malformed(Undecoded::too_many_labels);
}

Decoded<Network> no_ip(Headers& headers) noexcept {
    headers.non_ip = NonIp::mpls;
    return Network::none;
}

// Ethernet, behind a control word or without one; nothing in the stack says so (RFC 4448 §3.1).
Decoded<Network> read_pseudowire(std::uint8_t nibble, Cursor& rest, Headers& headers) noexcept {
    if (nibble == nibble_associated_channel) {
        return no_ip(headers);
    }
    Cursor behind_word = rest;
    if (nibble == nibble_control_word && rest.holds(control_word_octets)) {
        behind_word.skip(control_word_octets);
        if (looks_like_ethernet(behind_word)) {
            rest = behind_word;
            headers.encapsulations.add(Encapsulation::pseudowire);
            return Network::ethernet;
        }
    }
    if (looks_like_ethernet(rest)) {
        headers.encapsulations.add(Encapsulation::pseudowire);
        return Network::ethernet;
    }
    return no_ip(headers);
}

}  // namespace

Decoded<Network> read_mpls(Cursor& rest, Headers& headers) noexcept {
    if (const auto read = read_labels(rest, headers); !read) {
        return malformed(read.error());
    }
    headers.encapsulations.add(Encapsulation::mpls);
    if (!rest.holds(1)) {
        return malformed(Undecoded::truncated);
    }
    const auto first = rest.peek<1>();
    const auto nibble = static_cast<std::uint8_t>(load_be8(first) >> 4U);
    switch (nibble) {
        case 4:
            return Network::ipv4;
        case 6:
            return Network::ipv6;
        default:
            return read_pseudowire(nibble, rest, headers);
    }
}

}  // namespace tapmeter::decode
