#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "pipeline/decode/outer_points.h"
#include "pipeline/flow/analytics_books.h"
#include "pipeline/flow/dns_times.h"
#include "pipeline/flow/entropy.h"
#include "pipeline/flow/flow_pool.h"
#include "pipeline/flow/meter.h"
#include "pipeline/flow/payload_report.h"
#include "pipeline/flow/rtp.h"

namespace tapmeter::flow {

// The groups of analytics that look into payloads: entropy, RTP, response times of DNS. Each has
// states for as many flows at one time as its configuration says. Part of Analytics, by whose rules
// packets are shown.
class Payloads {
public:
    struct Settings {
        std::size_t entropy_max = 0;  // flows; 0: the group is off, as of the next two
        std::size_t rtp_max = 0;
        std::size_t dns_max = 0;

        bool any() const noexcept { return entropy_max != 0 || rtp_max != 0 || dns_max != 0; }
    };

    // places  of the flow table
    static Result<std::unique_ptr<Payloads>> make(const Settings& settings, std::size_t places,
                                                  bool populate);
    static std::uint64_t octets_for(const Settings& settings, std::size_t places) noexcept;

    void begin(const Flow& flow, FlowIndex index) noexcept;
    // frame  null: it is not here, and the flow is not complete
    void see(FlowIndex index, const Flow& flow, const Observation& packet, const Packet* frame,
             OuterPoints outer_points) noexcept;
    // Packets were passed by: what is counted in order begins anew.
    void skip(FlowIndex index) noexcept;

    // Null: nothing is known of the flow. Valid until the next call.
    // whole  every packet was shown, or passed by with skip()
    const PayloadReport* report(FlowIndex index, Sender initiator, bool whole) noexcept;
    void cut(FlowIndex index) noexcept;
    void end(FlowIndex index) noexcept;

    bool prepare(std::size_t places);
    void follow(std::span<const FlowIndex> moved) noexcept;

    PayloadBooks books() const noexcept;

private:
    // RTP is looked for in so many packets of a flow.
    static constexpr std::uint64_t rtp_packets_max = 64;

    struct EntropyState {
        std::array<Entropy, 2> directions{};  // by Sender
        bool incomplete = false;
    };
    struct RtpState {
        std::array<RtpSource, 2> directions{};
        bool incomplete = false;
        bool known = false;  // it is RTP, and counted as such
    };
    struct DnsState {
        DnsTimes times{};
        bool incomplete = false;
    };

    static_assert(sizeof(EntropyState) == 1'036 && sizeof(RtpState) == 168 &&
                  sizeof(DnsState) == 128);  // told with the keys of [analytics]

    bool wants(FlowIndex index, const Flow& flow, const Observation& packet) noexcept;
    void see_fragment(FlowIndex index, const Observation& packet, decode::Fragment fragment,
                      Bytes payload) noexcept;
    void see_rtp(FlowIndex index, const Observation& packet, Bytes payload) noexcept;

    FlowPool<EntropyState> entropy_;
    FlowPool<RtpState> rtp_;
    FlowPool<DnsState> dns_;
    decode::Tunnels around_{};
    PayloadReport report_{};
    std::uint64_t rtp_flows_ = 0;
};

}  // namespace tapmeter::flow
