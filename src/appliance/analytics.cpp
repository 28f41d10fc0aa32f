#include "src/appliance/analytics.h"

#include <algorithm>

#include "src/appliance/captures.h"

namespace tapmeter {

namespace {

// No more states than flows.
std::size_t flows_of(bool on, std::size_t flows_max, const Config& config) {
    return on ? std::min(flows_max, config.flow.flows_max) : 0;
}

}  // namespace

flow::Analytics::Settings analytics_settings(const Config& config, bool recorded) {
    const Config::Analytics& wanted = config.analytics;
    return {.tcp = wanted.tcp,
            .tunnels = wanted.tunnels,
            .behaviour = wanted.behaviour,
            .payloads = {.entropy_max = flows_of(wanted.entropy, wanted.entropy_max, config),
                         .rtp_max = flows_of(wanted.rtp, wanted.rtp_max, config),
                         .dns_max = flows_of(wanted.dns, wanted.dns_max, config)},
            .tunnels_max = std::min<std::size_t>(wanted.tunnels_max, config.flow.flows_max),
            .outer_points = outer_points(config),
            .populate = !recorded};
}

flow::Duplicates::Settings duplicates_settings(const Config& config, bool recorded) {
    flow::Duplicates::Settings settings{.windows = {}, .populate = !recorded};
    for (const Config::Capture& capture : config.captures) {
        settings.windows.emplace_back(capture.dedup);
    }
    return settings;
}

std::uint64_t analytics_octets(const Config& config, std::uint32_t workers) {
    auto settings = analytics_settings(config, false);
    settings.flow_places = flow::FlowTable::places_for(config.flow.flows_max);
    return workers * (flow::Analytics::octets_for(settings) +
                      flow::Duplicates::octets_for(duplicates_settings(config, false)));
}

std::array<std::size_t, RecordRing::kinds> part_slots(const Config& config, std::size_t records) {
    static_assert(
        std::is_same_v<
            RecordRing::Parts,
            std::tuple<const inspect::Metadata*, const flow::TcpReport*, const flow::TunnelReport*,
                       const flow::BehaviourReport*, const flow::PayloadReport*>>);
    const auto slots = [records](bool on) { return on ? records : 0; };
    return {slots(config.dpi.enabled), slots(config.analytics.tcp), slots(config.analytics.tunnels),
            slots(config.analytics.behaviour),
            slots(config.analytics.entropy || config.analytics.rtp || config.analytics.dns)};
}

Result<std::unique_ptr<flow::Analytics>> make_analytics(const Config& config, bool recorded,
                                                        std::size_t flow_places) {
    auto settings = analytics_settings(config, recorded);
    if (!settings.any()) {
        return nullptr;
    }
    settings.flow_places = flow_places;
    return flow::Analytics::make(settings);
}

Result<std::unique_ptr<flow::Duplicates>> make_duplicates(const Config& config, bool recorded,
                                                          const flow::HashKey& secret) {
    const auto settings = duplicates_settings(config, recorded);
    if (!settings.any()) {
        return nullptr;
    }
    return flow::Duplicates::make(settings, secret);
}

}  // namespace tapmeter
