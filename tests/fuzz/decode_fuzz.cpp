#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/decode/frame.h"
#include "pipeline/flow/common_frame.h"

namespace {

using tapmeter::Bytes;
using tapmeter::expects;
using tapmeter::LinkType;
using tapmeter::Packet;
using tapmeter::decode::Decoded;
using tapmeter::decode::Headers;
using tapmeter::decode::Tunnels;

constexpr unsigned link_types = static_cast<unsigned>(LinkType::unknown) + 1;
constexpr std::uint32_t beyond_octets_per_unit = 257;  // up to 65,535 octets behind the snap length

// What the payload must be of the frame it was read from.
void expect_inside(Bytes payload, Bytes frame) {
    if (payload.empty()) {
        return;
    }
    expects(payload.data() >= frame.data());
    expects(payload.data() + payload.size() <= frame.data() + frame.size());
}

void expect_consistent(const Headers& headers, const Packet& packet) {
    expect_inside(headers.payload, packet.frame);
    if (headers.ip_version == 0) {
        expects(headers.ip_octets == 0 && headers.payload.empty());
        expects(headers.non_ip < tapmeter::NonIp::count);
        return;
    }
    expects(headers.ip_version == 4 || headers.ip_version == 6);
    expects(headers.ip_octets >= (headers.ip_version == 4 ? 20U : 40U));
    expects(headers.ip_octets <= packet.wire_octets);
    expects(headers.payload.size() <= headers.ip_octets);
    expects(headers.fragment != tapmeter::decode::Fragment::later ||
            (headers.source_port == 0 && headers.destination_port == 0));
}

void expect_bounded(const Headers& headers, const Tunnels& tunnels) {
    expects(tunnels.layers <= tapmeter::decode::tunnel_layers_max);
    expects(tunnels.not_entered < tapmeter::decode::NotEntered::count);
    expects(headers.mpls_labels <= tapmeter::decode::mpls_stack_max);
    for (std::size_t layer = 0; layer < tunnels.layers; ++layer) {
        expects(headers.encapsulations.has(tunnels.layer[layer].kind));
    }
    if (headers.fragment != tapmeter::decode::Fragment::none) {
        expects(headers.part.octets <= headers.ip_octets);
        expects((headers.part.offset == 0) ==
                (headers.fragment == tapmeter::decode::Fragment::first));
    }
}

// Tunnels change nothing about whether a packet is IP at all, and an outer header that is metered
// is the one that stands outside.
void expect_entered_or_not(const Decoded<Headers>& outermost, const Decoded<Headers>& innermost,
                           const Tunnels& tunnels) {
    expects(outermost.has_value() == innermost.has_value());
    if (!outermost) {
        expects(outermost.error() == innermost.error());
        return;
    }
    expects((outermost->ip_version == 0) == (innermost->ip_version == 0));
    expect_bounded(*innermost, tunnels);
    if (tunnels.layers == 0) {
        expects(outermost->source == innermost->source);
        expects(outermost->source_port == innermost->source_port);
        expects(outermost->ip_octets == innermost->ip_octets);
    } else {
        expects(tunnels.source == outermost->source);
        expects(tunnels.destination == outermost->destination);
        expects(innermost->ip_octets < outermost->ip_octets);
    }
}

void expect_equal(const Decoded<Headers>& one, const Decoded<Headers>& other) {
    expects(one.has_value() == other.has_value());
    if (!one) {
        expects(one.error() == other.error());
        return;
    }
    expects(one->source == other->source && one->destination == other->destination);
    expects(one->source_port == other->source_port);
    expects(one->destination_port == other->destination_port);
    expects(one->vlan == other->vlan && one->customer_vlan == other->customer_vlan);
    expects(one->protocol == other->protocol && one->ip_version == other->ip_version);
    expects(one->non_ip == other->non_ip && one->fragment == other->fragment);
    expects(one->ip_octets == other->ip_octets);
    expects(one->tcp_control_bits == other->tcp_control_bits);
    expects(one->type_of_service == other->type_of_service);
    expects(one->time_to_live == other->time_to_live);
    expects(one->icmp_type == other->icmp_type && one->icmp_code == other->icmp_code);
    expects(one->payload.size() == other->payload.size());
}

// The short way of common frames, where it answers, is the long way.
void expect_short_cut(const Packet& packet, const Decoded<Headers>& headers,
                      const Tunnels& tunnels) {
    using namespace tapmeter::flow;
    for (const bool vlan_in_key : {false, true}) {
        FlowKey key;
        Observation observation;
        if (!read_common(packet, vlan_in_key, key, observation)) {
            continue;
        }
        expects(headers.has_value() && headers->ip_version != 0);
        expects(tunnels.layers == 0);
        expects(headers->fragment == tapmeter::decode::Fragment::none);
        FlowKey walked_key;
        Observation walked;
        const Sender sender = write_key(*headers, vlan_in_key, walked_key);
        observe(*headers, packet, sender, walked);
        expects(key == walked_key && observation == walked);
    }
}

}  // namespace

// Any octets are a frame: the first chooses the link type, the second how much the snap length
// cut off, the rest is the frame, in a heap block of its own size. What must hold for all of them:
// no read outside the frame (the sanitizers' part), headers that agree with each other and with
// the frame, the same answer by the short way of common frames, and the same answer for the same
// octets elsewhere in memory (ours).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const Bytes octets = std::as_bytes(std::span{data, size}).subspan(2);
    const std::vector<std::byte> frame{octets.begin(), octets.end()};
    const Packet packet{
        .frame = frame,
        .wire_octets = static_cast<std::uint32_t>(frame.size()) + data[1] * beyond_octets_per_unit,
        .link = static_cast<LinkType>(data[0] % link_types),
    };
    Tunnels tunnels;
    const auto headers = tapmeter::decode::decode_innermost(packet, tunnels);
    if (headers) {
        expect_consistent(*headers, packet);
    }
    expect_short_cut(packet, headers, tunnels);
    expect_entered_or_not(tapmeter::decode::decode_frame(packet), headers, tunnels);

    Packet moved = packet;
    const std::vector<std::byte> copy{frame};
    moved.frame = copy;
    expect_equal(headers, tapmeter::decode::decode_innermost(moved, tunnels));
    return 0;
}
