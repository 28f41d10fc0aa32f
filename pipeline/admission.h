#pragma once

#include <cstdint>

#include "pipeline/base/units.h"
#include "pipeline/flow/meter.h"

namespace tapmeter {

// Which flows may begin. Known flows are never asked; while nothing presses, neither are new ones.
// One worker's thread.
class Admission {
public:
    struct Limits {
        // In a flood, and where only answered flows could make room, new flows are aggregated.
        // False: they always get a place of their own.
        bool aggregates = false;
        // So many new flows a second become flows all the same while there is a flood; at most a
        // tenth of that at once.
        double flood_flows = 17'500;
    };

    enum class Verdict : std::uint8_t { flow, aggregate, leave_out };

    explicit Admission(const Limits& limits) noexcept;

    // What is in force from now on.
    // exponent  1 in 2^k flows is metered
    void set(bool flood, unsigned exponent) noexcept {
        flood_ = flood && limits_.aggregates;
        exponent_ = exponent;
    }

    // True: every flow may begin, nobody need ask.
    bool open() const noexcept { return !flood_ && exponent_ == 0; }

    // What happens to the first packet of a flow that is not in the table. In any time t no more
    // than flood_flows × (t + 0.1 s) flows of a flood are let in. Half of what there is at once
    // is kept for TCP packets that follow a handshake: spoofed SYNs and their answers cannot take
    // it, so a real connection becomes a flow with its third packet.
    Verdict judge(FlowHash hash, const flow::Observation& first) noexcept;

    bool aggregates() const noexcept { return limits_.aggregates; }
    unsigned exponent() const noexcept { return exponent_; }

    // True where a flow is chosen at this rate: the same flows for both directions, at every time,
    // and those chosen at a higher exponent among those of a lower. Independent of the flow's
    // bucket and tag, which are made of the same hash.
    static constexpr bool chosen(FlowHash hash, unsigned exponent) noexcept {
        return exponent == 0 || mixed(number_of(hash)) >> (64U - exponent) == 0;
    }

private:
    // Every bit of the result depends on every bit of the hash (after SplitMix64).
    static constexpr std::uint64_t mixed(std::uint64_t hash) noexcept {
        hash = (hash ^ (hash >> 30U)) * 0xbf58'476d'1ce4'e5b9;
        hash = (hash ^ (hash >> 27U)) * 0x94d0'49bb'1331'11eb;
        return hash ^ (hash >> 31U);
    }
    bool take_token(const flow::Observation& first) noexcept;

    Limits limits_;
    double tokens_max_;
    double tokens_;
    ObservedAt refilled_{};
    bool flood_ = false;
    unsigned exponent_ = 0;
};

}  // namespace tapmeter
