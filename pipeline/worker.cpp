#include "pipeline/worker.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "pipeline/base/cycles.h"
#include "pipeline/flow/common_frame.h"
#include "pipeline/packet_sampler.h"

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

// No more fragments wait than the ring can take records of at once.
flow::Fragments::Settings fragments_for(const Worker::Parts& parts) noexcept {
    constexpr std::size_t packets_of_ring = 4 * Metering::records_per_packet_max;
    flow::Fragments::Settings settings = parts.fragments;
    settings.waiting_max = std::min(settings.waiting_max, parts.ring.capacity() / packets_of_ring);
    return settings;
}

ObservedAt in_bounds(ObservedAt at) noexcept {
    constexpr auto most = static_cast<std::uint64_t>(time_max.time_since_epoch().count());
    if (static_cast<std::uint64_t>(at.time_since_epoch().count()) <= most) [[likely]] {
        return at;  // neither above nor, as a number without sign, below
    }
    return std::clamp(at, time_min, time_max);
}

}  // namespace

Worker::Worker(Parts parts)
    : source_(parts.source),
      ring_(parts.ring),
      clock_(parts.clock),
      vlan_in_key_(parts.vlan_in_key),
      outer_points_(parts.outer_points),
      flows_max_(
          static_cast<double>(parts.flows_max != 0 ? parts.flows_max : parts.table.places())),
      table_octets_(std::max(parts.table.octets(),
                             flow::FlowTable::octets_for(parts.table_grows_to.flows_max,
                                                         parts.table_grows_to.beside_octets))),
      table_places_(std::max(parts.table.places(),
                             flow::FlowTable::places_for(parts.table_grows_to.flows_max))),
      load_(parts.load),
      metering_({.ring = parts.ring,
                 .books = books_,
                 .table = std::move(parts.table),
                 .grows_to = parts.table_grows_to,
                 .hasher = flow::FlowHasher(parts.hash_key),
                 .timeouts = parts.timeouts,
                 .worker = parts.number,
                 .admission = parts.admission,
                 .shunt = parts.shunt,
                 .inspector = std::move(parts.inspector),
                 .analytics = std::move(parts.analytics),
                 .adopt = parts.adopt}),
      fragments_(fragments_for(parts), flow::FlowHasher(parts.hash_key)),
      duplicates_(std::move(parts.duplicates)),
      filters_(parts.filters),
      saving_(std::move(parts.saving)),
      samplers_(std::move(parts.samplers)),
      history_(std::move(parts.history)),
      alerts_(parts.alerts),
      published_(parts.books != nullptr ? *parts.books : own_) {
    if (parts.adopt) {
        publish();
    }
}

