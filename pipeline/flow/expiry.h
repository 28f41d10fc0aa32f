#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/timeouts.h"

namespace tapmeter::flow {

// Walks the table so that every flow is looked at within a few ticks of its deadline, with the
// work spread evenly over bursts. Groups and buckets without a due flow cost one comparison each.
class Expiry {
public:
    // A whole pass over the table takes so long, in packet time: timeouts are late by this at most.
    static constexpr Nanoseconds pass_period{std::int64_t{1} << 26U};  // 67 ms

    // Visits due flows at time `now` (never less than at the last call), until the share of the
    // pass that this time allows is done or visit() returns false: that flow is visited again next
    // time. visit(FlowIndex) -> bool may erase the flow or set its deadline, no other.
    template <class Visit>
    void walk(FlowTable& table, ObservedAt now, Visit&& visit) noexcept {
        take_time(table, now);
        while (groups_owed_ != 0) {
            if (forced_groups_ != 0 || table.group_due(group_, ticks_of(now))) {
                if (!walk_group(table, ticks_of(now), visit)) {
                    return;
                }
            }
            group_ = group_ + 1 == table.groups() ? 0 : group_ + 1;
            --groups_owed_;
            forced_groups_ -= forced_groups_ != 0 ? 1 : 0;
        }
    }

private:
    // Turns elapsed time into groups to look at, at most one pass.
    void take_time(const FlowTable& table, ObservedAt now) noexcept {
        // Beyond this gap ticks can no longer be compared: look at every bucket once.
        constexpr Nanoseconds comparable{(deadline_ticks_max / 2) << tick_shift};
        if (!started_ || now - last_ > comparable) {
            started_ = true;
            forced_groups_ = table.groups();
            groups_owed_ = table.groups();
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

    template <class Visit>
    bool walk_group(FlowTable& table, Ticks now, Visit& visit) noexcept {
        const std::size_t first = group_ * FlowTable::buckets_per_group;
        const auto deadlines = table.bucket_deadlines(group_);
        for (std::size_t i = 0; i < deadlines.size(); ++i) {
            if (forced_groups_ != 0 || is_due(deadlines[i], now)) {
                if (!walk_bucket(table, first + i, now, visit)) {
                    return false;
                }
            }
        }
        table.summarise_group(group_, now);
        return true;
    }

    template <class Visit>
    bool walk_bucket(FlowTable& table, std::size_t bucket, Ticks now, Visit& visit) noexcept {
        for (std::size_t way = 0; way < FlowBucket::ways; ++way) {
            const FlowBucket& ways = table.bucket(bucket);
            const bool look =
                ways.tags[way] != 0 && (forced_groups_ != 0 || is_due(ways.deadlines[way], now));
            if (look && !visit(table.index_of(bucket, way))) {
                return false;
            }
        }
        table.summarise_bucket(bucket, now);
        return true;
    }

    ObservedAt last_{};
    Nanoseconds elapsed_{0};         // not yet turned into groups
    std::size_t group_ = 0;          // next to look at
    std::size_t groups_owed_ = 0;    // still to look at in this share of the pass
    std::size_t forced_groups_ = 0;  // of these, look at every flow whatever its deadline says
    bool started_ = false;
};

}  // namespace tapmeter::flow
