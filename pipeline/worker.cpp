#include "pipeline/worker.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/cycles.h"
#include "pipeline/decode/frame.h"
#include "pipeline/flow/common_frame.h"

namespace tapmeter {

namespace {

// Times outside of these 146 years cannot be from a clock; clamped, so that adding a timeout to
// one never overflows.
constexpr ObservedAt time_min{};
constexpr ObservedAt time_max{Nanoseconds{std::int64_t{1} << 62U}};

std::size_t burst_bucket(std::size_t packets) noexcept {
    constexpr std::array<std::size_t, burst_size_buckets> up_to{1, 8, 32, 63, burst_packets_max};
    return static_cast<std::size_t>(std::ranges::lower_bound(up_to, packets) - up_to.begin());
}

std::uint8_t place_of(const Packet& packet, std::span<const Packet> packets) noexcept {
    return static_cast<std::uint8_t>(&packet - packets.data());
}

}  // namespace

Worker::Worker(Parts parts)
    : source_(parts.source),
      ring_(parts.ring),
      clock_(parts.clock),
      vlan_in_key_(parts.vlan_in_key),
      flows_max_(
          static_cast<double>(parts.flows_max != 0 ? parts.flows_max : parts.table.places())),
      load_(parts.load),
      metering_({.ring = parts.ring,
                 .books = books_,
                 .table = std::move(parts.table),
                 .hasher = flow::FlowHasher(parts.hash_key),
                 .timeouts = parts.timeouts,
                 .worker = parts.number,
                 .admission = parts.admission,
                 .shunt = parts.shunt,
                 .inspector = std::move(parts.inspector)}) {}

std::size_t Worker::step() noexcept {
    const std::uint64_t began = cycles_now();
    if (clock_ == nullptr && !ring_has_room()) {
        return 0;
    }
    source_.receive(burst_);
    const std::size_t packets = burst_.count;

    metering_.look_at(burst_.view());
    const std::size_t ip_packets = decode_burst(burst_.view());
    metering_.meter(std::span{keys_}.first(ip_packets), std::span{observations_}.first(ip_packets),
                    newest_);
    metering_.inspect();

    source_.release();
    expire();
    close_turn(packets, cycles_now() - began);
    return packets;
}

bool Worker::ring_has_room() noexcept {
    return ring_.free_slots(records_per_turn_max) >= records_per_turn_max;
}

// Every packet ends here as non-IP or undecoded, or goes on as a key and an observation.
std::size_t Worker::decode_burst(std::span<const Packet> packets) noexcept {
    std::size_t count = 0;
    std::uint64_t octets = 0;
    ObservedAt newest = newest_;
    for (const Packet& packet : packets) {
        octets += packet.wire_octets;
        const ObservedAt at = std::clamp(packet.observed_at, time_min, time_max);
        newest = std::max(newest, at);
        flow::FlowKey& key = keys_[count];
        flow::Observation& observation = observations_[count];
        const bool read = flow::read_common(packet, vlan_in_key_, key, observation);
        if (!read && !walk(packet, key, observation)) [[unlikely]] {
            continue;
        }
        observation.at = at;
        observation.place = place_of(packet, packets);
        ++count;
        if (count % keys_per_announcement == 0) {
            metering_.announce(
                std::span{keys_}.subspan(count - keys_per_announcement, keys_per_announcement));
        }
    }
    books_.received_packets += packets.size();
    books_.received_octets += octets;
    newest_ = newest;
    return count;
}

// The frames that read_common() leaves: anything, layer by layer. False: it carries no IP, or
// cannot be read; booked as such.
bool Worker::walk(const Packet& packet, flow::FlowKey& key,
                  flow::Observation& observation) noexcept {
    const auto headers = decode::decode_frame(packet);
    if (!headers) {
        ++books_.undecoded[index_of(headers.error())];
        books_.unmetered_octets += packet.wire_octets;
        return false;
    }
    if (headers->ip_version == 0) {
        ++books_.non_ip[index_of(headers->non_ip)];
        books_.unmetered_octets += packet.wire_octets;
        return false;
    }
    note_fragment(headers->fragment);
    const flow::Sender sender = flow::write_key(*headers, vlan_in_key_, key);
    flow::observe(*headers, packet, sender, observation);
    return true;
}

void Worker::note_fragment(decode::Fragment fragment) noexcept {
    books_.first_fragments += fragment == decode::Fragment::first ? 1U : 0U;
    books_.later_fragments += fragment == decode::Fragment::later ? 1U : 0U;
}

// Flows wait in the table rather than be refused by a ring that has no room for them.
void Worker::expire() noexcept {
    const ObservedAt now = clock_ != nullptr ? std::max(newest_, clock_->now()) : newest_;
    if (now == ObservedAt{}) {
        return;  // no packet yet: time has not begun
    }
    metering_.fold(now);
    if (load_.due(now)) {
        govern(now);
    }
    const std::size_t room = ring_.free_slots(expired_per_turn_max);
    metering_.expire(now, std::min(room, expired_per_turn_max));
}

// Looks how hard the worker is pressed, and lets new flows in accordingly. A few times a second.
void Worker::govern(ObservedAt now) noexcept {
    const LoadState before = load_.state();
    const Traffic& left_out = books_.ignored[index_of(LeftOut::flow_sampling)];
    load_.measure(
        {.now = now,
         .new_flows = books_.flows_created - books_.aggregates_created + books_.aggregated.packets +
                      left_out.packets,
         .turns = books_.turns,
         .full_bursts = books_.burst_sizes.back(),
         .table = static_cast<double>(books_.flows_active) / flows_max_,
         .ring = static_cast<double>(ring_.waiting()) / static_cast<double>(ring_.capacity())});
    metering_.admit(load_.state() == LoadState::flood, load_.sampling_exponent());
    metering_.shed_inspection(load_.inspection_steps());

    const LoadState state = load_.state();
    books_.load_entered[static_cast<std::size_t>(state)] += state != before ? 1U : 0U;
    books_.load_state = static_cast<std::uint64_t>(state);
    books_.load_causes = load_.causes();
    books_.new_flows_per_second = static_cast<std::uint64_t>(load_.new_flows_per_second());
    books_.shed_level = load_.level();
    books_.sampling_exponent = load_.sampling_exponent();
}

void Worker::close_turn(std::size_t packets, std::uint64_t cycles) noexcept {
    // An idle worker turns a million times a second: its books change little, so show them seldom.
    constexpr std::uint64_t idle_turns_per_publish = 256;
    ++books_.turns;
    books_.cycles += cycles;
    books_.newest_packet_ns = static_cast<std::uint64_t>(newest_.time_since_epoch().count());
    metering_.close_turn(cycles, packets == burst_packets_max);
    if (packets != 0) {
        books_.busy_cycles += cycles;
        ++books_.bursts;
        ++books_.burst_sizes[burst_bucket(packets)];
    }
    const bool changed = packets != 0 || ring_.unpublished() != 0;
    if (changed || ++turns_unpublished_ == idle_turns_per_publish) {
        turns_unpublished_ = 0;
        publish();
    }
}

// First the books, then the records that they speak of: the exporter core never holds a record
// that no book knows.
void Worker::publish() noexcept {
    metering_.tell_inspection(books_.inspection);
    published_.publish(books_);
    ring_.publish();
}

bool Worker::drain(ObservedAt end) noexcept {
    const bool done = metering_.drain(std::max(end, newest_));
    publish();
    return done;
}

}  // namespace tapmeter
