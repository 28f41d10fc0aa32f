#include "pipeline/metering.h"

#include <algorithm>
#include <array>

#include "pipeline/base/expects.h"
#include "pipeline/base/packet.h"
#include "pipeline/flow/own_sessions.h"

namespace tapmeter {

using flow::deadline_ticks;
using flow::Due;
using flow::Flow;
using flow::FlowEndReason;
using flow::FlowIndex;
using flow::FlowKey;
using flow::no_flow;
using flow::Observation;
using flow::ticks_of;

namespace {

// Flows are asked for so many in one go: that waits until an address is translated, and a core has
// several translations under way only where they are wanted closely one after the other.
constexpr std::size_t seeks_at_once = 8;

// When something may first happen to a flow that this packet opens.
ObservedAt first_event(const Observation& first, const flow::Timeouts& timeouts) noexcept {
    const bool ends = first.protocol == flow::detail::protocol_tcp &&
                      (first.tcp_control_bits & flow::detail::tcp_rst) != 0;
    return first.at + std::min(timeouts.active, ends ? timeouts.tcp_end : timeouts.idle);
}

}  // namespace

Metering::Metering(Parts parts)
    : parts_(std::move(parts)),
      watcher_(parts_.analytics != nullptr && parts_.analytics->settings().every_packet()
                   ? parts_.analytics.get()
                   : nullptr),
      admission_(parts_.admission),
      shunts_(parts_.shunt, parts_.books),
      grows_(parts_.grows_to.flows_max > parts_.table.flows_max()) {
    expects(parts_.analytics == nullptr ||
            parts_.table.beside_octets() == parts_.analytics->settings().beside_flow_octets());
    if (parts_.adopt) {
        adopt_table();
    }
}

void Metering::announce(std::span<const FlowKey> keys) noexcept {
    expects(announced_ + keys.size() <= burst_packets_max);
    const auto hashes = std::span{hashes_}.subspan(announced_, keys.size());
    parts_.hasher.hash(keys, hashes);
    for (const FlowHash hash : hashes) {
        parts_.table.prefetch_bucket(hash);
    }
    announced_ += keys.size();
}

void Metering::meter(std::span<const FlowKey> keys, std::span<const Observation> packets,
                     ObservedAt now) noexcept {
    expects(keys.size() == packets.size() && announced_ <= keys.size());
    now_ = now;
    // Early enough that hardly a new flow meets two full buckets.
    if (grows_ && parts_.table.flows() > parts_.table.flows_max() / 2) [[unlikely]] {
        grow();
    }
    announce(keys.subspan(announced_));
    announced_ = 0;

    // Flows are asked for a few packets ahead of their turn. A core has some twenty reads of memory
    // under way at most; asked for a whole burst at once, two lines each, the last ones come late.
    const std::size_t count = keys.size();
    const bool newcomers_welcome = admission_.open();
    const auto first = [count](std::size_t ahead) { return std::min(ahead, count); };
    away_from_home_ = 0;
    seek(0, first(flows_ahead));
    if (newcomers_welcome) {
        for (std::size_t i = 0; i < first(others_ahead); ++i) {
            ask_for_other(i);
        }
        for (std::size_t i = 0; i < first(newcomers_ahead); ++i) {
            look_elsewhere(i);
        }
        for (std::size_t i = 0; i < first(leavers_ahead); ++i) {
            ask_for_home_of_leaver(i);
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (i % seeks_at_once == 0) {
            seek(i + flows_ahead, first(i + flows_ahead + seeks_at_once));
        }
        if (newcomers_welcome) {
            prepare_newcomers(i);
        }
        if (watcher_ != nullptr && i + foreseen_ahead < count) [[unlikely]] {
            foresee(i + foreseen_ahead, packets[i + foreseen_ahead]);
        }
        meter_one(keys[i], sought_[i], packets[i]);
    }
}

void Metering::meter_late(const FlowKey& key, const Observation& packet, ObservedAt until,
                          ObservedAt now) noexcept {
    expects(announced_ == 0);
    now_ = now;
    const FlowHash hash = hash_of(key);
    const FlowIndex index = parts_.table.find(key, hash);
    if (index != no_flow) {
        settle(index, until);
    }
    meter_one(key, {.hash = hash, .guess = no_flow, .elsewhere = {}}, packet);
}

inline void Metering::seek(std::size_t packet, std::size_t end) noexcept {
    for (; packet < end; ++packet) {
        const FlowIndex guess = parts_.table.guess(hashes_[packet]);
        sought_[packet] = {.hash = hashes_[packet], .guess = guess, .elsewhere = {}};
        away_from_home_ |= std::uint64_t{guess == no_flow} << packet;
        if (watcher_ != nullptr && guess != no_flow) [[unlikely]] {
            watcher_->prefetch(parts_.table.flow(guess), guess);
        }
    }
}

// What the watcher will touch of a packet, some packets behind seek().
inline void Metering::foresee(std::size_t packet, const Observation& observation) noexcept {
    const FlowIndex place = sought_[packet].elsewhere.place;
    if (sought_[packet].guess != no_flow) [[likely]] {
        watcher_->foresee(parts_.table.flow(sought_[packet].guess), observation);
    } else if (place != no_flow) {
        watcher_->prefetch_beginning(parts_.table.flow(place), place);
    }
}

// For packets that come next and whose flow is not at home: it lives in its other bucket, or it is
// new. A step each, some packets apart, so that memory has brought what the next one looks at.
inline void Metering::prepare_newcomers(std::size_t packet) noexcept {
    constexpr auto ahead = [](std::size_t packets) { return std::uint64_t{1} << packets; };
    const std::uint64_t next = away_from_home_ >> packet;
    constexpr std::uint64_t steps =
        ahead(others_ahead) | ahead(newcomers_ahead) | ahead(leavers_ahead);
    if ((next & steps) == 0) [[likely]] {
        return;
    }
    if ((next & ahead(others_ahead)) != 0) {
        ask_for_other(packet + others_ahead);
    }
    if ((next & ahead(newcomers_ahead)) != 0) {
        look_elsewhere(packet + newcomers_ahead);
    }
    if ((next & ahead(leavers_ahead)) != 0) {
        ask_for_home_of_leaver(packet + leavers_ahead);
    }
}

inline void Metering::ask_for_other(std::size_t packet) noexcept {
    if (sought_[packet].guess == no_flow) [[unlikely]] {
        parts_.table.prefetch_other(sought_[packet].hash);
    }
}

inline void Metering::look_elsewhere(std::size_t packet) noexcept {
    Sought& sought = sought_[packet];
    if (sought.guess == no_flow) [[unlikely]] {
        sought.elsewhere = parts_.table.look_elsewhere(sought.hash, ticks_of(now_));
        sought.guess = sought.elsewhere.flow;
    }
}

// Who leaves may be a guest where it is: its own home is told.
inline void Metering::ask_for_home_of_leaver(std::size_t packet) noexcept {
    const Sought& sought = sought_[packet];
    if (sought.guess == no_flow && sought.elsewhere.place != no_flow && !sought.elsewhere.is_free)
        [[unlikely]] {
        parts_.table.prefetch_bucket(hash_of(parts_.table.flow(sought.elsewhere.place).key));
    }
}

void Metering::meter_one(const FlowKey& key, const Sought& sought,
                         const Observation& packet) noexcept {
    const Traffic one{.packets = 1, .octets = packet.octets, .layer2_octets = packet.layer2_octets};
    parts_.books.metered += one;
    parts_.books.in_table += one;
    if (watcher_ != nullptr) [[unlikely]] {
        watcher_->arrive(packet);
    }

    const FlowIndex index = parts_.table.find(key, sought.hash, sought.guess);
    if (index == no_flow) {
        open(key, sought.guess == no_flow ? sought : Sought{.hash = sought.hash}, packet);
        return;
    }
    // What was due before this packet happens before it, whenever expiry would have come round.
    Flow& flow = parts_.table.flow(index);
    const bool something_is_due = next_event(flow, parts_.timeouts).at <= packet.at;
    if (something_is_due && !settle(index, packet.at)) [[unlikely]] {
        open(key, {.hash = sought.hash}, packet);
        return;
    }
    if (flow.shunt_slot != 0) [[unlikely]] {
        fold_flow(index);  // what was counted elsewhere came before this one
    }
    if (reopens(flow, packet)) {
        end(index, FlowEndReason::end_of_flow);
        open(key, {.hash = sought.hash}, packet);
        return;
    }
    if (flow.sampling_exponent > admission_.exponent()) [[unlikely]] {
        reweigh(index);
    }
    const bool had_ended = has_ended(flow);
    const std::uint8_t state_before = flow.state;
    update(flow, packet);
    if (flow.key.attached != 0) [[unlikely]] {
        parts_.inspector->note(flow, packet.place);
    }
    const bool answered_now = ((state_before ^ flow.state) & flow::state::answered) != 0;
    if (watcher_ != nullptr || (answered_now && parts_.analytics != nullptr)) [[unlikely]] {
        parts_.analytics->see(index, flow, packet, answered_now);
    }
    if (answered_now || is_second(flow)) {
        note_worth(index);
    }
    if (shunts_.wants(flow)) [[unlikely]] {
        shunts_.begin(index, flow);
    }
    if (has_ended(flow) && !had_ended) {
        parts_.table.set_ended(index);
        shunts_.leave(flow);
        parts_.table.set_deadline(index,
                                  deadline_ticks(next_event(flow, parts_.timeouts).at, now_));
    }
}

// True at the second packet of a flow; and of each of its records, which does no harm.
bool Metering::is_second(const Flow& flow) noexcept {
    return flow.sides[0].packets.value + flow.sides[1].packets.value == 2;
}

// The flow has had its second packet, or its first answer: it is worth more in a full table.
void Metering::note_worth(FlowIndex index) noexcept {
    parts_.table.set_several(index);
    if ((parts_.table.flow(index).state & flow::state::answered) != 0) {
        parts_.table.set_answered(index);
    }
}

void Metering::open(const FlowKey& key, const Sought& sought, const Observation& first) noexcept {
    if (flow::own_sessions.contains(key)) [[unlikely]] {
        leave_out(first, LeftOut::own_export);
        if (parts_.analytics != nullptr) {
            parts_.analytics->pass(first);
        }
        return;
    }
    const bool let_in = admission_.open() || is_let_in(key, sought.hash, first);
    if (let_in && make_flow(key, sought, first, admission_.aggregates())) {
        return;
    }
    if (parts_.analytics != nullptr) {
        parts_.analytics->pass(first);
    }
    if (let_in) {
        aggregate(key, first);
    }
}

// spare_answered  no answered flow may leave for this one
// False: only an answered flow could have made room.
bool Metering::make_flow(const FlowKey& key, const Sought& sought, const Observation& first,
                         bool spare_answered) noexcept {
    const flow::Ticks deadline = deadline_ticks(first_event(first, parts_.timeouts), now_);
    const FlowIndex index = make_room(sought, deadline, spare_answered);
    if (index == no_flow) {
        return false;
    }
    begin(parts_.table.flow(index), key, first);
    place(index, first.at);
    if (parts_.inspector != nullptr) {
        parts_.inspector->begin(parts_.table, index, first.place);
    }
    if (parts_.analytics != nullptr) {
        parts_.analytics->begin(parts_.table.flow(index), index, first);
    }
    return true;
}

// A place for a new flow; no_flow: only an answered flow could have made room.
FlowIndex Metering::make_room(const Sought& sought, flow::Ticks deadline,
                              bool spare_answered) noexcept {
    const FlowIndex index = insert(sought.hash, deadline);
    if (index != no_flow) {
        return index;
    }
    // Nearly always who was chosen some packets ago is still the right one.
    const bool foreseen = parts_.table.still_leaves(sought.elsewhere, ticks_of(now_));
    const FlowIndex victim =
        foreseen ? sought.elsewhere.place : parts_.table.victim(sought.hash, ticks_of(now_));
    if (spare_answered && parts_.table.is_answered(victim)) {
        return no_flow;
    }
    evict(victim);
    parts_.table.insert_at(victim, sought.hash, deadline);
    return victim;
}

// Counts a flow that has begun, and notes the rate at which such flows are chosen.
void Metering::place(FlowIndex index, ObservedAt flow_start) noexcept {
    Flow& flow = parts_.table.flow(index);
    parts_.table.origin(index) = {.flow_start = flow_start};
    ++parts_.books.flows_created;
    ++parts_.books.flows_active;
    if (admission_.exponent() != 0) [[unlikely]] {
        flow.sampling_exponent = static_cast<std::uint8_t>(admission_.exponent());
        if (!is_aggregate(flow.key)) {
            sampling::add_units(parts_.books.sampled.flows, 1, 1, admission_.exponent());
        }
    }
}

// Brings a flow up to `now`: cuts its record and ends it in the order in which that was due.
// False: the flow has ended and its place is free.
bool Metering::settle(FlowIndex index, ObservedAt now) noexcept {
    Flow& flow = parts_.table.flow(index);
    for (;;) {
        if (flow.shunt_slot != 0) [[unlikely]] {
            fold_flow(index);
        }
        const flow::NextEvent next = next_event(flow, parts_.timeouts);
        if (next.at > now) [[likely]] {
            return true;
        }
        if (next.what == Due::cut) {
            emit(index, FlowEndReason::active_timeout);
            ++parts_.books.active_cuts;
            shunts_.after_cut(flow);
            clear_after_cut(flow);  // an empty flow is not cut again: this loop ends
            continue;
        }
        if (flow.shunt_slot != 0 && !shunts_.has_last_counts(flow)) [[unlikely]] {
            shunts_.leave(flow);
            return true;  // due, and looked at again until its last counts are here
        }
        end(index, next.what == Due::end_of_flow ? FlowEndReason::end_of_flow
                                                 : FlowEndReason::idle_timeout);
        return false;
    }
}

void Metering::end(FlowIndex index, FlowEndReason reason) noexcept {
    Flow& flow = parts_.table.flow(index);
    const FlowHash hash = hash_of(flow.key);
    if (flow.key.attached != 0) [[unlikely]] {
        parts_.inspector->settle(parts_.table, index);
    }
    parts_.table.prefetch_bucket(hash);  // its home: erase() will want it
    parts_.books.aggregates_active -= flow::is_aggregate(flow.key) ? 1U : 0U;
    if ((flow.state & flow::state::shunted) != 0) [[unlikely]] {
        end_shunted(index);
    }
    if ((flow.state & flow::state::empty) != 0) {
        ++parts_.books.ended_empty;
    } else {
        emit(index, reason);
    }
    if (parts_.inspector != nullptr) {
        parts_.inspector->forget(index);
    }
    if (parts_.analytics != nullptr) {
        parts_.analytics->end(flow, index);
    }
    parts_.table.erase(index, hash);
    ++parts_.books.flows_ended[index_of(reason)];
    --parts_.books.flows_active;
}

FlowHash Metering::hash_of(const FlowKey& key) const noexcept {
    FlowHash hash{};
    const FlowKey alone = bare(key);
    parts_.hasher.hash({&alone, 1}, {&hash, 1});
    return hash;
}

}  // namespace tapmeter
