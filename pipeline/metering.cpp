#include "pipeline/metering.h"

#include <algorithm>
#include <array>

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
    announce(keys.subspan(announced_));
    announced_ = 0;

    // Flows are asked for a few packets ahead of their turn. A core has some twenty reads of memory
    // under way at most; asked for a whole burst at once, two lines each, the last ones come late.
    std::array<FlowIndex, burst_packets_max> guesses;  // NOLINT(*-member-init): before it is read
    const std::size_t ahead = std::min(flows_ahead, keys.size());
    for (std::size_t i = 0; i < ahead; ++i) {
        guesses[i] = parts_.table.guess(hashes_[i]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (i + ahead < keys.size()) {
            guesses[i + ahead] = parts_.table.guess(hashes_[i + ahead]);
        }
        meter_one(keys[i], {hashes_[i], guesses[i]}, packets[i]);
    }
}

void Metering::meter_one(const FlowKey& key, Sought sought, const Observation& packet) noexcept {
    const Traffic one{.packets = 1, .octets = packet.octets, .layer2_octets = packet.layer2_octets};
    parts_.books.metered += one;
    parts_.books.in_table += one;

    const FlowHash hash = sought.hash;
    const FlowIndex index = parts_.table.find(key, hash, sought.guess);
    if (index == no_flow) {
        open(key, hash, packet);
        return;
    }
    // What was due before this packet happens before it, whenever expiry would have come round.
    Flow& flow = parts_.table.flow(index);
    const bool something_is_due = next_event(flow, parts_.timeouts).at <= packet.at;
    if (something_is_due && !settle(index, packet.at)) [[unlikely]] {
        open(key, hash, packet);
        return;
    }
    if (reopens(flow, packet)) {
        end(index, FlowEndReason::end_of_flow);
        open(key, hash, packet);
        return;
    }
    const bool had_ended = has_ended(flow);
    const std::uint8_t state_before = flow.state;
    update(flow, packet);
    if (((state_before ^ flow.state) & flow::state::answered) != 0) {
        parts_.table.set_answered(index);
    }
    if (has_ended(flow) && !had_ended) {
        parts_.table.set_deadline(index,
                                  deadline_ticks(next_event(flow, parts_.timeouts).at, now_));
    }
}

void Metering::open(const FlowKey& key, FlowHash hash, const Observation& first) noexcept {
    Flow fresh;
    begin(fresh, key, first);
    const flow::Ticks deadline = deadline_ticks(next_event(fresh, parts_.timeouts).at, now_);
    FlowIndex index = parts_.table.insert(hash, deadline);
    if (index == no_flow) {
        end(parts_.table.victim(hash, ticks_of(now_)), FlowEndReason::lack_of_resources);
        index = parts_.table.insert(hash, deadline);
        expects(index != no_flow);
    }
    parts_.table.flow(index) = fresh;
    parts_.table.origin(index) = {.flow_start = first.at, .flow_id = flow_id_of(key, first.at)};
    ++parts_.books.flows_created;
    ++parts_.books.flows_active;
}

// Brings a flow up to `now`: cuts its record and ends it in the order in which that was due.
// False: the flow has ended and its place is free.
bool Metering::settle(FlowIndex index, ObservedAt now) noexcept {
    Flow& flow = parts_.table.flow(index);
    for (;;) {
        const flow::NextEvent next = next_event(flow, parts_.timeouts);
        if (next.at > now) [[likely]] {
            return true;
        }
        if (next.what == Due::cut) {
            emit(index, FlowEndReason::active_timeout);
            ++parts_.books.active_cuts;
            clear_after_cut(flow);  // an empty flow is not cut again: this loop ends
            continue;
        }
        end(index, next.what == Due::end_of_flow ? FlowEndReason::end_of_flow
                                                 : FlowEndReason::idle_timeout);
        return false;
    }
}

void Metering::end(FlowIndex index, FlowEndReason reason) noexcept {
    const Flow& flow = parts_.table.flow(index);
    if ((flow.state & flow::state::empty) != 0) {
        ++parts_.books.ended_empty;
    } else {
        emit(index, reason);
    }
    parts_.table.erase(index, hash_of(flow.key));
    ++parts_.books.flows_ended[index_of(reason)];
    --parts_.books.flows_active;
}

void Metering::emit(FlowIndex index, FlowEndReason reason) noexcept {
    flow::FlowRecord record =
        record_of(parts_.table.flow(index), parts_.table.origin(index), reason);
    record.worker = parts_.worker;
    const Traffic traffic = traffic_of(record);
    parts_.books.in_table.packets -= traffic.packets;
    parts_.books.in_table.octets -= traffic.octets;
    parts_.books.in_table.layer2_octets -= traffic.layer2_octets;
    if (parts_.ring.push(record)) {
        ++parts_.books.records_emitted[index_of(reason)];
        parts_.books.emitted += traffic;
    } else {  // never wait for the exporter: the NIC does not wait
        ++parts_.books.records_refused;
        parts_.books.refused += traffic;
    }
}

void Metering::expire(ObservedAt now, std::size_t records_max) noexcept {
    std::size_t records_left = records_max;
    expiry_.walk(parts_.table, now, [&](FlowIndex index) {
        if (records_left < records_per_packet_max) {
            return false;
        }
        const std::uint64_t cuts = parts_.books.active_cuts;
        if (settle(index, now)) {
            const Flow& flow = parts_.table.flow(index);
            parts_.table.set_deadline(index,
                                      deadline_ticks(next_event(flow, parts_.timeouts).at, now));
            records_left -= parts_.books.active_cuts - cuts;
        } else {
            --records_left;
        }
        return true;
    });
}

bool Metering::drain(ObservedAt end_time) noexcept {
    constexpr auto ways = flow::FlowBucket::ways;
    for (; drained_places_ < parts_.table.places(); ++drained_places_) {
        const std::size_t bucket = drained_places_ / ways;
        const std::size_t way = drained_places_ % ways;
        if (parts_.table.bucket(bucket).tags[way] == 0) {
            continue;
        }
        if (parts_.ring.free_slots(records_per_packet_max) < records_per_packet_max) {
            return false;
        }
        const FlowIndex index = flow::FlowTable::index_of(bucket, way);
        if (settle(index, end_time)) {
            end(index, FlowEndReason::forced_end);
        }
    }
    return true;
}

FlowHash Metering::hash_of(const FlowKey& key) const noexcept {
    FlowHash hash{};
    parts_.hasher.hash({&key, 1}, {&hash, 1});
    return hash;
}

}  // namespace tapmeter