std::size_t Worker::step() noexcept {
    const std::uint64_t began = cycles_now();
    if (clock_ == nullptr && must_wait()) {
        return 0;
    }
    source_.receive(burst_);
    const std::size_t packets = burst_.count;
    if (filters_ != nullptr) {
        sift();
    }
    for (PacketSampler* sampler : samplers_) {
        sampler->look_at(burst_.view());
    }
    if (saving_ != nullptr) {
        saving_->take(burst_.view(), books_.saving);
    }
    if (history_ != nullptr) {
        history_->take(burst_.view());
    }

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

// Of recorded packets: whether something of them would have to be left out.
bool Worker::must_wait() noexcept {
    if (history_ != nullptr && !history_->keeps_up()) {
        history_->serve(newest_);
        return true;
    }
    return !ring_has_room() || (saving_ != nullptr && !saving_->has_room()) ||
           std::ranges::any_of(samplers_,
                               [](PacketSampler* sampler) { return !sampler->has_room(); });
}

// Each fragment that waits may make as many records as a packet that comes.
bool Worker::ring_has_room() noexcept {
    const std::size_t needed =
        std::min(records_per_turn_max + fragments_.waiting() * Metering::records_per_packet_max,
                 ring_.capacity());
    return ring_.free_slots(needed) >= needed;
}

// What the filters refuse is received and nothing more: not even the time of such a packet counts,
// so that flows are those of a capture that was filtered before.
void Worker::sift() noexcept {
    const auto refused = filters_->sift(burst_);
    books_.received_packets += refused.packets;
    books_.received_octets += refused.octets;
    books_.ignored[index_of(LeftOut::filter)] +=
        Traffic{.packets = refused.packets, .octets = 0, .layer2_octets = refused.octets};
}

// Every packet ends here as non-IP or undecoded, or goes on as a key and an observation; a later
// fragment may wait for its first.
std::size_t Worker::decode_burst(std::span<const Packet> packets) noexcept {
    std::size_t count = 0;
    std::uint64_t octets = 0;
    ObservedAt newest = newest_;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const Packet& packet = packets[i];
        octets += packet.wire_octets;
        const ObservedAt at = in_bounds(packet.observed_at);
        newest = std::max(newest, at);
        if (newest >= fragments_.next_due()) [[unlikely]] {
            count = meter_orphans(count, newest, newest);
        }
        flow::Observation& seen = observations_[count];
        if (flow::read_common(packet, vlan_in_key_, keys_[count], seen)) [[likely]] {
            seen.at = at;
            if (duplicates_ != nullptr && is_copy(flow::common_ip(packet, seen.octets), seen))
                [[unlikely]] {
                continue;
            }
        } else if (!walk(packet, at, count)) {
            continue;
        }
        seen.place = static_cast<std::uint8_t>(i);
        ++count;
        if (followers_) [[unlikely]] {
            count = meter_followers(count, newest);
        } else if (count % keys_per_announcement == 0) {
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
// cannot be read, booked as such; or it is a fragment that waits.
// place  where its key and its observation go
bool Worker::walk(const Packet& packet, ObservedAt at, std::size_t place) noexcept {
    const auto headers = decode_metered(packet, outer_points_, tunnels_);
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
    note_tunnels(*headers);
    const flow::Sender sender = flow::write_key(*headers, vlan_in_key_, keys_[place]);
    flow::observe(*headers, packet, sender, observations_[place]);
    observations_[place].at = at;
    if (duplicates_ != nullptr && is_copy(headers->ip, observations_[place])) {
        return false;
    }
    return headers->fragment == decode::Fragment::none || meters_now(*headers, place);
}

// True: a copy, booked as such.
bool Worker::is_copy(Bytes ip, const flow::Observation& packet) noexcept {
    if (!duplicates_->is_copy(ip, packet)) {
        return false;
    }
    books_.ignored[index_of(LeftOut::duplicate)] += traffic_of(packet);
    return true;
}

bool Worker::meters_now(const decode::Headers& headers, std::size_t place) noexcept {
    const bool first = headers.fragment == decode::Fragment::first;
    ++(first ? books_.first_fragments : books_.later_fragments);
    flow::Observation& packet = observations_[place];
    const auto verdict = fragments_.see(headers, keys_[place], packet, books_.fragments);
    followers_ = verdict == flow::Fragments::Verdict::meter_then;
    if (verdict != flow::Fragments::Verdict::wait) {
        return true;
    }
    books_.waiting += traffic_of(packet);
    metering_.keep_part(headers, packet.at);
    return false;
}

// What was read before goes first, so that packets are metered in their order. Returns 0: the
// places are free again.
std::size_t Worker::meter_first(std::size_t count, ObservedAt now) noexcept {
    metering_.meter(std::span{keys_}.first(count), std::span{observations_}.first(count), now);
    return 0;
}

std::size_t Worker::meter_followers(std::size_t count, ObservedAt now) noexcept {
    count = meter_first(count, now);
    followers_ = false;
    flow::Fragments::Waited waited;
    while (fragments_.take_follower(waited, books_.fragments)) {
        books_.waiting -= traffic_of(waited.packet);
        waited.packet.place = flow::Observation::no_place;  // its frame is no longer here
        metering_.meter({&waited.key, 1}, {&waited.packet, 1}, now);
    }
    return count;
}

// Fragments whose first did not come by `now`: metered without ports.
std::size_t Worker::meter_orphans(std::size_t count, ObservedAt now, ObservedAt newest) noexcept {
    count = meter_first(count, newest);
    flow::Fragments::Waited waited;
    while (fragments_.take_due(now, waited, books_.fragments)) {
        books_.waiting -= traffic_of(waited.packet);
        waited.packet.place = flow::Observation::no_place;
        metering_.meter_late(waited.key, waited.packet, waited.due, newest);
    }
    return count;
}

// False: the ring is full, call again.
bool Worker::drain_fragments(ObservedAt end) noexcept {
    flow::Fragments::Waited waited;
    while (fragments_.waiting() != 0) {
        if (ring_.free_slots(Metering::records_per_packet_max) < Metering::records_per_packet_max) {
            return false;
        }
        fragments_.take_due(ObservedAt::max(), waited, books_.fragments);
        books_.waiting -= traffic_of(waited.packet);
        waited.packet.place = flow::Observation::no_place;
        metering_.meter_late(waited.key, waited.packet, std::min(waited.due, end), end);
    }
    return true;
}

void Worker::note_tunnels(const decode::Headers& headers) noexcept {
    for (std::uint32_t kinds = headers.encapsulations.bits; kinds != 0; kinds &= kinds - 1) {
        ++books_.encapsulated[static_cast<std::size_t>(std::countr_zero(kinds))];
    }
    ++books_.not_entered[index_of(tunnels_.not_entered)];
}

// Flows wait in the table rather than be refused by a ring that has no room for them.
void Worker::expire() noexcept {
    const ObservedAt now = clock_ != nullptr ? std::max(newest_, clock_->now()) : newest_;
    if (now == ObservedAt{}) {
        return;  // no packet yet: time has not begun
    }
    metering_.fold(now);
    if (now >= fragments_.next_due()) {
        meter_orphans(0, now, now);
    }
    if (history_ != nullptr) {
        history_->serve(now);
    }
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
    metering_.shed_analytics(load_.sheds(Shed::analytics));

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
    if (saving_ != nullptr) {
        saving_->show();
    }
    if (history_ != nullptr) {
        hear_alerts();
        history_->tell(books_.history);
    }
    metering_.tell_inspection(books_.inspection);
    metering_.tell_analytics(books_.analytics);
    books_.duplicates_forgotten = duplicates_ == nullptr ? 0 : duplicates_->forgotten();
    published_.publish(books_);
    ring_.publish();
    for (PacketSampler* sampler : samplers_) {
        sampler->publish();
    }
}

// Alerts that the exporter core has not been shown yet.
void Worker::hear_alerts() noexcept {
    const std::size_t fresh = alerts_ != nullptr ? alerts_->unpublished() : 0;
    for (std::size_t i = 0; i < fresh; ++i) {
        history_->hear(alerts_->unpublished_value(i));
    }
}

bool Worker::drain(ObservedAt end) noexcept {
    const ObservedAt last = std::max(end, newest_);
    bool done = drain_fragments(last) && metering_.drain(last);
    if (saving_ != nullptr) {
        saving_->flush();
    }
    publish();
    if (history_ != nullptr) {
        done = history_->finish(last) && done;
        publish();
    }
    return done;
}

}  // namespace tapmeter
