#include "src/exporting/application_totals.h"

#include <algorithm>

namespace tapmeter::exporting {

std::vector<ApplicationTotals::Total> ApplicationTotals::read() const {
    std::vector<Total> totals;
    for (std::size_t number = 0; number < cells_.size(); ++number) {
        const Cell& cell = cells_[number];
        const std::uint64_t records = cell.records.load(std::memory_order_relaxed);
        if (records != 0) {
            totals.push_back({.application = static_cast<std::uint16_t>(number),
                              .records = records,
                              .packets = cell.packets.load(std::memory_order_relaxed),
                              .octets = cell.octets.load(std::memory_order_relaxed)});
        }
    }
    std::ranges::stable_sort(totals, std::ranges::greater{}, &Total::octets);
    return totals;
}

}  // namespace tapmeter::exporting
