#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/base/source.h"

namespace tapmeter::dpdk {

// What the driver counts for each queue: extended statistics by their usual names, because each
// driver counts something else. Main thread; read() one thread at a time.
class QueueStatistics {
public:
    QueueStatistics() = default;  // knows nothing

    // Looks up what the driver of a started port has for its first `queues` queues.
    static QueueStatistics find(std::uint16_t port, std::uint16_t queues);

    // One a queue; empty where the driver has none of the names. What it does not count is 0.
    std::vector<DeviceQueueCounters> read() const;

private:
    static constexpr std::size_t kinds = 4;  // packets, octets, errors, missed
    using Ids = std::array<std::optional<std::uint64_t>, kinds>;

    std::uint16_t port_ = 0;
    std::vector<Ids> queues_;
};

}  // namespace tapmeter::dpdk
