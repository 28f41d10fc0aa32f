#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/base/packet.h"
#include "pipeline/base/prefetch.h"
#include "pipeline/base/region.h"
#include "pipeline/decode/outer_points.h"
#include "pipeline/flow/analytics_books.h"
#include "pipeline/flow/behaviour.h"
#include "pipeline/flow/flow_array.h"
#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/payloads.h"
#include "pipeline/flow/tcp_quality.h"
#include "pipeline/flow/tcp_report.h"
#include "pipeline/flow/tunnel_report.h"

namespace tapmeter::flow {

// What a worker finds in packets beside the counts of their flows, in groups that are switched on
// one by one. Each group keeps a state of fixed size for every place of the flow table, but the
// tunnels, which few flows have. A worker without any group has no Analytics and pays nothing.
class Analytics {
public:
    struct Settings {
        bool tcp = false;
        bool tunnels = false;
        bool behaviour = false;
        Payloads::Settings payloads{};
        std::size_t tunnels_max = 0;  // flows in the table whose surroundings are kept
        std::size_t flow_places = 0;  // of the worker's table
        OuterPoints outer_points{};   // as the worker's
        bool populate = false;        // touch every page at the start

        bool any() const noexcept { return every_packet() || tunnels; }
        // A group wants every packet. Tunnels do not: what stands around a flow is told by its
        // first packet, and the first from its other end.
        bool every_packet() const noexcept { return tcp || behaviour || payloads.any(); }
        // What the table keeps beside each flow (FlowTable::Request): TCP quality. All other groups
        // keep their states here.
        std::size_t beside_flow_octets() const noexcept { return tcp ? sizeof(TcpQuality) : 0; }
    };
    // errors  no_memory, naming what to lower
    static Result<std::unique_ptr<Analytics>> make(const Settings& settings);

    // Memory that make() and, beside its flows, the table takes.
    static std::uint64_t octets_for(const Settings& settings) noexcept;

    // The burst whose packets the next functions speak of. Its views stay valid until it is given
    // back.
    void look_at(std::span<const Packet> burst) noexcept { burst_ = burst; }

    // Asks memory for what a packet of this flow will touch, ...
    void prefetch(const Flow& flow, FlowIndex index) const noexcept {
        if (settings_.tcp) {
            tcp_of(flow).prefetch();
        }
        prefetch_behaviour(index);
    }
    // ... what only this packet of it will, once the other has come, ...
    void foresee(const Flow& flow, const Observation& packet) const noexcept {
        const Packet* const frame = frame_of(packet);
        if (!counts(packet) || packet.transport_at == 0 || frame == nullptr) {
            return;
        }
        const Bytes transport = frame->frame.subspan(packet.transport_at);
        if (transport.size() >= detail::tcp_header_octets_min) [[likely]] {
            tcp_of(flow).foresee(packet.sender, packet.tcp_control_bits,
                                 load_be32(transport.subspan<8>().first<4>()));
        }
    }
    // ... and what the first packet of a flow there will.
    void prefetch_beginning(const Flow& flow, FlowIndex index) const noexcept {
        if (settings_.tcp) {
            tcp_of(flow).prefetch_beginning();
        }
        prefetch_behaviour(index);
    }
    // What the report of a flow is made of.
    void prefetch_end(const Flow& flow, FlowIndex index) const noexcept {
        if (settings_.tcp) {
            tcp_of(flow).prefetch_end();
        }
        prefetch_behaviour(index);
    }

    const Settings& settings() const noexcept { return settings_; }

    // A packet is metered: begin(), see() or pass() follows for each. Where no group wants every
    // packet, those that neither begin nor answer a flow need not be shown.
    void arrive(const Observation& packet) noexcept { books_.segments += counts(packet) ? 1U : 0U; }
    // It made a flow; it is its first packet, and seen as such.
    void begin(Flow& flow, FlowIndex index, const Observation& first) noexcept;
    // answers  it is the first from its end of the flow, and not the flow's first
    void see(FlowIndex index, Flow& flow, const Observation& packet, bool answers) noexcept;
    // The same of a packet that does not answer, of a flow that is not shunted, where that takes
    // the short way: nearly always. False: nothing has happened.
    bool see_plain(Flow& flow, const Observation& packet) noexcept;
    // It belongs to no flow with a place of its own.
    void pass(const Observation& packet) noexcept { skip(packet, SegmentSkipped::aggregated); }

    // What is known of a flow; null: nothing. Valid until the next call.
    struct Reports {
        const TcpReport* tcp = nullptr;
        const TunnelReport* tunnel = nullptr;
        const BehaviourReport* behaviour = nullptr;
        const PayloadReport* payload = nullptr;
    };
    Reports reports(const Flow& flow, FlowIndex index) noexcept;

    // Its counts are reported, and begin anew.
    void cut(Flow& flow, FlowIndex index) noexcept;
    // It leaves. Belongs behind its last reports().
    void end(const Flow& flow, FlowIndex index) noexcept;

