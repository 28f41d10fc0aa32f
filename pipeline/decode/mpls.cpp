#include "pipeline/decode/mpls.h"

#include "pipeline/decode/frame.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t label_octets = 4;
constexpr std::uint32_t bottom_of_stack = 0x100;

Decoded<void> skip_labels(Cursor& rest) noexcept {
    for (unsigned label = 0; label < mpls_labels_max; ++label) {
        if (!rest.holds(label_octets)) {
            return malformed(Undecoded::truncated);
        }
        const auto entry = rest.take<label_octets>();
        if ((load_be32(entry) & bottom_of_stack) != 0) {
            return {};
        }
    }
    return malformed(Undecoded::too_many_labels);
}

}  // namespace

Decoded<Network> read_mpls(Cursor& rest, Headers& headers) noexcept {
    if (const auto skipped = skip_labels(rest); !skipped) {
        return malformed(skipped.error());
    }
    if (!rest.holds(1)) {
        return malformed(Undecoded::truncated);
    }
    const auto first = rest.peek<1>();
    switch (load_be8(first) >> 4U) {
        case 4:
            return Network::ipv4;
        case 6:
            return Network::ipv6;
        default:
            headers.non_ip = NonIp::mpls;
            return Network::none;
    }
}

}  // namespace tapmeter::decode
