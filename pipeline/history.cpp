#include "pipeline/history.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

#include "pipeline/base/fates.h"
#include "pipeline/flow/common_frame.h"

namespace tapmeter {

namespace {

constexpr std::uint32_t number_bits = 24;  // of a recall, below the worker's

// A packet that was to begin here stands at the beginning of the memory. Packets of this link layer
// are never held.
constexpr LinkType goes_on_at_beginning = LinkType::unknown;

Packet packet_of(const SavedPacket& head, Bytes frame) noexcept {
    return {.frame = frame,
            .observed_at = ObservedAt{Nanoseconds{head.observed_ns}},
            .wire_octets = head.wire_octets,
            .observation_point = head.observation_point,
            .link = head.link};
}

bool has_ends_of(const flow::FlowKey& key, const flow::FlowKey& wanted) noexcept {
    return key.low == wanted.low && key.high == wanted.high &&
           key.ip_version == wanted.ip_version && key.protocol == wanted.protocol;
}

bool is_of_host(const flow::FlowKey& key, const flow::FlowKey& wanted) noexcept {
    return key.ip_version == wanted.ip_version && (key.low == wanted.low || key.high == wanted.low);
}

// What a look costs, in those at a flow: a filter takes its time with its length.
std::size_t looks_for(const Recall& recall, LinkType link) noexcept {
    constexpr std::size_t instructions_per_look = 64;
    const auto number = static_cast<std::size_t>(link);
    return recall.of != Recall::Of::filter || number >= filter::link_types
               ? 1
               : 1 + recall.filter->packets->programs[number].size() / instructions_per_look;
}

Recall recall_of(const inspect::Alert& alert) noexcept {
    decode::Headers headers;
    headers.source = alert.source;
    headers.destination = alert.destination;
    headers.source_port = alert.source_port;
    headers.destination_port = alert.destination_port;
    headers.protocol = alert.protocol;
    headers.ip_version = alert.ip_version;
    Recall recall{.asked_ns = alert.at.time_since_epoch().count(),
                  .flow_id = alert.flow_id,
                  .gid = alert.gid,
                  .sid = alert.sid,
                  .rev = alert.rev,
                  .why = Recall::Why::alert};
    flow::write_key(headers, false, recall.key);
    return recall;
}

}  // namespace

std::uint64_t History::octets_for(std::uint64_t octets) noexcept {
    return std::bit_ceil(std::max(octets, octets_min));
}

Result<std::unique_ptr<History>> History::make(const Settings& settings, SaveRing& to) {
    const std::uint64_t octets = octets_for(settings.octets);
    auto memory = Region::reserve({.octets = octets, .populate = settings.populate});
    if (!memory) {
        return failed(Error::Kind::no_memory,
                      "no memory for the packets that were received last (" +
                          std::to_string(octets >> 20U) +
                          " MiB a worker); lower history.octets or workers.count");
    }
    return std::unique_ptr<History>(new History(settings, std::move(*memory), to));
}

History::History(const Settings& settings, Region memory, SaveRing& to)
    : settings_(settings),
      memory_(std::move(memory)),
      octets_(memory_.octets().first(octets_for(settings.octets))),
      mask_(octets_.size() - 1),
      to_(to) {}

void History::take(std::span<const Packet> packets) noexcept {
    for (const Packet& packet : packets) {
        const Bytes frame =
            packet.frame.first(std::min<std::size_t>(packet.frame.size(), settings_.snap_octets));
        if (packet.link == LinkType::unknown ||
            SavedPacket::room_for(frame.size()) > SaveRing::chunk_octets) {
            ++books_.not_held;
            continue;
        }
        store({.observed_ns = packet.observed_at.time_since_epoch().count(),
               .octets = static_cast<std::uint32_t>(frame.size()),
               .wire_octets = packet.wire_octets,
               .observation_point = packet.observation_point,
               .link = packet.link},
              frame);
    }
}

void History::store(const SavedPacket& head, Bytes frame) noexcept {
    const std::size_t room = SavedPacket::room_for(frame.size());
    if (const std::uint64_t rest = to_end(head_); room > rest) {
        make_room(rest);
        if (rest >= sizeof(SavedPacket)) {
            const SavedPacket mark{.link = goes_on_at_beginning};
            std::memcpy(&octets_[offset(head_)], &mark, sizeof(mark));
        }
        head_ += rest;
    }
    make_room(room);
    const auto to = octets_.subspan(offset(head_), room);
    std::memcpy(to.data(), &head, sizeof(head));
    std::ranges::copy(frame, to.begin() + sizeof(head));
    head_ += room;
    books_.held += SavedTotals{1, frame.size()};
}

void History::make_room(std::uint64_t octets) noexcept {
    while (octets_.size() - (head_ - tail_) < octets) {
        forget_oldest();
    }
}

// Where the first packet stands from here on; head_: there is none.
std::uint64_t History::packet_from(std::uint64_t position) const noexcept {
    if (position == head_) {
        return position;
    }
    const std::uint64_t rest = to_end(position);
    if (rest < sizeof(SavedPacket)) {
        return position + rest;
    }
    SavedPacket head;
    std::memcpy(&head, &octets_[offset(position)], sizeof(head));
    return head.link == goes_on_at_beginning ? position + rest : position;
}

History::Held History::held_at(std::uint64_t position) const noexcept {
    Held held;
    const auto from = octets_.subspan(offset(position));
    std::memcpy(&held.head, from.data(), sizeof(held.head));
    held.frame = from.subspan(sizeof(held.head), held.head.octets);
    held.next = position + SavedPacket::room_for(held.head.octets);
    return held;
}

// Walks that have not come so far look at it now, or never.
void History::forget_oldest() noexcept {
    const std::uint64_t oldest = packet_from(tail_);
    tail_ = oldest;
    if (oldest == head_) {
        return;
    }
    const Held held = held_at(oldest);
    for (Walk& walk : walks_) {
        if (!walk.open || walk.at > oldest) {
            continue;
        }
        walk.at = oldest;
        if (!walk.over && !look(walk, held)) {
            const SavedTotals one{1, held.head.octets};
            books_.recalled.wanted += one;
            books_.recalled.refused[index_of(NotWritten::left_history)] += one;
        }
        walk.at = held.next;
    }
    tail_ = held.next;
    --books_.held.packets;
    books_.held.octets -= held.head.octets;
}

std::int64_t History::oldest_ns() const noexcept {
    const std::uint64_t oldest = packet_from(tail_);
    return oldest == head_ ? 0 : held_at(oldest).head.observed_ns;
}

void History::hear(const inspect::Alert& alert) noexcept {
    if (!settings_.on_alert) {
        return;
    }
    Recall recall = recall_of(alert);
    for (Walk& walk : walks_) {
        if (walk.open && !walk.over && walk.recall.of == Recall::Of::flow &&
            walk.recall.key == recall.key) {
            walk.recall.asked_ns = std::max(walk.recall.asked_ns, recall.asked_ns);
            ++books_.joined;
            return;
        }
    }
    if (open_for(Recall::Why::alert) == alert_recalls_max) {
        ++books_.turned_away;
        return;
    }
    ++alert_recalls_;
    recall.number =
        (settings_.worker + 1U) << number_bits | (alert_recalls_ & ((1U << number_bits) - 1));
    begin(recall, alert.at);
}

// True where a place was free.
bool History::begin(const Recall& recall, ObservedAt now) noexcept {
    const auto free = std::ranges::find(walks_, false, &Walk::open);
    if (free == walks_.end()) {
        return false;
    }
    *free = {.recall = recall, .at = tail_, .since = head_, .open = true};
    free->recall.asked_ns = now.time_since_epoch().count();
    free->recall.oldest_ns = oldest_ns();
    free->recall.worker = settings_.worker;
    ++books_.begun;
    ++books_.open;
    return true;
}

std::size_t History::open_for(Recall::Why why) const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(
        walks_, [why](const Walk& walk) { return walk.open && walk.recall.why == why; }));
}