    // Packets are passed by while the worker cannot keep up.
    void shed(bool on) noexcept;

    // The flow table is about to grow to so many places: takes memory for them. False: there is
    // none, and the table has to stay as it is.
    bool prepare(std::size_t flow_places);
    // It has grown, after a prepare(). moved  as FlowTable::take_over says
    void follow(std::span<const FlowIndex> moved) noexcept;

    AnalyticsBooks books() const noexcept;

private:
    // Empty where the group is off.
    struct ByFlow {
        FlowArray<BehaviourReport> behaviour;
        FlowArray<std::uint32_t> tunnel_of;  // number in the pool; 0: none
        // Bit by flow: tunnel_of is not 0. So small that it stays in the cache, which tunnel_of
        // does not: nearly all flows have none.
        std::vector<std::uint64_t> has_tunnel;
    };
    static Result<ByFlow> take(const Settings& settings);
    explicit Analytics(const Settings& settings)
        : settings_(settings), tcp_alone_(sees_tcp_alone()) {}
    bool sees_tcp_alone() const noexcept {
        return settings_.tcp && !settings_.behaviour && !settings_.payloads.any() && !shed_;
    }

    // Behind its flow in the table.
    static TcpQuality& tcp_of(Flow& flow) noexcept {
        static_assert(alignof(Flow) == alignof(TcpQuality));
        void* const beside = &flow + 1;
        return *static_cast<TcpQuality*>(beside);
    }
    static const TcpQuality& tcp_of(const Flow& flow) noexcept {
        const void* const beside = &flow + 1;
        return *static_cast<const TcpQuality*>(beside);
    }

    const Packet* frame_of(const Observation& packet) const noexcept {
        return packet.place < burst_.size() ? &burst_[packet.place] : nullptr;
    }
    bool counts(const Observation& packet) const noexcept {
        return settings_.tcp && packet.protocol == detail::protocol_tcp;
    }
    void skip(const Observation& packet, SegmentSkipped why) noexcept {
        if (counts(packet)) {
            ++books_.segments_skipped[static_cast<std::size_t>(why)];
        }
    }
    void prefetch_behaviour(FlowIndex index) const noexcept {
        if (by_flow_.behaviour.empty()) {
            return;
        }
        const auto octets = std::as_bytes(std::span{&by_flow_.behaviour[index], 1});
        for (std::size_t at = 0; at < octets.size(); at += cache_line_octets) {
            tapmeter::prefetch(octets.subspan(at).data());
        }
    }
    bool has_tunnel(FlowIndex index) const noexcept {
        const auto& words = by_flow_.has_tunnel;
        return !words.empty() &&
               ((words[number_of(index) / 64] >> (number_of(index) % 64)) & 1U) != 0;
    }
    void set_tunnel(FlowIndex index, std::uint32_t number) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << (number_of(index) % 64);
        by_flow_.tunnel_of[index] = number;
        std::uint64_t& word = by_flow_.has_tunnel[number_of(index) / 64];
        word = number != 0 ? word | bit : word & ~bit;
    }
    void keep_answer(FlowIndex index, const Observation& packet) noexcept;
    void see_segment(Flow& flow, const Observation& packet) noexcept;
    void keep_tunnel(FlowIndex index, const Observation& first) noexcept;
    void count_connection(const TcpQuality& quality) noexcept;

    Settings settings_;
    AnalyticsBooks books_{};
    ByFlow by_flow_;
    ByFlow ahead_;  // of prepare(), for the larger table
    std::optional<Region> tunnels_memory_;
    std::span<TunnelReport> tunnels_;  // the pool
    std::vector<std::uint32_t> free_tunnels_;
    std::uint32_t tunnels_never_used_ = 0;
    std::unique_ptr<Payloads> payloads_;  // null: none of its groups is on
    std::span<const Packet> burst_;
    decode::Tunnels around_{};
    bool shed_ = false;
    bool tcp_alone_ = false;   // no other group wants packets, and none are passed by
    std::uint8_t pauses_ = 0;  // where one began or ended; flows compare it with what they saw last
    TcpReport tcp_report_{};
    BehaviourReport behaviour_report_{};
};

inline bool Analytics::see_plain(Flow& flow, const Observation& packet) noexcept {
    if (!tcp_alone_) [[unlikely]] {
        return false;
    }
    if (packet.protocol != detail::protocol_tcp) {
        return true;
    }
    const Packet* const frame = frame_of(packet);
    if (frame == nullptr || packet.transport_at == 0) [[unlikely]] {
        return false;
    }
    const auto segment =
        detail::read_fixed_tcp_header(frame->frame.subspan(packet.transport_at),
                                      packet.transport_octets, packet.at, packet.sender);
    if (!segment || !tcp_of(flow).see_plain(*segment, pauses_)) [[unlikely]] {
        return false;
    }
    ++books_.segments_seen;
    return true;
}

}  // namespace tapmeter::flow
