#include "src/appliance/inspection.h"

#include <algorithm>

namespace tapmeter {

namespace {

// What inspection may save up while a worker has time to spare: 10 ms at 2.5 GHz.
constexpr std::uint64_t kept_cycles = 25'000'000;

}  // namespace

inspect::Inspector::Settings inspection_settings(const Config& config, bool recorded) {
    const Config::Dpi& dpi = config.dpi;
    return {.states_max = std::min<std::size_t>(dpi.states_max, config.flow.flows_max),
            .metadata_max = std::min<std::size_t>(dpi.metadata_max, config.flow.flows_max),
            .tcp_packets_max = static_cast<std::uint8_t>(dpi.tcp_packets_max),
            .other_packets_max = static_cast<std::uint8_t>(dpi.other_packets_max),
            .budget = {.share_percent = recorded ? 100 : dpi.budget, .kept_cycles = kept_cycles},
            .populate = !recorded};
}

std::uint64_t inspection_octets(const Config& config, std::uint32_t workers) {
    if (!config.dpi.enabled) {
        return 0;
    }
    auto inspection = inspection_settings(config, false);
    inspection.flow_places = config.flow.flows_max + config.flow.flows_max / 3;
    return workers * (inspect::Inspector::octets_for(inspection) +
                      inspect::Dissector::octets_for(dissector_settings(config, false)));
}

inspect::Dissector::Settings dissector_settings(const Config& config, bool recorded) {
    const Config::Dpi& dpi = config.dpi;
    return {.states_max = std::min<std::size_t>(dpi.states_max, config.flow.flows_max),
            .populate = !recorded,
            .protocols_file = dpi.protocols_file,
            .categories_file = dpi.categories_file};
}

}  // namespace tapmeter
