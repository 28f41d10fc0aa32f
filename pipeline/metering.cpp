#include "pipeline/metering.h"

#include <algorithm>

#include "pipeline/base/expects.h"
#include "pipeline/base/packet.h"

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

Traffic traffic_of(std::span<const Observation> packets) noexcept {
    Traffic all{.packets = packets.size(), .octets = 0, .layer2_octets = 0};
    for (const Observation& packet : packets) {
        all.octets += packet.octets;
        all.layer2_octets += packet.layer2_octets;
    }
    return all;
}

}  // namespace

Metering::Metering(Parts parts)
    : parts_(std::move(parts)),
      watcher_(parts_.analytics != nullptr && parts_.analytics->settings().every_packet()
                   ? parts_.analytics.get()
                   : nullptr),
      admission_(parts_.admission),
      shunts_(parts_.shunt, parts_.books),
      grows_(parts_.grows_to.flows_max > parts_.table.flows_max()),
      quiet_max_(std::min(parts_.timeouts.idle, parts_.timeouts.tcp_end)) {
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
    const Traffic burst = traffic_of(packets);
    parts_.books.metered += burst;
    parts_.books.in_table += burst;

    // Flows are asked for a few packets ahead of their turn. A core has some twenty reads of memory
    // under way at most; asked for a whole burst at once, two lines each, the last ones come late.
    const std::size_t count = keys.size();
    const bool newcomers_welcome = admission_.open();
    const auto first = [count](std::size_t ahead) { return std::min(ahead, count); };
    away_from_home_ = 0;
    seek(0, first(flows_ahead));
    if (newcomers_welcome) {
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
        meter_one(keys[i], packets[i], i);
    }
}

void Metering::meter_late(const FlowKey& key, const Observation& packet, ObservedAt until,
                          ObservedAt now) noexcept {
    expects(announced_ == 0);
    now_ = now;
    const Traffic one = traffic_of(packet);
    parts_.books.metered += one;
    parts_.books.in_table += one;
    if (watcher_ != nullptr) [[unlikely]] {
        watcher_->arrive(packet);
    }
    const FlowHash hash = hash_of(key);
    const FlowIndex index = parts_.table.find(key, hash);
    if (index != no_flow && settle(index, until)) {
        meter_by_the_book(index, key, packet, hash);
    } else {
        open(key, {.hash = hash}, packet);
    }
}

inline void Metering::seek(std::size_t packet, std::size_t end) noexcept {
    for (; packet < end; ++packet) {
        const FlowIndex guess = parts_.table.guess(hashes_[packet]);
        guesses_[packet] = guess;
        if (guess == no_flow) [[unlikely]] {
            parts_.table.prefetch_other(hashes_[packet]);
            elsewhere_[packet] = {};
            away_from_home_ |= std::uint64_t{1} << packet;
        } else if (watcher_ != nullptr) [[unlikely]] {
            watcher_->prefetch(parts_.table.flow(guess), guess);
        }
    }
}

// What the watcher will touch of a packet, some packets behind seek().
inline void Metering::foresee(std::size_t packet, const Observation& observation) noexcept {
    if (guesses_[packet] != no_flow) [[likely]] {
        watcher_->foresee(parts_.table.flow(guesses_[packet]), observation);
    } else if (elsewhere_[packet].place != no_flow) {
        const FlowIndex place = elsewhere_[packet].place;
        watcher_->prefetch_beginning(parts_.table.flow(place), place);
    }
}

// For packets that come next and whose flow is not at home: it lives in its other bucket, or it is
// new. A step each, some packets apart, so that memory has brought what the next one looks at.
inline void Metering::prepare_newcomers(std::size_t packet) noexcept {
    constexpr auto ahead = [](std::size_t packets) { return std::uint64_t{1} << packets; };
    const std::uint64_t next = away_from_home_ >> packet;
    constexpr std::uint64_t steps = ahead(newcomers_ahead) | ahead(leavers_ahead);
    if ((next & steps) == 0) [[likely]] {
        return;
    }
    if ((next & ahead(newcomers_ahead)) != 0) {
        look_elsewhere(packet + newcomers_ahead);
    }
    if ((next & ahead(leavers_ahead)) != 0) {
        ask_for_home_of_leaver(packet + leavers_ahead);
    }
}

