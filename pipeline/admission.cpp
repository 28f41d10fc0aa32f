#include "pipeline/admission.h"

#include <algorithm>

namespace tapmeter {

namespace {

constexpr double burst_seconds = 0.1;

// Acknowledges and neither begins nor resets: data, or the third packet of a handshake.
bool follows_a_handshake(const flow::Observation& packet) noexcept {
    constexpr std::uint16_t looked_at =
        flow::detail::tcp_syn | flow::detail::tcp_rst | flow::detail::tcp_ack;
    return packet.protocol == flow::detail::protocol_tcp &&
           (packet.tcp_control_bits & looked_at) == flow::detail::tcp_ack;
}

}  // namespace

Admission::Admission(const Limits& limits) noexcept
    : limits_(limits),
      tokens_max_(std::max(2.0, limits.flood_flows * burst_seconds)),
      tokens_(tokens_max_) {}

Admission::Verdict Admission::judge(FlowHash hash, const flow::Observation& first) noexcept {
    if (!chosen(hash, exponent_)) {
        return Verdict::leave_out;
    }
    return !flood_ || take_token(first) ? Verdict::flow : Verdict::aggregate;
}

bool Admission::take_token(const flow::Observation& first) noexcept {
    if (first.at > refilled_) {
        const double seconds = std::chrono::duration<double>(first.at - refilled_).count();
        tokens_ = std::min(tokens_max_, tokens_ + seconds * limits_.flood_flows);
        refilled_ = first.at;
    }
    const double kept = follows_a_handshake(first) ? 0 : tokens_max_ / 2;
    if (tokens_ < kept + 1) {
        return false;
    }
    tokens_ -= 1;
    return true;
}

}  // namespace tapmeter
