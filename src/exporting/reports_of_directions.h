#pragma once

#include <array>
#include <optional>

#include "pipeline/record_ring.h"
#include "src/fields/plan.h"

namespace tapmeter::exporting {

// True where the first record of a flow that leaves as two speaks of its source: else the source
// has sent nothing, and the other one leaves alone.
inline bool asks(const flow::FlowRecord& record) noexcept {
    return record.forward.packets.value != 0 || record.reverse.packets.value == 0;
}

// The reports beside a flow's record, as its source sees them and, for a flow that leaves as two
// records, as its destination does.
class ReportsOfDirections {
public:
    ReportsOfDirections(const RecordRing::Parts& beside, bool biflow) noexcept
        : forward_{.tcp = std::get<const flow::TcpReport*>(beside),
                   .tunnel = std::get<const flow::TunnelReport*>(beside),
                   .behaviour = std::get<const flow::BehaviourReport*>(beside),
                   .payload = std::get<const flow::PayloadReport*>(beside)} {
        if (const auto* found = std::get<const inspect::Metadata*>(beside); found != nullptr) {
            forward_.signatures = &found->signatures;
            reverse_.signatures = &found->signatures;  // of the flow, whoever sent what matched
        }
        if (!biflow && beside != RecordRing::Parts{}) {
            turn();
        }
    }
    ReportsOfDirections(const ReportsOfDirections&) = delete;
    ReportsOfDirections& operator=(const ReportsOfDirections&) = delete;

    // first  0: the source's come first; 1: the destination's come alone
    std::array<fields::Beside, 2> all(std::size_t first) const noexcept {
        return first == 0 ? std::array{forward_, reverse_} : std::array{reverse_, forward_};
    }

private:
    void turn() noexcept;

    fields::Beside forward_;
    fields::Beside reverse_{};  // of the next four
    std::optional<flow::TcpReport> tcp_;
    std::optional<flow::TunnelReport> tunnel_;
    std::optional<flow::BehaviourReport> behaviour_;
    std::optional<flow::PayloadReport> payload_;
};

}  // namespace tapmeter::exporting
