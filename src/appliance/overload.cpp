#include "src/appliance/overload.h"

#include <bit>

namespace tapmeter {

namespace {

double share_of(std::uint32_t percent) {
    return percent / 100.0;
}

// At this rate flows of one packet fill the table before the first of them is idle.
double flood_rate(const Config& config) {
    if (config.overload.new_flows != 0) {
        return config.overload.new_flows;
    }
    const double idle_seconds = std::chrono::duration<double>(config.flow.idle_timeout).count();
    return static_cast<double>(config.flow.flows_max) / idle_seconds;
}

}  // namespace

LoadLevels load_levels(const Config& config, bool recorded) {
    const Config::Overload& overload = config.overload;
    const int exponent = std::bit_width(overload.sample_flows_max) - 1;
    return {.table = {share_of(overload.table_warm), share_of(overload.table_hot)},
            .ring = {share_of(overload.ring_warm), share_of(overload.ring_hot)},
            .backlog = {share_of(overload.backlog_warm), share_of(overload.backlog_hot)},
            .flood_new_flows = flood_rate(config),
            .flood_table = share_of(overload.flood_table),
            .leave = share_of(overload.leave),
            .sampling_exponent_max = recorded ? 0U : static_cast<unsigned>(exponent),
            // Most of inspection, then all of it, before any flow is left out.
            .inspection_steps = config.dpi.enabled && !recorded ? 2U : 0U,
            // Who says that no flow is to be given up means what is known of flows too.
            .analytics_steps = config.analytics.any() && !recorded && exponent != 0 ? 1U : 0U};
}

Admission::Limits admission_limits(const Config& config, bool recorded) {
    const Config::Overload& overload = config.overload;
    const bool aggregates = overload.aggregate == Config::Switch::on ||
                            (overload.aggregate == Config::Switch::automatic && !recorded);
    return {
        .aggregates = aggregates,
        .flood_flows = overload.flows_let_in != 0 ? overload.flows_let_in : flood_rate(config) / 2};
}

}  // namespace tapmeter
