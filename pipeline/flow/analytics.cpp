#include "pipeline/flow/analytics.h"

#include <algorithm>
#include <string>
#include <utility>

#include "pipeline/flow/aggregate.h"
#include "pipeline/flow/common_frame.h"

namespace tapmeter::flow {

namespace {

Sender initiator_of(const Flow& flow) noexcept {
    return (flow.state & state::initiator_is_high) != 0 ? Sender::high : Sender::low;
}

bool is_tcp(const Flow& flow) noexcept {
    return flow.key.protocol == detail::protocol_tcp && !is_aggregate(flow.key);
}

// One array of `count` states, all octets 0.
template <class State>
Result<std::span<State>> take(std::vector<Region>& memory, std::size_t count, bool populate) {
    if (count == 0) {
        return std::span<State>{};
    }
    auto region = Region::reserve({.octets = count * sizeof(State), .populate = populate});
    if (!region) {
        return failed(Error::Kind::no_memory,
                      "no memory for the analytics of " + std::to_string(count) +
                          " flows; lower flow.flows_max, analytics.tunnels_max or workers.count, "
                          "or switch groups of [analytics] off");
    }
    void* const first = region->octets().data();
    memory.push_back(std::move(*region));
    return std::span{static_cast<State*>(first), count};
}

// True where a frame is so common that nothing can stand around its IP packet.
bool is_bare(const Packet& packet, const Observation& first) noexcept {
    return first.protocol == detail::protocol_tcp && !common_tcp(packet).empty();
}

}  // namespace

std::uint64_t Analytics::octets_for(const Settings& settings) noexcept {
    const std::uint64_t places = settings.flow_places;
    return (settings.tcp ? places * sizeof(TcpQuality) : 0) +
           (settings.behaviour ? places * sizeof(BehaviourReport) : 0) +
           (settings.tunnels
                ? places * sizeof(std::uint32_t) +
                      settings.tunnels_max * (sizeof(TunnelReport) + sizeof(std::uint32_t))
                : 0);
}

Result<std::unique_ptr<Analytics>> Analytics::make(const Settings& settings) {
    const auto places = [&settings](bool on) { return on ? settings.flow_places : 0; };
    std::vector<Region> memory;
    const bool populate = settings.populate;
    const auto tcp = take<TcpQuality>(memory, places(settings.tcp), populate);
    const auto behaviour = take<BehaviourReport>(memory, places(settings.behaviour), populate);
    const auto tunnel_of = take<std::uint32_t>(memory, places(settings.tunnels), populate);
    const auto tunnels =
        take<TunnelReport>(memory, settings.tunnels ? settings.tunnels_max : 0, populate);
    for (const Error* error :
         {tcp ? nullptr : &tcp.error(), tunnels ? nullptr : &tunnels.error(),
          behaviour ? nullptr : &behaviour.error(), tunnel_of ? nullptr : &tunnel_of.error()}) {
        if (error != nullptr) {
            return tl::unexpected<Error>(*error);
        }
    }
    auto made = std::unique_ptr<Analytics>(new Analytics(settings, std::move(memory)));
    made->tcp_ = *tcp;
    made->behaviour_ = *behaviour;
    made->tunnel_of_ = *tunnel_of;
    made->tunnels_ = *tunnels;
    made->free_tunnels_.reserve(tunnels->size());  // end() never allocates
    made->has_tunnel_.resize(settings.tunnels ? settings.flow_places / 64 + 1 : 0);
    return made;
}

Analytics::Analytics(const Settings& settings, std::vector<Region> memory)
    : settings_(settings), memory_(std::move(memory)) {}

void Analytics::begin(const Flow& flow, FlowIndex index, const Observation& first) noexcept {
    if (!tcp_.empty() && is_tcp(flow)) {
        tcp_[number_of(index)] = {};
        tcp_[number_of(index)].begin_behind(pauses_);
        if (frame_of(first) == nullptr) {
            tcp_[number_of(index)].skip();  // it was counted elsewhere
        }
    }
    if (!behaviour_.empty()) {
        flow::begin(behaviour_[number_of(index)], first, frame_of(first));
        behaviour_[number_of(index)].pauses = pauses_;
    }
    if (!tunnel_of_.empty()) {
        keep_tunnel(index, first);
    }
    see(index, flow, first, false);
}

void Analytics::see(FlowIndex index, const Flow& flow, const Observation& packet,
                    bool answers) noexcept {
    if (answers && has_tunnel(index)) [[unlikely]] {
        keep_answer(index, packet);
    }
    if (shed_) [[unlikely]] {
        skip(packet, SegmentSkipped::shed);
        return;
    }
    if ((flow.state & state::shunted) != 0) [[unlikely]] {
        skip(packet, SegmentSkipped::shunted);
        return;
    }
    if (!behaviour_.empty()) {
        BehaviourReport& state = behaviour_[number_of(index)];
        state.complete = state.complete && state.pauses == pauses_;
        state.pauses = pauses_;
        add(state, packet);
    }
    if (counts(packet)) {
        see_segment(index, packet);
    }
}

void Analytics::see_segment(FlowIndex index, const Observation& packet) noexcept {
    const Packet* const frame = frame_of(packet);
    if (frame == nullptr) {
        skip(packet, SegmentSkipped::not_here);
        return;
    }
    const Bytes common = common_tcp(*frame);
    std::optional<TcpSegment> segment;
    if (!common.empty()) [[likely]] {
        const std::size_t ip_header_octets =
            frame->frame.size() - common.size() - decode::ethernet_header_octets;
        // A VLAN tag of four octets may be between; headers of IP are 20 or 40.
        const std::size_t header = ip_header_octets >= decode::ipv6_header_octets
                                       ? decode::ipv6_header_octets
                                       : decode::ipv4_header_octets_min;
        segment = read_tcp_segment(common, packet.octets - header, packet.at, packet.sender);
    } else if (const auto headers = decode_metered(*frame, settings_.outer_points, around_)) {
        segment = read_tcp_segment(*headers, packet.at, packet.sender);
    }
    if (!segment) {
        skip(packet, SegmentSkipped::unreadable);
        return;
    }
    TcpQuality& quality = tcp_[number_of(index)];
    quality.catch_up(pauses_);
    quality.see(*segment);
    ++books_.segments_seen;
}

void Analytics::keep_tunnel(FlowIndex index, const Observation& first) noexcept {
    const Packet* const frame = frame_of(first);
    if (frame == nullptr || is_bare(*frame, first)) {
        return;
    }
    const auto headers = decode_metered(*frame, settings_.outer_points, around_);
    if (!headers || !has_surroundings(*headers, around_)) {
        return;
    }
    std::uint32_t number = 0;
    if (!free_tunnels_.empty()) {
        number = free_tunnels_.back();
        free_tunnels_.pop_back();
    } else if (tunnels_never_used_ < tunnels_.size()) {
        number = ++tunnels_never_used_;
    } else {
        ++books_.tunnels_refused;
        return;
    }
    set_tunnel(index, number);
    tunnels_[number - 1] = report_of(*headers, around_);
    ++books_.tunnels_kept;
    ++books_.tunnels_in_use;
}

void Analytics::keep_answer(FlowIndex index, const Observation& packet) noexcept {
    const Packet* const frame = frame_of(packet);
    if (frame == nullptr) {
        return;
    }
    if (const auto headers = decode_metered(*frame, settings_.outer_points, around_)) {
        tunnels_[tunnel_of_[number_of(index)] - 1].reverse_id =
            report_of(*headers, around_).innermost_id;
    }
}

Analytics::Reports Analytics::reports(const Flow& flow, FlowIndex index) noexcept {
    Reports known;
    const bool shunted = (flow.state & state::shunted) != 0;
    if (!tcp_.empty() && is_tcp(flow)) {
        tcp_report_ = report_of(tcp_[number_of(index)], initiator_of(flow));
        tcp_report_.complete = tcp_report_.complete && !shunted;
        books_.tcp.add(tcp_report_.forward.seen);
        books_.tcp.add(tcp_report_.reverse.seen);
        known.tcp = &tcp_report_;
    }
    if (!behaviour_.empty()) {
        behaviour_report_ = report_of(behaviour_[number_of(index)], initiator_of(flow));
        behaviour_report_.complete = behaviour_report_.complete && !shunted;
        known.behaviour = &behaviour_report_;
    }
    if (has_tunnel(index)) {
        known.tunnel = &tunnels_[tunnel_of_[number_of(index)] - 1];
    }
    return known;
}

void Analytics::cut(FlowIndex index) noexcept {
    if (!tcp_.empty()) {
        tcp_[number_of(index)].clear_counts();
    }
    if (!behaviour_.empty()) {
        clear_counts(behaviour_[number_of(index)]);
    }
}

void Analytics::end(const Flow& flow, FlowIndex index) noexcept {
    if (!tcp_.empty() && is_tcp(flow)) {
        count_connection(tcp_[number_of(index)]);
    }
    if (has_tunnel(index)) {
        free_tunnels_.push_back(tunnel_of_[number_of(index)]);
        set_tunnel(index, 0);
        --books_.tunnels_in_use;
    }
}

void Analytics::count_connection(const TcpQuality& quality) noexcept {
    ++books_.connections[static_cast<std::size_t>(quality.opening())];
    for (const std::uint32_t time :
         {quality.client_round_trip_us(), quality.server_round_trip_us()}) {
        if (time != 0) {
            const auto* const bound = std::ranges::lower_bound(round_trip_bounds_us, time);
            ++books_.round_trips[static_cast<std::size_t>(bound - round_trip_bounds_us.begin())];
            books_.round_trip_us += time;
        }
    }
}

void Analytics::shed(bool on) noexcept {
    pauses_ = static_cast<std::uint8_t>(pauses_ + (on != shed_ ? 1U : 0U));
    shed_ = on;
}

}  // namespace tapmeter::flow
