#include "pipeline/flow/payloads.h"

#include <utility>

#include "pipeline/flow/aggregate.h"
#include "pipeline/flow/common_frame.h"
#include "pipeline/flow/fragments.h"

namespace tapmeter::flow {

namespace {

constexpr std::uint8_t protocol_udp = detail::protocol_udp;

struct Carried {
    Bytes payload{};  // what stands behind the transport header, as captured
    decode::Fragment fragment = decode::Fragment::none;
};
Carried carried_by(const Packet& frame, OuterPoints outer_points,
                   decode::Tunnels& around) noexcept {
    FlowKey key;
    Observation told;
    if (!read_common(frame, false, key, told)) {
        const auto headers = decode_metered(frame, outer_points, around);
        return headers ? Carried{headers->payload, headers->fragment} : Carried{};
    }
    const Bytes ip = common_ip(frame, told.octets);
    const Bytes transport = ip.subspan(key.ip_version == 4 ? decode::ipv4_header_octets_min
                                                           : decode::ipv6_header_octets);
    if (key.protocol == protocol_udp) {
        return {.payload = transport.subspan(detail::udp_header_octets)};
    }
    constexpr std::size_t data_offset_at = 12;
    const std::size_t header =
        std::size_t{load_be8(transport.subspan<data_offset_at>().first<1>())} >> 4U << 2U;
    return {.payload = header <= transport.size() ? transport.subspan(header) : Bytes{}};
}

template <class Counts>
PoolCounts counts_of(const Counts& counts) noexcept {
    return {counts.given, counts.refused, counts.in_use};
}

bool is_dns(const Flow& flow) noexcept {
    return flow.key.protocol == protocol_udp &&
           (flow.key.low_port == dns_port || flow.key.high_port == dns_port);
}

void fill(const RtpSource& source, PayloadReport::Direction& way) noexcept {
    if (!source.is_rtp()) {
        return;
    }
    way.is_rtp = true;
    way.rtp_source = source.source();
    way.rtp_packets = source.packets();
    way.rtp_lost = source.lost();
    way.rtp_jitter_us = source.jitter_us();
    way.rtp_jitter_mean_us = source.jitter_mean_us();
    way.rtp_jitter_max_us = source.jitter_max_us();
    way.rtp_clock = source.clock();
    way.rtp_payload_type = source.payload_type();
}

}  // namespace

Result<std::unique_ptr<Payloads>> Payloads::make(const Settings& settings, std::size_t places,
                                                 bool populate) {
    const Region::Request memory{.populate = populate};
    auto made = std::make_unique<Payloads>();
    auto entropy = FlowPool<EntropyState>::make(places, settings.entropy_max, memory);
    auto rtp = FlowPool<RtpState>::make(places, settings.rtp_max, memory);
    auto dns = FlowPool<DnsState>::make(places, settings.dns_max, memory);
    if (!entropy || !rtp || !dns) {
        return failed(Error::Kind::no_memory,
                      "no memory to look into payloads; lower analytics.entropy_max, rtp_max, "
                      "dns_max, flow.flows_max or workers.count, or switch these groups off");
    }
    made->entropy_ = std::move(*entropy);
    made->rtp_ = std::move(*rtp);
    made->dns_ = std::move(*dns);
    return made;
}

std::uint64_t Payloads::octets_for(const Settings& settings, std::size_t places) noexcept {
    return FlowPool<EntropyState>::octets_for(places, settings.entropy_max) +
           FlowPool<RtpState>::octets_for(places, settings.rtp_max) +
           FlowPool<DnsState>::octets_for(places, settings.dns_max);
}

void Payloads::begin(const Flow& flow, FlowIndex index) noexcept {
    if (is_aggregate(flow.key)) {
        return;
    }
    if (!entropy_.empty()) {
        entropy_.give(index);
    }
    if (!dns_.empty() && is_dns(flow)) {
        dns_.give(index);
    }
}

// Whether the payload of this packet can tell anything more.
bool Payloads::wants(FlowIndex index, const Flow& flow, const Observation& packet) noexcept {
    const EntropyState* const entropy = entropy_.find(index);
    if (entropy != nullptr &&
        !entropy->directions[static_cast<std::size_t>(packet.sender)].is_full()) {
        return true;
    }
    if (packet.protocol != protocol_udp) {
        return false;
    }
    const std::uint64_t packets = flow.sides[0].packets.value + flow.sides[1].packets.value;
    return dns_.find(index) != nullptr || rtp_.find(index) != nullptr ||
           (!rtp_.empty() && packets <= rtp_packets_max && !is_aggregate(flow.key));
}

void Payloads::see(FlowIndex index, const Flow& flow, const Observation& packet,
                   const Packet* frame, OuterPoints outer_points) noexcept {
    if (!wants(index, flow, packet)) {
        return;
    }
    if (frame == nullptr) {
        skip(index);
        return;
    }
    const auto [payload, fragment] = carried_by(*frame, outer_points, around_);
    if (fragment != decode::Fragment::none) {
        see_fragment(index, packet, fragment, payload);
        return;
    }
    if (payload.empty()) {
        return;
    }
    if (EntropyState* const state = entropy_.find(index); state != nullptr) {
        state->directions[static_cast<std::size_t>(packet.sender)].add(payload);
    }
    if (packet.protocol != protocol_udp) {
        return;
    }
    if (DnsState* const state = dns_.find(index); state != nullptr) {
        state->times.see(payload, DnsTimes::Extent::whole, packet.at);
    } else if (!rtp_.empty()) {
        see_rtp(index, packet, payload);
    }
}

// Of what was cut only answers of DNS are looked at: their header stands in the first fragment.
void Payloads::see_fragment(FlowIndex index, const Observation& packet, decode::Fragment fragment,
                            Bytes payload) noexcept {
    DnsState* const state = dns_.find(index);
    if (state == nullptr) {
        return;
    }
    const bool completes = completes_datagram(packet);
    if (fragment == decode::Fragment::first) {
        const auto extent = completes ? DnsTimes::Extent::whole : DnsTimes::Extent::first_fragment;
        state->times.see(payload, extent, packet.at);
    } else if (completes) {
        state->times.see_last_fragment(packet.at);
    }
}

void Payloads::see_rtp(FlowIndex index, const Observation& packet, Bytes payload) noexcept {
    const auto header = read_rtp(payload);
    if (!header) {
        return;
    }
    RtpState* state = rtp_.find(index);
    state = state != nullptr ? state : rtp_.give(index);
    if (state == nullptr) {
        return;
    }
    RtpSource& way = state->directions[static_cast<std::size_t>(packet.sender)];
    if (!way.see(*header, packet.at) && !state->known) {
        rtp_.take_back(index);
        return;
    }
    if (way.is_rtp() && !state->known) {
        state->known = true;
        ++rtp_flows_;
    }
}

void Payloads::skip(FlowIndex index) noexcept {
    if (EntropyState* const state = entropy_.find(index); state != nullptr) {
        state->incomplete = true;
    }
    if (RtpState* const state = rtp_.find(index); state != nullptr) {
        state->incomplete = true;
    }
    if (DnsState* const state = dns_.find(index); state != nullptr) {
        state->incomplete = true;
    }
}

const PayloadReport* Payloads::report(FlowIndex index, Sender initiator, bool whole) noexcept {
    report_ = {};
    report_.complete = whole;
    auto& ways = report_.directions;
    if (const EntropyState* const state = entropy_.find(index); state != nullptr) {
        for (std::size_t way = 0; way < ways.size(); ++way) {
            ways[way].entropy_octets = state->directions[way].octets();
            ways[way].entropy_millibits = state->directions[way].millibits();
            report_.has_entropy = report_.has_entropy || ways[way].entropy_octets != 0;
        }
        report_.complete = report_.complete && !state->incomplete;
    }
    if (const RtpState* const state = rtp_.find(index); state != nullptr && state->known) {
        for (std::size_t way = 0; way < ways.size(); ++way) {
            fill(state->directions[way], ways[way]);
        }
        report_.has_rtp = true;
        report_.complete = report_.complete && !state->incomplete;
    }
    if (const DnsState* const state = dns_.find(index); state != nullptr) {
        report_.dns_answers = state->times.answers();
        report_.dns_unanswered = state->times.unanswered();
        report_.dns_min_us = state->times.min_us();
        report_.dns_mean_us = state->times.mean_us();
        report_.dns_max_us = state->times.max_us();
        report_.has_dns = true;
        report_.complete = report_.complete && !state->incomplete;
    }
    if (initiator == Sender::high) {
        std::swap(ways[0], ways[1]);
    }
    return report_.has_entropy || report_.has_rtp || report_.has_dns ? &report_ : nullptr;
}

void Payloads::cut(FlowIndex index) noexcept {
    if (RtpState* const state = rtp_.find(index); state != nullptr) {
        for (RtpSource& way : state->directions) {
            way.clear_counts();
        }
    }
    if (DnsState* const state = dns_.find(index); state != nullptr) {
        state->times.clear_counts();
    }
}

void Payloads::end(FlowIndex index) noexcept {
    entropy_.take_back(index);
    rtp_.take_back(index);
    dns_.take_back(index);
}

bool Payloads::prepare(std::size_t places) {
    return entropy_.prepare(places) && rtp_.prepare(places) && dns_.prepare(places);
}

void Payloads::follow(std::span<const FlowIndex> moved) noexcept {
    entropy_.follow(moved);
    rtp_.follow(moved);
    dns_.follow(moved);
}

PayloadBooks Payloads::books() const noexcept {
    return {.entropy = counts_of(entropy_.counts()),
            .rtp = counts_of(rtp_.counts()),
            .dns = counts_of(dns_.counts()),
            .rtp_flows = rtp_flows_};
}

}  // namespace tapmeter::flow
