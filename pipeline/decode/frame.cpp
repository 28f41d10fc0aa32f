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

Decoded<void> walk(const Packet& packet, Headers& headers) noexcept {
    Cursor rest{packet.frame, packet.wire_octets};

    const auto network = read_any_link(packet.link, rest, headers);
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
    if (const auto walked = walk(packet, *headers); !walked) [[unlikely]] {
        headers = malformed(walked.error());
    }
    return headers;
}

}  // namespace tapmeter::decode