bool History::ask(const Recall& recall) noexcept {
    const bool taken = requests_.push(recall);
    requests_.publish();
    return taken;
}

void History::take_requests(ObservedAt now) noexcept {
    for (const Recall& recall : requests_.readable()) {
        if (open_for(Recall::Why::command) == commands_max || !begin(recall, now)) {
            return;
        }
        requests_.consume(1);
    }
}

void History::serve(ObservedAt now) noexcept {
    if (requests_.waiting() != 0) [[unlikely]] {
        take_requests(now);
    }
    if (books_.open != 0) {
        const std::size_t looks = looks_per_turn / books_.open;
        for (Walk& walk : walks_) {
            if (walk.open) {
                walk_on(walk, looks);
                end_if_over(walk, now, false);
            }
        }
    }
    to_.show();
}

void History::walk_on(Walk& walk, std::size_t looks) noexcept {
    if (!walk.announced && !announce(walk)) {
        return;
    }
    while (looks != 0 && !walk.over) {
        walk.at = packet_from(walk.at);
        if (walk.at == head_) {
            return;
        }
        const Held held = held_at(walk.at);
        looks -= std::min(looks, looks_for(walk.recall, held.head.link));
        if (!look(walk, held)) {
            return;
        }
        walk.at = held.next;
    }
}