inline void Metering::look_elsewhere(std::size_t packet) noexcept {
    if (guesses_[packet] == no_flow) [[unlikely]] {
        elsewhere_[packet] = parts_.table.look_elsewhere(hashes_[packet], ticks_of(now_));
        guesses_[packet] = elsewhere_[packet].flow;
    }
}

// Who leaves may be a guest where it is: its own home is told.
inline void Metering::ask_for_home_of_leaver(std::size_t packet) noexcept {
    if (guesses_[packet] != no_flow) [[likely]] {
        return;
    }
    const flow::FlowTable::Elsewhere& there = elsewhere_[packet];
    if (there.place != no_flow && !there.is_free) {
        parts_.table.prefetch_bucket(hash_of(parts_.table.flow(there.place).key));
    }
}

// at  of the packet in its burst
inline void Metering::meter_one(const FlowKey& key, const Observation& packet,
                                std::size_t at) noexcept {
    if (watcher_ != nullptr) [[unlikely]] {
        watcher_->arrive(packet);
    }
    const FlowIndex index = parts_.table.find(key, hashes_[at], guesses_[at]);
    if (index == no_flow) [[unlikely]] {
        const bool prepared = guesses_[at] == no_flow;
        open(key,
             {.hash = hashes_[at],
              .elsewhere = prepared ? elsewhere_[at] : flow::FlowTable::Elsewhere{}},
             packet);
        return;
    }
    Flow& flow = parts_.table.flow(index);
    if (!is_plain(flow, packet)) [[unlikely]] {
        meter_by_the_book(index, key, packet, hashes_[at]);
        return;
    }
    add_plain(flow, packet);
    if (watcher_ != nullptr && !watcher_->see_plain(flow, packet)) [[unlikely]] {
        watcher_->see(index, flow, packet, false);
    }
    if (is_second(flow)) [[unlikely]] {
        note_worth(index);
    }
    if (shunts_.wants(flow)) [[unlikely]] {
        shunts_.begin(index, flow);
    }
}

// Nearly every packet only adds to a flow that goes on: nothing was due before it, nobody else
// counts or looks into the flow, and it is neither the first of its end nor one that begins or ends
// a connection. What this leaves, meter_by_the_book() takes; where both can, they do the same.
inline bool Metering::is_plain(const Flow& flow, const Observation& packet) const noexcept {
    const bool nothing_is_due =
        packet.at < flow.last + quiet_max_ && packet.at < flow.start + parts_.timeouts.active;
    return nothing_is_due && only_adds(flow, packet) && flow.key.attached == 0 &&
           flow.sampling_exponent == 0 && flow.shunt_slot == 0;
}

// A packet of a known flow, whatever it is.
void Metering::meter_by_the_book(FlowIndex index, const FlowKey& key, const Observation& packet,
                                 FlowHash hash) noexcept {
    // What was due before this packet happens before it, whenever expiry would have come round.
    Flow& flow = parts_.table.flow(index);
    const bool something_is_due = next_event(flow, parts_.timeouts).at <= packet.at;
    if (something_is_due && !settle(index, packet.at)) [[unlikely]] {
        open(key, {.hash = hash}, packet);
        return;
    }
    if (flow.shunt_slot != 0) [[unlikely]] {
        fold_flow(index);  // what was counted elsewhere came before this one
    }
    if (reopens(flow, packet)) {
        end(index, FlowEndReason::end_of_flow);
        open(key, {.hash = hash}, packet);
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
inline bool Metering::is_second(const Flow& flow) noexcept {
    return flow.sides[0].packets.value + flow.sides[1].packets.value == 2;
}

// The flow has had its second packet, or its first answer: it is worth more in a full table.
void Metering::note_worth(FlowIndex index) noexcept {
    parts_.table.set_several(index);
    if ((parts_.table.flow(index).state & flow::state::answered) != 0) {
        parts_.table.set_answered(index);
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
