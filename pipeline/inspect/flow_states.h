#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/base/prefetch.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/flow_table.h"
#include "pipeline/inspect/inspected_packet.h"
#include "pipeline/inspect/rules/application.h"

namespace tapmeter::inspect {

// What the inspector itself remembers of a flow.
struct FlowState {
    ObservedAt last{};          // packet that was looked into
    std::uint64_t flow_id = 0;  // as in records; only where signatures want it
    flow::FlowIndex flow{};
    std::uint8_t packets = 0;    // that the dissector has seen
    std::uint8_t readings = 0;   // packets with payload that were read for their content
    std::uint8_t dissector = 0;  // of the two
    rules::Application spoken = rules::Application::unknown;  // as the dissector has told
    bool in_use = false;
    bool is_decided = false;  // the dissector is done with it
    bool is_read = false;     // the reader of contents is done with it
};

// The states of a worker: as many as there is memory for, and those in use by their last packet.
// One thread.
class FlowStates {
    // Numbers plus one; 0: none. Of a free state `younger` is the next free one.
    struct Link {
        std::uint32_t older = 0;
        std::uint32_t younger = 0;
    };

public:
    explicit FlowStates(std::size_t count) : states_(count), links_(count) {
        for (std::size_t number = count; number != 0; --number) {
            links_[number - 1].younger = free_;
            free_ = static_cast<std::uint32_t>(number);
        }
    }

    // Memory of one.
    static constexpr std::size_t state_octets() noexcept {
        return sizeof(FlowState) + sizeof(Link);
    }

    std::size_t size() const noexcept { return states_.size(); }
    bool any_free() const noexcept { return free_ != 0; }

    // A free one, now the youngest. One must be free.
    StateIndex take(const FlowState& state) noexcept {
        const std::uint32_t number = free_ - 1;
        free_ = links_[number].younger;
        states_[number] = state;
        append(number);
        return StateIndex{number};
    }
    void give_back(StateIndex index) noexcept {
        const std::uint32_t number = number_of(index);
        unlink(number);
        states_[number] = {};
        links_[number].younger = free_;
        free_ = number + 1;
    }

    // operator[] and touch() come next.
    void prefetch(StateIndex index) const noexcept {
        tapmeter::prefetch(&states_[number_of(index)]);
        tapmeter::prefetch(&links_[number_of(index)]);
    }

    // The flow has had a packet.
    void touch(StateIndex index, ObservedAt at) noexcept {
        const std::uint32_t number = number_of(index);
        states_[number].last = at;
        if (youngest_ != number + 1) {
            unlink(number);
            append(number);
        }
    }
    // The one that has been without a packet for longest. One must be in use.
    StateIndex oldest() const noexcept { return StateIndex{oldest_ - 1}; }

    FlowState& operator[](StateIndex index) noexcept { return states_[number_of(index)]; }
    const FlowState& operator[](StateIndex index) const noexcept {
        return states_[number_of(index)];
    }

private:
    void append(std::uint32_t number) noexcept {
        links_[number] = {.older = youngest_, .younger = 0};
        (youngest_ != 0 ? links_[youngest_ - 1].younger : oldest_) = number + 1;
        youngest_ = number + 1;
    }
    void unlink(std::uint32_t number) noexcept {
        const Link link = links_[number];
        (link.older != 0 ? links_[link.older - 1].younger : oldest_) = link.younger;
        (link.younger != 0 ? links_[link.younger - 1].older : youngest_) = link.older;
    }

    std::vector<FlowState> states_;
    std::vector<Link> links_;
    std::uint32_t free_ = 0;
    std::uint32_t oldest_ = 0;
    std::uint32_t youngest_ = 0;
};

}  // namespace tapmeter::inspect
