#pragma once

#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "pipeline/base/region.h"
#include "pipeline/flow/flow_table.h"

namespace tapmeter::flow {

// One State for every place of a worker's flow table, in memory of its own: what only some workers
// keep of a flow. Without places where it is off. One thread.
//
// All octets of a State are 0 until somebody writes it, so a zeroed State must be an empty one.
template <class State>
class FlowArray {
    static_assert(std::is_trivially_copyable_v<State>, "lives in plain octets");

public:
    FlowArray() = default;

    // memory  as Region::reserve wants it, but for its octets
    // errors  as Region::reserve
    static Result<FlowArray> make(std::size_t places, Region::Request memory) {
        FlowArray made;
        if (places != 0) {
            memory.octets = places * sizeof(State);
            auto region = Region::reserve(memory);
            if (!region) {
                return tl::unexpected<Error>(std::move(region.error()));
            }
            void* const first = region->octets().data();
            made.states_ = {static_cast<State*>(first), places};
            made.region_.emplace(std::move(*region));
        }
        return made;
    }

    bool empty() const noexcept { return states_.empty(); }
    State& operator[](FlowIndex index) const noexcept { return states_[number_of(index)]; }

    // The flows have moved into a larger table, as FlowTable::take_over says; their states follow
    // out of `before` into this one, which is new.
    void take_over(const FlowArray& before, std::span<const FlowIndex> moved) noexcept {
        for (std::size_t old = 0; old < before.states_.size(); ++old) {
            if (moved[old] != no_flow) {
                (*this)[moved[old]] = before.states_[old];
            }
        }
    }

private:
    std::optional<Region> region_;
    std::span<State> states_;
};

}  // namespace tapmeter::flow
