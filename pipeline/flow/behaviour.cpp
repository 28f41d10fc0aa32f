#include "pipeline/flow/behaviour.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "pipeline/decode/ethernet.h"
#include "pipeline/decode/ipv6.h"

namespace tapmeter::flow {

namespace {

constexpr std::size_t mac_octets = 6;
constexpr std::uint32_t flow_label_mask = 0x000f'ffff;

// Few bounds: a count of those that are below has no branch to guess wrong.
template <class Bounds, class Value>
std::size_t bin_of(const Bounds& bounds, Value value) noexcept {
    std::size_t bin = 0;
    for (const auto bound : bounds) {
        bin += value > bound ? 1U : 0U;
    }
    return bin;
}

std::int64_t microseconds_between(ObservedAt from, ObservedAt to) noexcept {
    return std::max<std::int64_t>((to - from).count(), 0) / 1'000;
}

void note_frame(BehaviourReport& state, const Packet& frame) noexcept {
    if (frame.link != LinkType::ethernet || frame.frame.size() < decode::ethernet_header_octets) {
        return;
    }
    std::memcpy(state.destination_mac.data(), frame.frame.data(), mac_octets);
    std::memcpy(state.source_mac.data(), frame.frame.subspan<mac_octets>().data(), mac_octets);
    state.has_mac = true;
    constexpr std::size_t type_at = decode::ethernet_header_octets - 2;
    Bytes rest = frame.frame.subspan<type_at>();
    std::uint16_t type = load_be16(rest.first<2>());
    if (type == decode::ethertype_vlan && rest.size() >= decode::vlan_tag_octets + 2) {
        rest = rest.subspan<decode::vlan_tag_octets>();
        type = load_be16(rest.first<2>());
    }
    if (type == decode::ethertype_ipv6 && rest.size() >= 2 + sizeof(std::uint32_t)) {
        state.flow_label = load_be32(rest.subspan<2>().first<4>()) & flow_label_mask;
    }
}

void add_to_second(BehaviourReport& state, const Observation& packet) noexcept {
    constexpr std::int64_t second_ns = 1'000'000'000;
    const std::int64_t second = packet.at.time_since_epoch().count() / second_ns;
    if (second != state.second) {
        state.second = second;
        state.second_octets = 0;
        state.second_packets = 0;
    }
    state.second_octets += packet.octets;
    ++state.second_packets;
    state.peak_octets = std::max(state.peak_octets, state.second_octets);
    state.peak_packets = std::max(state.peak_packets, state.second_packets);
}

void add_to_first(BehaviourReport& state, const Observation& packet) noexcept {
    constexpr std::int64_t time_max = std::numeric_limits<std::uint32_t>::max();
    constexpr std::uint32_t octets_max = std::numeric_limits<std::uint16_t>::max();
    const std::size_t at = state.first_packets++;
    state.first_octets[at] = static_cast<std::uint16_t>(std::min(packet.octets, octets_max));
    state.first_times_us[at] = static_cast<std::uint32_t>(
        std::min(microseconds_between(state.begun, packet.at), time_max));
    if (packet.sender == Sender::high) {
        state.first_reverse = static_cast<std::uint16_t>(state.first_reverse | (1U << at));
    }
}

}  // namespace

void begin(BehaviourReport& state, const Observation& first, const Packet* frame) noexcept {
    state = {};
    state.begun = first.at;
    if (frame != nullptr) {
        note_frame(state, *frame);
    }
}

void add(BehaviourReport& state, const Observation& packet) noexcept {
    BehaviourReport::Direction& way = state.directions[static_cast<std::size_t>(packet.sender)];
    ++way.sizes[bin_of(size_bounds, packet.octets)];
    ++way.ttls[bin_of(ttl_bounds, packet.time_to_live)];
    if (way.last != ObservedAt{}) {
        ++way.gaps[bin_of(gap_bounds_us, microseconds_between(way.last, packet.at))];
    }
    way.last = packet.at;
    const bool first = way.ttl_max == 0;
    way.ttl_max = std::max(way.ttl_max, packet.time_to_live);
    way.ttl_min = first ? packet.time_to_live : std::min(way.ttl_min, packet.time_to_live);
    way.services |= packet.type_of_service;
    add_to_second(state, packet);
    if (state.first_packets < first_packets_max) [[unlikely]] {
        add_to_first(state, packet);
    }
}

void clear_counts(BehaviourReport& state) noexcept {
    for (BehaviourReport::Direction& way : state.directions) {
        way = {.last = way.last};
    }
    state.peak_octets = 0;
    state.peak_packets = 0;
}

BehaviourReport report_of(const BehaviourReport& state, Sender initiator) noexcept {
    BehaviourReport report = state;
    if (initiator == Sender::high) {
        constexpr std::uint32_t all = (1U << first_packets_max) - 1;
        std::swap(report.directions[0], report.directions[1]);
        const std::uint32_t used = (1U << state.first_packets) - 1;
        report.first_reverse = static_cast<std::uint16_t>(~state.first_reverse & used & all);
    }
    return report;
}

}  // namespace tapmeter::flow
