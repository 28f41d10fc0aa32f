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

tl::unexpected<Error> no_memory_for(std::size_t flows) {
    return failed(Error::Kind::no_memory,
                  "no memory for the analytics of " + std::to_string(flows) +
                      " flows; lower flow.flows_max, analytics.tunnels_max or workers.count, or "
                      "switch groups of [analytics] off");
}

// True where a frame is so common that nothing can stand around its IP packet.
bool is_bare(const Packet& packet) noexcept {
    FlowKey key;
    Observation told;
    return read_common(packet, false, key, told);
}

}  // namespace

std::uint64_t Analytics::octets_for(const Settings& settings) noexcept {
    const std::uint64_t places = settings.flow_places;
    return (settings.tcp ? places * sizeof(TcpQuality) : 0) +
           (settings.behaviour ? places * sizeof(BehaviourReport) : 0) +
           (settings.tunnels
                ? places * sizeof(std::uint32_t) +
                      settings.tunnels_max * (sizeof(TunnelReport) + sizeof(std::uint32_t))
                : 0) +
           Payloads::octets_for(settings.payloads, settings.flow_places);
}

Result<std::unique_ptr<Analytics>> Analytics::make(const Settings& settings) {
    auto made = std::unique_ptr<Analytics>(new Analytics(settings));
    auto by_flow = take(settings);
    if (!by_flow) {
        return tl::unexpected<Error>(std::move(by_flow.error()));
    }
    made->by_flow_ = std::move(*by_flow);
    if (settings.payloads.any()) {
        auto payloads = Payloads::make(settings.payloads, settings.flow_places, settings.populate);
        if (!payloads) {
            return tl::unexpected<Error>(std::move(payloads.error()));
        }
        made->payloads_ = std::move(*payloads);
    }
    if (const std::size_t count = settings.tunnels ? settings.tunnels_max : 0; count != 0) {
        auto pool = Region::reserve(
            {.octets = count * sizeof(TunnelReport), .populate = settings.populate});
        if (!pool) {
            return no_memory_for(count);
        }
        void* const first = pool->octets().data();
        made->tunnels_ = {static_cast<TunnelReport*>(first), count};
        made->tunnels_memory_ = std::move(*pool);
        made->free_tunnels_.reserve(count);  // end() never allocates
    }
    return made;
}

Result<Analytics::ByFlow> Analytics::take(const Settings& settings) {
    const auto places = [&settings](bool on) { return on ? settings.flow_places : 0; };
    const Region::Request memory{.populate = settings.populate};
    auto behaviour = FlowArray<BehaviourReport>::make(places(settings.behaviour), memory);
    auto tunnel_of = FlowArray<std::uint32_t>::make(places(settings.tunnels), memory);
    if (!behaviour || !tunnel_of) {
        return no_memory_for(settings.flow_places);
    }
    return ByFlow{.behaviour = std::move(*behaviour),
                  .tunnel_of = std::move(*tunnel_of),
                  .has_tunnel = std::vector<std::uint64_t>(
                      settings.tunnels ? settings.flow_places / 64 + 1 : 0)};
}

bool Analytics::prepare(std::size_t flow_places) {
    Settings larger = settings_;
    larger.flow_places = flow_places;
    auto ahead = take(larger);
    if (ahead && payloads_ != nullptr && !payloads_->prepare(flow_places)) {
        return false;
    }
    if (ahead) {
        settings_ = larger;
        ahead_ = std::move(*ahead);
    }
    return ahead.has_value();
}

void Analytics::follow(std::span<const FlowIndex> moved) noexcept {
    const ByFlow before = std::exchange(by_flow_, std::exchange(ahead_, {}));
    if (payloads_ != nullptr) {
        payloads_->follow(moved);
    }
    by_flow_.behaviour.take_over(before.behaviour, moved);
    if (by_flow_.tunnel_of.empty()) {
        return;
    }
    for (std::uint32_t old = 0; old < moved.size(); ++old) {
        const std::uint32_t number = before.tunnel_of[FlowIndex{old}];
        if (moved[old] != no_flow && number != 0) {
            set_tunnel(moved[old], number);
        }
    }
}

void Analytics::begin(Flow& flow, FlowIndex index, const Observation& first) noexcept {
    if (settings_.tcp && is_tcp(flow)) {
        tcp_of(flow).begin(pauses_);
        if (frame_of(first) == nullptr) {
            tcp_of(flow).skip();  // it was counted elsewhere
        }
    }
    if (!by_flow_.behaviour.empty()) {
        flow::begin(by_flow_.behaviour[index], first, frame_of(first));
        by_flow_.behaviour[index].pauses = pauses_;
    }
    if (!by_flow_.tunnel_of.empty()) {
        keep_tunnel(index, first);
    }
    if (payloads_ != nullptr) {
        payloads_->begin(flow, index);
    }
    see(index, flow, first, false);
}

