#include "pipeline/decode/frame.h"

#include "pipeline/decode/cursor.h"
#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/ipv4.h"
#include "pipeline/decode/ipv6.h"
#include "pipeline/decode/link.h"
#include "pipeline/decode/transport.h"

namespace tapmeter::decode {

namespace {

// Ethernet inlined, the other link layers called.
Decoded<Network> read_any_link(LinkType link, Cursor& rest, Headers& headers) noexcept {
    if (link == LinkType::ethernet) [[likely]] {
        return read_ethernet(rest, headers);
    }
    Cursor moved = rest;
    const auto network = read_link(link, moved, headers);
    rest = moved;
    return network;
}

// A pseudowire's or a provider backbone's frame inside the frame.
[[gnu::noinline]] Decoded<Network> read_inner_ethernet(Cursor& rest, Headers& headers) noexcept {
    Decoded<Network> network = Network::ethernet;
    for (unsigned frames = 0; network && *network == Network::ethernet; ++frames) {
        if (frames == tunnel_layers_max) {
            return Network::none;
        }
        network = read_ethernet(rest, headers);
    }
    return network;
}

// rest  at the first octet; afterwards at the transport header
[[gnu::always_inline]] inline Decoded<void> walk(const Packet& packet, Cursor& rest,
                                                 Headers& headers) noexcept {
    auto network = read_any_link(packet.link, rest, headers);
    if (network && *network == Network::ethernet) [[unlikely]] {
        Cursor moved = rest;
        network = read_inner_ethernet(moved, headers);
        rest = moved;
    }
    if (!network) {
        return malformed(network.error());
    }
    if (*network == Network::none) {
        return {};
    }

    const auto ip = *network == Network::ipv4 ? read_ipv4(rest, headers) : read_ipv6(rest, headers);
    if (!ip) {
        return ip;
    }
    return read_transport(rest, headers);
}

}  // namespace

Decoded<Headers> decode_frame(const Packet& packet) noexcept {
    Decoded<Headers> headers;  // built where the caller wants it; the layers write into it
    Cursor rest{packet.frame, packet.wire_octets};
    if (const auto walked = walk(packet, rest, *headers); !walked) [[unlikely]] {
        headers = malformed(walked.error());
    }
    return headers;
}

Decoded<Headers> decode_innermost(const Packet& packet, Tunnels& tunnels) noexcept {
    tunnels.layers = 0;
    tunnels.not_entered = NotEntered::no_tunnel;
    tunnels.numbered = false;
    Decoded<Headers> headers;
    Cursor rest{packet.frame, packet.wire_octets};
    if (const auto walked = walk(packet, rest, *headers); !walked) [[unlikely]] {
        headers = malformed(walked.error());
        return headers;
    }
    if (headers->ip_version != 0 && may_carry_tunnel(*headers)) {
        enter_tunnels(rest, *headers, tunnels);
    }
    return headers;
}

}  // namespace tapmeter::decode
