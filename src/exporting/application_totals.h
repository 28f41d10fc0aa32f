#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "pipeline/flow/flow_record.h"
#include "pipeline/inspect/application_names.h"

namespace tapmeter::exporting {

// What each application has carried, by the number of the label's last part: TLS.Google counts as
// Google. The exporter core writes, any thread reads; a look may be late by the record in hand.
class ApplicationTotals {
public:
    struct Total {
        std::uint16_t application = 0;  // 0: not known
        std::uint64_t records = 0;
        std::uint64_t packets = 0;  // both directions
        std::uint64_t octets = 0;   // layer 3
    };

    void add(const flow::FlowRecord& record) noexcept {
        const flow::Application& label = record.application;
        if (label.inspection == flow::Inspection::off) {
            return;
        }
        const std::size_t number = label.application != 0 ? label.application : label.master;
        Cell& cell = cells_[number < cells_.size() ? number : 0];
        bump(cell.records, 1);
        bump(cell.packets, record.forward.packets.value + record.reverse.packets.value);
        bump(cell.octets, record.forward.octets.value + record.reverse.octets.value);
    }

    // Those that were met, the largest first.
    std::vector<Total> read() const;

private:
    struct Cell {
        std::atomic<std::uint64_t> records{0};
        std::atomic<std::uint64_t> packets{0};
        std::atomic<std::uint64_t> octets{0};
    };

    // One writer: no locked addition is needed.
    static void bump(std::atomic<std::uint64_t>& sum, std::uint64_t by) noexcept {
        sum.store(sum.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }

    std::array<Cell, inspect::ApplicationNames::protocols_max> cells_{};
};

}  // namespace tapmeter::exporting
