#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/timeouts.h"

namespace tapmeter::flow {

// Walks the table so that every flow is looked at within a few ticks of its deadline, with the
// work spread evenly over bursts. Groups and buckets without a due flow cost one comparison each.
class Expiry {
public:
    // A whole pass over the table takes so long, in packet time: timeouts are late by this and a
    // tick at most, where nothing holds the worker up.
    static constexpr Nanoseconds pass_period{std::int64_t{1} << 25U};  // 34 ms

    // What one walk may cost, in steps of about a nanosecond; bench/expiry_bench measures it. A
    // walk that reaches its limit goes on in the next one where it stood.
    using Work = std::uint32_t;
    static constexpr Work no_limit = std::numeric_limits<Work>::max();
    static constexpr Work work_of_group = 1;  // its deadline is compared
    static constexpr Work work_of_due_group = 2 * FlowTable::buckets_per_group;
    static constexpr Work work_of_due_bucket = 20;
    static constexpr Work work_of_flow = 80;

    // Visits due flows at time `now` (never less than at the last call), until the share of the
    // pass that this time allows is done, work_max is reached, or visit() returns false: that flow
    // is visited again next time. visit(FlowIndex) -> bool may erase the flow or set its deadline,
    // no other. visit.ask(FlowIndex), where there is one: the flow is visited soon, and what lies
    // beside the table may be asked of memory. Returns what it did; more than work_max by one
    // bucket's flows at most.
    template <class Visit>
    Work walk(FlowTable& table, ObservedAt now, Visit&& visit, Work work_max = no_limit) noexcept {
        take_time(table, now);
        Work work = 0;
        while (groups_owed_ != 0 && work < work_max) {
            work += work_of_group;
            if (forced_groups_ != 0 || table.group_due(group_, ticks_of(now))) {
                work += work_of_due_group;
                if (!walk_group(table, ticks_of(now), visit, {work, work_max})) {
                    return work;
                }
            }
            group_ = group_ + 1 == table.groups() ? 0 : group_ + 1;
            --groups_owed_;
            forced_groups_ -= forced_groups_ != 0 ? 1 : 0;
        }
        return work;
    }

private:
    // What a walk has done so far, and may do.
    struct Budget {
        Work& done;
        Work max;
    };

    // Turns elapsed time into groups to look at, at most one pass.
    void take_time(const FlowTable& table, ObservedAt now) noexcept {
        // Beyond this gap ticks can no longer be compared: look at every bucket once.
        constexpr Nanoseconds comparable{(deadline_ticks_max / 2) << tick_shift};
        if (!started_ || now - last_ > comparable) {
            started_ = true;
            forced_groups_ = table.groups();
            groups_owed_ = table.groups();
            next_bucket_ = 0;
        } else {
            elapsed_ += now - last_;
            const auto groups = static_cast<std::int64_t>(table.groups());
            const auto owed = elapsed_.count() >= pass_period.count()
                                  ? groups
                                  : groups * elapsed_.count() / pass_period.count();
            if (owed > 0) {
                elapsed_ = Nanoseconds{0};
                groups_owed_ =
                    std::min(groups_owed_ + static_cast<std::size_t>(owed), table.groups());
            }
        }
        last_ = now;
    }

    // Bit b is set where the group's bucket b is to be looked at, from where the last walk stopped.
    std::uint64_t due_buckets(const FlowTable& table, Ticks now) const noexcept {
        static_assert(FlowTable::buckets_per_group == 64);
        const auto deadlines = table.bucket_deadlines(group_);
        std::uint64_t due = 0;
        for (std::size_t i = next_bucket_; i < deadlines.size(); ++i) {
            due |= std::uint64_t{forced_groups_ != 0 || is_due(deadlines[i], now)} << i;
        }
        return due;
    }

    // False: the walk ends here.
    template <class Visit>
    bool walk_group(FlowTable& table, Ticks now, Visit& visit, Budget budget) noexcept {
        const std::size_t first = group_ * FlowTable::buckets_per_group;
        const std::uint64_t due = due_buckets(table, now);
        // The lines of a bucket's flows are asked for while those of the one before are visited.
        for (std::uint64_t left = due; left != 0; left &= left - 1) {
            table.prefetch_ways(first + static_cast<std::size_t>(std::countr_zero(left)));
        }
        ask_for_flows(table, {first, due}, now, visit);
        for (std::uint64_t left = due; left != 0; left &= left - 1) {
            next_bucket_ = static_cast<std::size_t>(std::countr_zero(left));
            if (budget.done >= budget.max) {
                return false;
            }
            ask_for_flows(table, {first, left & (left - 1)}, now, visit);
            if (!walk_bucket(table, first + next_bucket_, now, visit, budget)) {
                return false;
            }
        }
        next_bucket_ = 0;
        table.summarise_group(group_, now);
        return true;
    }

    // Ways of a bucket to be looked at.
    std::uint32_t due_ways(const FlowTable& table, std::size_t bucket, Ticks now) const noexcept {
        const FlowBucket& ways = table.bucket(bucket);
        return forced_groups_ != 0 ? ways.ways_in_use() : ways.due_ways(now);
    }

    // Buckets of a group, by their bits.
    struct Due {
        std::size_t first;
        std::uint64_t buckets;
    };

    // Of the first of these buckets.
    template <class Visit>
    void ask_for_flows(const FlowTable& table, Due due, Ticks now, Visit& visit) const noexcept {
        if (due.buckets == 0) {
            return;
        }
        const std::size_t bucket =
            due.first + static_cast<std::size_t>(std::countr_zero(due.buckets));
        for (std::uint32_t ways = due_ways(table, bucket, now); ways != 0; ways &= ways - 1) {
            const FlowIndex index =
                table.index_of(bucket, static_cast<std::size_t>(std::countr_zero(ways)));
            table.prefetch_flow(index);
            if constexpr (requires { visit.ask(index); }) {
                visit.ask(index);
            }
        }
    }

    template <class Visit>
    bool walk_bucket(FlowTable& table, std::size_t bucket, Ticks now, Visit& visit,
                     Budget budget) noexcept {
        budget.done += work_of_due_bucket;
        for (std::uint32_t ways = due_ways(table, bucket, now); ways != 0; ways &= ways - 1) {
            budget.done += work_of_flow;
            const auto way = static_cast<std::size_t>(std::countr_zero(ways));
            if (!visit(table.index_of(bucket, way))) {
                return false;
            }
        }
        table.summarise_bucket(bucket, now);
        return true;
    }

    ObservedAt last_{};
    Nanoseconds elapsed_{0};         // not yet turned into groups
    std::size_t group_ = 0;          // next to look at
    std::size_t next_bucket_ = 0;    // of this group; not 0: a walk stopped inside of it
    std::size_t groups_owed_ = 0;    // still to look at in this share of the pass
    std::size_t forced_groups_ = 0;  // of these, look at every flow whatever its deadline says
    bool started_ = false;
};

}  // namespace tapmeter::flow
