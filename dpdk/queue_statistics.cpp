#include "dpdk/queue_statistics.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace tapmeter::dpdk {

namespace {

// How drivers of 22.11 and 24.11 call it behind "rx_q3_", by kind.
constexpr std::size_t names_max = 3;
using Names = std::array<std::string_view, names_max>;
constexpr std::array<Names, 4> names{
    Names{"packets", "good_packets", ""},
    Names{"bytes", "good_bytes", ""},
    Names{"errors", "", ""},
    Names{"dropped", "drop_total", "mbuf_alloc_failed"},
};

std::optional<std::uint64_t> id_of(std::uint16_t port, std::uint16_t queue, const Names& kind) {
    for (const std::string_view name : kind) {
        const std::string full = "rx_q" + std::to_string(queue) + "_" + std::string(name);
        std::uint64_t id = 0;
        if (!name.empty() && rte_eth_xstats_get_id_by_name(port, full.c_str(), &id) == 0) {
            return id;
        }
    }
    return std::nullopt;
}

}  // namespace

QueueStatistics QueueStatistics::find(std::uint16_t port, std::uint16_t queues) {
    QueueStatistics found;
    found.port_ = port;
    bool any = false;
    for (std::uint16_t queue = 0; queue < queues; ++queue) {
        Ids& ids = found.queues_.emplace_back();
        std::ranges::transform(names, ids.begin(),
                               [&](const Names& kind) { return id_of(port, queue, kind); });
        any = any || std::ranges::any_of(ids, [](const auto& id) { return id.has_value(); });
    }
    return any ? found : QueueStatistics();
}

std::vector<DeviceQueueCounters> QueueStatistics::read() const {
    std::vector<DeviceQueueCounters> counters;
    for (const Ids& ids : queues_) {
        std::array<std::uint64_t, kinds> values{};
        for (std::size_t kind = 0; kind < kinds; ++kind) {
            const std::uint64_t id = ids[kind].value_or(0);
            if (ids[kind] && rte_eth_xstats_get_by_id(port_, &id, &values[kind], 1) != 1) {
                values[kind] = 0;
            }
        }
        counters.push_back({values[0], values[1], values[2], values[3]});
    }
    return counters;
}

}  // namespace tapmeter::dpdk