void Analytics::see(FlowIndex index, Flow& flow, const Observation& packet, bool answers) noexcept {
    if (answers && has_tunnel(index)) [[unlikely]] {
        keep_answer(index, packet);
    }
    if (shed_) [[unlikely]] {
        skip(packet, SegmentSkipped::shed);
        if (payloads_ != nullptr) {
            payloads_->skip(index);
        }
        return;
    }
    if ((flow.state & state::shunted) != 0) [[unlikely]] {
        skip(packet, SegmentSkipped::shunted);
        return;
    }
    if (!by_flow_.behaviour.empty()) {
        BehaviourReport& state = by_flow_.behaviour[index];
        state.complete = state.complete && state.pauses == pauses_;
        state.pauses = pauses_;
        add(state, packet);
    }
    if (payloads_ != nullptr) {
        payloads_->see(index, flow, packet, frame_of(packet), settings_.outer_points);
    }
    if (counts(packet)) {
        see_segment(flow, packet);
    }
}

void Analytics::see_segment(Flow& flow, const Observation& packet) noexcept {
    const Packet* const frame = frame_of(packet);
    if (frame == nullptr) {
        skip(packet, SegmentSkipped::not_here);
        return;
    }
    std::optional<TcpSegment> segment;
    if (packet.transport_at != 0) [[likely]] {
        segment = read_tcp_segment(frame->frame.subspan(packet.transport_at),
                                   packet.transport_octets, packet.at, packet.sender);
    } else if (const auto headers = decode_metered(*frame, settings_.outer_points, around_)) {
        segment = read_tcp_segment(*headers, packet.at, packet.sender);
    }
    if (!segment) {
        skip(packet, SegmentSkipped::unreadable);
        return;
    }
    TcpQuality& quality = tcp_of(flow);
    quality.catch_up(pauses_);
    quality.see(*segment);
    ++books_.segments_seen;
}

void Analytics::keep_tunnel(FlowIndex index, const Observation& first) noexcept {
    const Packet* const frame = frame_of(first);
    if (frame == nullptr || is_bare(*frame)) {
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
        tunnels_[by_flow_.tunnel_of[index] - 1].reverse_id =
            report_of(*headers, around_).innermost_id;
    }
}

Analytics::Reports Analytics::reports(const Flow& flow, FlowIndex index) noexcept {
    Reports known;
    const bool shunted = (flow.state & state::shunted) != 0;
    if (settings_.tcp && is_tcp(flow)) {
        tcp_report_ = report_of(tcp_of(flow), initiator_of(flow));
        tcp_report_.complete = tcp_report_.complete && !shunted;
        if (!tcp_of(flow).is_uneventful()) {
            books_.tcp.add(tcp_report_.forward.seen);
            books_.tcp.add(tcp_report_.reverse.seen);
        }
        known.tcp = &tcp_report_;
    }
    if (!by_flow_.behaviour.empty()) {
        behaviour_report_ = report_of(by_flow_.behaviour[index], initiator_of(flow));
        behaviour_report_.complete = behaviour_report_.complete && !shunted;
        known.behaviour = &behaviour_report_;
    }
    if (payloads_ != nullptr) {
        known.payload = payloads_->report(index, initiator_of(flow), !shunted);
    }
    if (has_tunnel(index)) {
        known.tunnel = &tunnels_[by_flow_.tunnel_of[index] - 1];
    }
    return known;
}

void Analytics::cut(Flow& flow, FlowIndex index) noexcept {
    if (settings_.tcp) {
        tcp_of(flow).clear_counts();
    }
    if (!by_flow_.behaviour.empty()) {
        clear_counts(by_flow_.behaviour[index]);
    }
    if (payloads_ != nullptr) {
        payloads_->cut(index);
    }
}

void Analytics::end(const Flow& flow, FlowIndex index) noexcept {
    if (settings_.tcp && is_tcp(flow)) {
        count_connection(tcp_of(flow));
    }
    if (has_tunnel(index)) {
        free_tunnels_.push_back(by_flow_.tunnel_of[index]);
        set_tunnel(index, 0);
        --books_.tunnels_in_use;
    }
    if (payloads_ != nullptr) {
        payloads_->end(index);
    }
}

AnalyticsBooks Analytics::books() const noexcept {
    AnalyticsBooks books = books_;
    if (payloads_ != nullptr) {
        books.payloads = payloads_->books();
    }
    return books;
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
    tcp_alone_ = sees_tcp_alone();
}

}  // namespace tapmeter::flow
