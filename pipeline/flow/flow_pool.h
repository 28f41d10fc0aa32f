#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "pipeline/flow/flow_array.h"

namespace tapmeter::flow {

// States for some of the flows of a worker's table, out of a pool of fixed size: for what few flows
// have, or what is too large for all. Taken at start; no allocation after make(). One thread.
template <class State>
class FlowPool {
    static_assert(std::is_trivially_copyable_v<State>, "lives in plain octets");

public:
    struct Counts {
        std::uint64_t given = 0;
        std::uint64_t refused = 0;  // none was free
        std::uint64_t in_use = 0;   // at this moment
    };

    FlowPool() = default;

    // places  of the flow table
    // errors  as Region::reserve
    static Result<FlowPool> make(std::size_t places, std::size_t states, Region::Request memory) {
        FlowPool made;
        if (states == 0) {
            return made;
        }
        auto numbers = FlowArray<std::uint32_t>::make(places, memory);
        memory.octets = states * sizeof(State);
        auto pool = Region::reserve(memory);
        if (!numbers || !pool) {
            return tl::unexpected<Error>(std::move(numbers ? pool.error() : numbers.error()));
        }
        void* const first = pool->octets().data();
        made.states_ = {static_cast<State*>(first), states};
        made.memory_.emplace(std::move(*pool));
        made.places_ = {std::move(*numbers), words_for(places)};
        made.free_.reserve(states);
        made.populate_ = memory.populate;
        return made;
    }
    static std::uint64_t octets_for(std::size_t places, std::size_t states) noexcept {
        return states == 0 ? 0
                           : places * sizeof(std::uint32_t) +
                                 states * (sizeof(State) + sizeof(std::uint32_t));
    }

    bool empty() const noexcept { return states_.empty(); }
    const Counts& counts() const noexcept { return counts_; }

    // Null: the flow has none.
    State* find(FlowIndex index) noexcept {
        return has(index) ? &states_[places_.number_of[index] - 1] : nullptr;
    }

    // A new one, for a flow that has none; null: none is free, which is counted.
    State* give(FlowIndex index) noexcept {
        std::uint32_t number = 0;
        if (!free_.empty()) {
            number = free_.back();
            free_.pop_back();
        } else if (never_used_ < states_.size()) {
            number = ++never_used_;
        } else {
            ++counts_.refused;
            return nullptr;
        }
        ++counts_.given;
        ++counts_.in_use;
        set(index, number);
        states_[number - 1] = State{};
        return &states_[number - 1];
    }

    // The flow needs it no longer; nothing where it has none.
    void take_back(FlowIndex index) noexcept {
        if (has(index)) {
            free_.push_back(places_.number_of[index]);
            set(index, 0);
            --counts_.in_use;
        }
    }

    // The flow table is about to grow; false: there is no memory for that.
    bool prepare(std::size_t places) {
        if (empty()) {
            return true;
        }
        auto numbers = FlowArray<std::uint32_t>::make(places, {.populate = populate_});
        if (numbers) {
            ahead_ = {std::move(*numbers), words_for(places)};
        }
        return numbers.has_value();
    }
    // It has grown; moved  as FlowTable::take_over says
    void follow(std::span<const FlowIndex> moved) noexcept {
        if (empty()) {
            return;
        }
        const Places before = std::exchange(places_, std::exchange(ahead_, {}));
        for (std::uint32_t old = 0; old < moved.size(); ++old) {
            const std::uint32_t number = before.number_of[FlowIndex{old}];
            if (moved[old] != no_flow && number != 0) {
                set(moved[old], number);
            }
        }
    }

private:
    struct Places {
        FlowArray<std::uint32_t> number_of;  // 1 + place in the pool; 0: none
        // Bit by flow: number_of is not 0. So small that it stays in the cache.
        std::vector<std::uint64_t> has;
    };
    static constexpr std::size_t word_bits = 64;

    static std::vector<std::uint64_t> words_for(std::size_t places) {
        return std::vector<std::uint64_t>(places / word_bits + 1);
    }
    bool has(FlowIndex index) const noexcept {
        return !places_.has.empty() && ((places_.has[tapmeter::number_of(index) / word_bits] >>
                                         (tapmeter::number_of(index) % word_bits)) &
                                        1U) != 0;
    }
    void set(FlowIndex index, std::uint32_t number) noexcept {
        const std::uint64_t bit = std::uint64_t{1} << (tapmeter::number_of(index) % word_bits);
        places_.number_of[index] = number;
        std::uint64_t& word = places_.has[tapmeter::number_of(index) / word_bits];
        word = number != 0 ? word | bit : word & ~bit;
    }

    std::optional<Region> memory_;
    std::span<State> states_;
    Places places_;
    Places ahead_;
    std::vector<std::uint32_t> free_;
    std::uint32_t never_used_ = 0;
    bool populate_ = false;
    Counts counts_{};
};

}  // namespace tapmeter::flow
