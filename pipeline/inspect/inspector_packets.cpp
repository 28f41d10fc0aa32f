// The part of Inspector that looks into packets.

#include "pipeline/base/cycles.h"
#include "pipeline/decode/frame.h"
#include "pipeline/inspect/inspector.h"

namespace tapmeter::inspect {

using flow::Flow;
using flow::FlowTable;
using flow::Inspection;

namespace {

constexpr std::uint8_t protocol_tcp = 6;

// With still less left a module serves no flow at all: what it asks for may be a TLS record in
// assembly, and it asks without looking whether it was given.
constexpr std::size_t packet_reserve_octets = std::size_t{256} << 10U;

// Behind the handshake, TCP segments without payload say no more of the application.
bool tells_nothing(const decode::Headers& headers, std::uint8_t packets_before) noexcept {
    constexpr std::uint8_t handshake_packets = 3;
    return headers.protocol == protocol_tcp && headers.payload.empty() &&
           packets_before >= handshake_packets;
}

Direction direction_of(const Flow& flow, const decode::Headers& headers) noexcept {
    const bool initiator_is_high = (flow.state & flow::state::initiator_is_high) != 0;
    const decode::Address& address = initiator_is_high ? flow.key.high : flow.key.low;
    const std::uint16_t port = initiator_is_high ? flow.key.high_port : flow.key.low_port;
    return headers.source == address && headers.source_port == port ? Direction::from_initiator
                                                                    : Direction::from_responder;
}

}  // namespace

void Inspector::inspect_noted(FlowTable& table) noexcept {
    if (noted_count_ == 0) {
        return;
    }
    if (!budget_.allows_packets()) {
        shed_noted(table);
        return;
    }
    const std::uint64_t began = cycles_now();
    const auto noted = std::span{noted_}.first(noted_count_);
    prefetch_state(noted.front().state);
    for (std::size_t i = 0; i < noted.size(); ++i) {
        if (i + 1 < noted.size()) {
            prefetch_state(noted[i + 1].state);
        }
        inspect_one(table, noted[i]);
    }
    noted_count_ = 0;
    spend_since(began);
}

// It cannot be the last that was missing: the first is.
void Inspector::keep_part(const decode::Headers& headers, ObservedAt at) noexcept {
    if (budget_.allows_packets()) {
        const std::uint64_t began = cycles_now();
        datagrams_.take(headers, at);
        spend_since(began);
    }
}

void Inspector::spend_since(std::uint64_t began) noexcept {
    const std::uint64_t spent = cycles_now() - began;
    books_.cycles += spent;
    budget_.spend(spent);
}

void Inspector::inspect_one(FlowTable& table, const Noted& noted) noexcept {
    FlowState& state = states_[noted.state];
    if (!state.in_use) {
        return;  // let go behind an earlier packet of this burst
    }
    const Packet& packet = burst_[noted.place];
    auto headers = decode_metered(packet, settings_.outer_points, tunnels_);
    if (!headers) {
        return;
    }
    states_.touch(noted.state, packet.observed_at);
    ++books_.packets;
    books_.octets += headers->ip.size();
    InspectedPacket seen{.headers = *headers,
                         .at = packet.observed_at,
                         .direction = direction_of(table.flow(state.flow), *headers),
                         .state = noted.state,
                         .observation_point = packet.observation_point,
                         .flow_id = state.flow_id};
    const Marked mark(settings_.slot, Doing::reading, table.flow(state.flow).key);
    using Taken = DatagramAssembly::Taken;
    const Taken taken = headers->fragment == decode::Fragment::none || state.is_read
                            ? Taken::no
                            : datagrams_.take(*headers, packet.observed_at);
    if (taken != Taken::no) [[unlikely]] {
        headers->payload = {};
    }
    look_into(seen, mark);
    if (taken == Taken::whole && !state.is_read) {
        look_into_whole(seen, table.flow(state.flow), mark);
    }
    mark.go_on(Doing::ending);
    if (state.is_decided && state.is_read) {
        let_go(table, noted.state);
    }
}

void Inspector::look_into(InspectedPacket& packet, const Marked& mark) noexcept {
    const FlowState& state = states_[packet.state];
    const bool more_facts = !state.is_read && content_->read(packet);
    mark.go_on(Doing::dissecting);
    if (!state.is_decided) {
        dissect(packet);
    }
    mark.go_on(Doing::reading);
    if (!state.is_read) {
        packet.spoken = state.spoken;
        compare(packet, more_facts);
    }
}

// The datagram that the packet has made whole. The dissector has seen its first fragment.
void Inspector::look_into_whole(InspectedPacket packet, const Flow& flow,
                                const Marked& mark) noexcept {
    mark.go_on(Doing::reading);
    const Bytes octets = datagrams_.datagram();
    auto headers = decode::decode_frame({.frame = octets,
                                         .observed_at = packet.at,
                                         .wire_octets = static_cast<std::uint32_t>(octets.size()),
                                         .observation_point = packet.observation_point,
                                         .link = LinkType::raw_ip});
    if (!headers) {
        return;
    }
    headers->vlan = packet.headers.vlan;
    headers->customer_vlan = packet.headers.customer_vlan;
    InspectedPacket whole{.headers = *headers,
                          .at = packet.at,
                          .direction = direction_of(flow, *headers),
                          .state = packet.state,
                          .observation_point = packet.observation_point,
                          .flow_id = packet.flow_id,
                          .spoken = packet.spoken};
    compare(whole, content_->read(whole));
}

// Facts stand at the beginning: what was not found by then is not waited for.
void Inspector::compare(const InspectedPacket& packet, bool more_facts) noexcept {
    FlowState& state = states_[packet.state];
    using Wants = ContentReader::Wants;
    const Wants wants = content_->compare(packet, more_facts, budget_.allows_signatures());
    const std::uint8_t most = packets_max(packet.headers);
    if (!packet.headers.payload.empty() && state.readings < most) {
        ++state.readings;
    }
    state.is_read = wants == Wants::nothing || (wants == Wants::facts && state.readings == most);
}

void Inspector::dissect(const InspectedPacket& packet) noexcept {
    FlowState& state = states_[packet.state];
    const decode::Headers& headers = packet.headers;
    if (headers.fragment == decode::Fragment::later || tells_nothing(headers, state.packets)) {
        return;
    }
    Dissector& dissector = dissector_of(packet.state);
    if (dissector.octets_left() < packet_reserve_octets) [[unlikely]] {
        decide(packet.state, Inspection::no_state);
        return;
    }
    ++state.packets;
    const auto step = dissector.inspect(octets_of(packet.state), headers, packet.at);
    state.spoken = dissector.spoken(octets_of(packet.state));
    if (step == Dissector::Step::decided) {
        decide(packet.state);
    } else if (step == Dissector::Step::hopeless || state.packets >= packets_max(headers)) {
        if (step != Dissector::Step::refine) {
            dissector.give_up(octets_of(packet.state));
        }
        decide(packet.state);
    }
}

std::uint8_t Inspector::packets_max(const decode::Headers& headers) const noexcept {
    return headers.protocol == protocol_tcp ? settings_.tcp_packets_max
                                            : settings_.other_packets_max;
}

// Too late for these packets: their flows keep what is known of them.
void Inspector::shed_noted(FlowTable& table) noexcept {
    for (const Noted& noted : std::span{noted_}.first(noted_count_)) {
        const FlowState& state = states_[noted.state];
        if (!state.in_use) {
            continue;
        }
        const Marked mark(settings_.slot, Doing::ending, table.flow(state.flow).key);
        if (!state.is_decided) {
            decide(noted.state, Inspection::shed);
        }
        if (content_->comparison() != nullptr) {
            content_->comparison()->shed(noted.state);
        }
        let_go(table, noted.state);
    }
    noted_count_ = 0;
}

}  // namespace tapmeter::inspect