// False: the packet belongs to the recall, and the ring has no room for it.
bool History::look(Walk& walk, const Held& held) noexcept {
    const bool after = walk.at >= walk.since;
    const bool late = held.head.observed_ns > walk.recall.asked_ns + settings_.after.count();
    if (after && (late || walk.packets_after == settings_.packets_after_max)) {
        walk.over = true;
        return true;
    }
    if (!belongs(walk, held)) {
        return true;
    }
    SavedPacket head = held.head;
    head.recall = walk.recall.number;
    if ((!walk.announced && !announce(walk)) || !to_.put(head, held.frame)) {
        return false;
    }
    const SavedTotals one{1, head.octets};
    books_.recalled.wanted += one;
    books_.recalled.handed += one;
    walk.packets_after += after ? 1U : 0U;
    return true;
}

// Later fragments have no ports: those between the ends of a flow count as the flow's.
bool History::belongs(const Walk& walk, const Held& held) noexcept {
    const Packet packet = packet_of(held.head, held.frame);
    if (walk.recall.of == Recall::Of::filter) {
        return walk.recall.filter->packets->accepts(packet);
    }
    flow::FlowKey key;
    flow::Observation seen;
    bool ports = true;
    if (!flow::read_common(packet, false, key, seen)) {
        const auto headers = decode_metered(packet, settings_.outer_points, tunnels_);
        if (!headers || headers->ip_version == 0) {
            return false;
        }
        flow::write_key(*headers, false, key);
        ports = headers->fragment != decode::Fragment::later;
    }
    const flow::FlowKey& wanted = walk.recall.key;
    if (walk.recall.of == Recall::Of::host) {
        return is_of_host(key, wanted);
    }
    return ports ? key == wanted : has_ends_of(key, wanted);
}

bool History::announce(Walk& walk) noexcept {
    const SavedPacket mark{.octets = sizeof(Recall),
                           .mark = SavedPacket::Mark::recall_begins,
                           .recall = walk.recall.number};
    walk.announced = to_.put(mark, std::as_bytes(std::span{&walk.recall, 1}));
    return walk.announced;
}

// last  no packet comes any more
void History::end_if_over(Walk& walk, ObservedAt now, bool last) noexcept {
    const bool late =
        last || now.time_since_epoch().count() > walk.recall.asked_ns + settings_.after.count();
    if (!walk.announced || (!walk.over && (is_behind(walk) || !late))) {
        return;
    }
    const SavedPacket mark{.mark = SavedPacket::Mark::recall_ends, .recall = walk.recall.number};
    if (to_.put(mark, {})) {
        to_.flush();
        if (walk.recall.filter != nullptr) {
            walk.recall.filter->let_go();
        }
        walk.open = false;
        --books_.open;
        ++books_.ended;
    }
}

bool History::keeps_up() noexcept {
    return books_.open == 0 ||
           (to_.has_room_for_burst() && std::ranges::none_of(walks_, [this](const Walk& walk) {
                return walk.open && !walk.over && is_behind(walk);
            }));
}

bool History::finish(ObservedAt now) noexcept {
    if (requests_.waiting() != 0) {
        take_requests(now);
    }
    for (Walk& walk : walks_) {
        if (walk.open) {
            walk_on(walk, octets_.size());
            end_if_over(walk, now, true);
        }
    }
    to_.flush();
    return books_.open == 0 && requests_.waiting() == 0;
}

void History::tell(HistoryBooks& to) const noexcept {
    to = books_;
    to.oldest_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(oldest_ns(), 0));
}

}  // namespace tapmeter
