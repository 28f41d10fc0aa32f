#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "pipeline/base/shunt.h"
#include "pipeline/books.h"
#include "pipeline/flow/flow.h"
#include "pipeline/flow/flow_table.h"
#include "pipeline/flow/train.h"

namespace tapmeter {

// Which flows of one worker are shunted, and what was counted of them since it last looked. With a
// door their packets end before they reach the worker, and their counts are folded into their
// flows; without one (DPDK, files) all packets still come, and the mark only says of which flows
// nothing but the counters is of interest any more: whoever inspects packets asks for it. Belongs
// to the worker's thread.
class Shunts {
public:
    struct Settings {
        static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

        std::uint64_t octets = never;  // a flow is shunted once a record of it has more than these
        ShuntDoor* door = nullptr;     // outlives the worker; null: see above
        Nanoseconds interval{std::chrono::milliseconds{100}};  // counts are folded that often
        Nanoseconds active{};                                  // the active timeout
    };
    Shunts(const Settings& settings, WorkerBooks& books);

    // True where the flow has grown large and nothing was decided about it.
    bool wants(const flow::Flow& flow) const noexcept {
        return flow.sides[0].octets.value + flow.sides[1].octets.value > settings_.octets &&
               (flow.state & flow::state::shunted) == 0;
    }
    // Shunts the flow if it can be; if not, it is not asked for again in this record.
    void begin(flow::FlowIndex index, flow::Flow& flow) noexcept;

    // Asks that the flow's packets come again; it keeps its slot until its last counts are here.
    void leave(flow::Flow& flow) noexcept;

    // Adds what was counted of the flow since the last time, as far as it belongs to its present
    // record; frees its slot where nothing is left there. The flow has a slot.
    // returns  what was added
    Traffic fold(flow::Flow& flow) noexcept;

    // True once the slot's counts are the last. What is left there after fold() came when the
    // record was to be cut, or later.
    bool has_last_counts(const flow::Flow& flow) const noexcept { return is_gone(flow.shunt_slot); }

    // The flow's record was cut.
    void after_cut(flow::Flow& flow) noexcept;

    // The shunted flow ends. What its slot still counts, or holds of the time after the record, is
    // an orphan's.
    void end(flow::Flow& flow) noexcept;

    // What was counted for an orphan after its flow had ended; without times where none are known.
    struct Orphan {
        flow::FlowKey key{};
        std::array<flow::Train, ShuntDoor::senders> trains{};
    };

    // Calls fold(FlowIndex) for every slot that it is time for, and adopt(const Orphan&) for
    // orphans whose last counts are here. Bounded work a call.
    template <class Fold, class Adopt>
    void walk(ObservedAt now, Fold&& fold_one, Adopt&& adopt) noexcept {
        constexpr std::uint32_t looks_max = 256;
        constexpr std::uint32_t visits_max = 8;
        if (in_use_ == 0 || !pass_is_due(now)) {
            return;
        }
        std::uint32_t visits = 0;
        for (std::uint32_t looks = 0; looks < looks_max && visits < visits_max; ++looks) {
            if (next_ == slots_.size()) {
                return;
            }
            visits += visit(next_++, fold_one, adopt) ? 1U : 0U;
        }
    }

    bool any_slot_in_use() const noexcept { return in_use_ != 0; }

    // The end: no packet is dropped for us any more, all counts are the last. Visits every slot.
    template <class Fold, class Adopt>
    void finish(Fold&& fold_one, Adopt&& adopt) noexcept {
        finished_ = true;
        for (std::uint32_t slot = first_slot; slot < slots_.size(); ++slot) {
            visit(slot, fold_one, adopt);
        }
    }

private:
    static constexpr std::uint32_t first_slot = 1;  // Flow::shunt_slot 0: none

    struct Slot {
        flow::FlowKey key{};
        flow::FlowIndex flow = flow::no_flow;  // no_flow: an orphan's
        bool in_use = false;
        bool leaving = false;
        bool record_cut =
            false;  // since set_cut(): what counts for turn + 1 is of the present record
        std::uint16_t turn = 1;  // as set_cut() was told
        ObservedAt cut{};
        std::array<std::array<Traffic, ShuntDoor::senders>, ShuntDoor::parts> seen{};
    };

    template <class Fold, class Adopt>
    bool visit(std::uint32_t number, Fold& fold_one, Adopt& adopt) noexcept {
        const Slot& slot = slots_[number];
        if (!slot.in_use) {
            return false;
        }
        if (slot.flow != flow::no_flow) {
            fold_one(slot.flow);
        } else if (is_gone(number)) {
            adopt(last_of_orphan(number));
        }
        return true;
    }

    bool pass_is_due(ObservedAt now) noexcept;
    bool is_gone(std::uint32_t number) const noexcept;
    // A train without times where none are known.
    flow::Train take(std::uint32_t number, std::uint16_t turn, std::uint32_t sender) noexcept;
    bool holds_more(std::uint32_t number, std::uint16_t turn) const noexcept;
    Traffic fold_turn(std::uint32_t number, std::uint16_t turn, flow::Flow& flow) noexcept;
    void set_cut(std::uint32_t number, ObservedAt cut, std::uint16_t turn) noexcept;
    Orphan last_of_orphan(std::uint32_t number) noexcept;
    void release(std::uint32_t number) noexcept;

    Settings settings_;
    WorkerBooks& books_;
    std::vector<Slot> slots_;  // by Flow::shunt_slot: the door's slot, plus one
    std::vector<std::uint16_t> free_;
    std::uint32_t in_use_ = 0;
    std::uint32_t next_ = first_slot;  // to visit in this pass
    ObservedAt pass_began_{};
    bool finished_ = false;
};

}  // namespace tapmeter
