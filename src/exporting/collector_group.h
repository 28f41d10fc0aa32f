#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/flow/flow_record.h"
#include "src/config/config.h"
#include "src/exporting/output.h"
#include "src/exporting/output_queue.h"

namespace tapmeter::exporting {

// Collectors that share the flow records: each record goes to exactly one of them. All of them are
// given every batch; the group says whose a record is, and for the others it is `elsewhere`.
//
// Exporter core, but for join(). It gives a batch to the members in their order, and the first one
// deals it out; what the members said of themselves until then decides.
class CollectorGroup {
public:
    // A message that waits for a Collector which is away.
    struct Legacy {
        const Block& block;
        Bytes octets;
        std::string_view choice;  // what it was made of: equal for equal records
    };
    // A member, to which such messages may go.
    class Heir {
    public:
        Heir() = default;
        Heir(const Heir&) = delete;
        Heir& operator=(const Heir&) = delete;

        // False: it has no room, or sends other messages.
        virtual bool inherit(const Legacy& message) = 0;

    protected:
        ~Heir() = default;
    };

    enum class State : std::uint8_t {
        ready,
        full,  // it can be reached, but its queue has hardly any room
        away,  // it cannot be reached
    };

    explicit CollectorGroup(Config::Sharing sharing) : sharing_(sharing) {}

    // At start, in the order of preference; at most outputs_max members. Returns its place.
    // name  of the member: shares go by it, so that they are the same after a restart
    // heir  outlives the group; null: it inherits nothing
    std::size_t join(std::string_view name, bool has_spool, Heir* heir = nullptr);

    void tell(std::size_t place, State state) noexcept { members_[place].state = state; }

    // Says for each record whose it is; at most Output::records_at_a_time are dealt out well, what
    // is beyond goes with them.
    //   failover  the first member that is ready
    //   balance   of those that are ready, the one that a hash of the flow's key chooses, in
    //             either direction the same. Where one goes or comes, only flows of its own move.
    // Where no member is ready: the same among those with a spool; else among those that can be
    // reached; else among all.
    void deal(std::span<const flow::FlowRecord> records);

    // Of the records that were dealt out last.
    bool is_for(std::size_t place, std::size_t record) const noexcept {
        return owners_.empty() ? place == only_owner_ : place == owners_[record];
    }

    // Whether another member would take what this one cannot.
    bool another_is_ready(std::size_t place) const noexcept { return others_ready(place) != 0; }

    // Whether a message of this member, which is away, would have a new home. With `balance` only
    // where one other member is ready: that has the flows of this one by now. Of several each has
    // some, and a message holds flows of all.
    bool may_hand_on(std::size_t place) const noexcept {
        const std::size_t ready = others_ready(place);
        return sharing_ == Config::Sharing::failover ? ready != 0 : ready == 1;
    }

    // Gives a message of this member to the first other one that is ready and takes it, where it
    // may be handed on. False: nobody does.
    bool hand_on(std::size_t place, const Legacy& message) const;

private:
    struct Member {
        std::uint64_t seed = 0;
        bool has_spool = false;
        Heir* heir = nullptr;
        State state = State::ready;
    };

    std::size_t others_ready(std::size_t place) const noexcept;
    std::size_t candidates();
    std::uint8_t chosen_of(std::uint64_t flow, std::size_t count) const noexcept;

    Config::Sharing sharing_;
    std::vector<Member> members_;
    std::array<std::uint8_t, outputs_max> candidates_{};  // places, in order
    std::uint8_t only_owner_ = 0;                         // where owners_ is empty
    std::vector<std::uint8_t> owners_;                    // one a record
};

}  // namespace tapmeter::exporting
