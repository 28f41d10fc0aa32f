#include "pipeline/flow/fragments.h"

#include <algorithm>

#include "pipeline/decode/extension_headers.h"

namespace tapmeter::flow {

namespace {

constexpr std::uint32_t datagram_octets_max = 65'535;  // RFC 791 §3.1; behind IPv6's header too

constexpr bool has_ports(std::uint8_t protocol) noexcept {
    constexpr std::array<std::uint8_t, 5> all{6, 17, 33, 132, 136};
    return std::ranges::count(all, protocol) != 0;
}

// Without its first fragment this one's flow is not known: ports, and in IPv6 the protocol too,
// where more extension headers follow.
constexpr bool needs_first(const decode::Headers& headers) noexcept {
    return has_ports(headers.protocol) ||
           (headers.ip_version == 6 && decode::is_extension_header(headers.protocol));
}

// What makes fragments parts of one datagram: RFC 791 §3.2, RFC 8200 §4.5. IPv6 leaves the protocol
// out.
FlowKey datagram_key(const decode::Headers& headers, const FlowKey& flow) noexcept {
    FlowKey key;
    key.low = headers.source;
    key.high = headers.destination;
    key.low_port = static_cast<std::uint16_t>(headers.part.id >> 16U);
    key.high_port = static_cast<std::uint16_t>(headers.part.id);
    key.vlan = flow.vlan;
    key.customer_vlan = flow.customer_vlan;
    key.protocol = headers.ip_version == 4 ? headers.protocol : decode::fragment_header;
    key.ip_version = headers.ip_version;
    return key;
}

constexpr std::size_t buckets_for(std::size_t datagrams) noexcept {
    return std::max<std::size_t>((datagrams + Fragments::ways - 1) / Fragments::ways, 1);
}

}  // namespace

Fragments::Fragments(const Settings& settings, const FlowHasher& hasher)
    : hasher_(hasher),
      wait_(settings.wait),
      hold_(settings.hold),
      datagrams_(buckets_for(settings.datagrams_max) * ways),
      waiting_(std::max<std::size_t>(settings.waiting_max, 1)) {
    for (std::uint32_t place = 0; place + 1 < waiting_.size(); ++place) {
        waiting_[place].newer = place + 1;
    }
}

std::size_t Fragments::octets() const noexcept {
    return datagrams_.size() * sizeof(Datagram) + waiting_.size() * sizeof(Waiting);
}

Fragments::Verdict Fragments::see(const decode::Headers& headers, FlowKey& key, Observation& packet,
                                  FragmentCounts& counts) noexcept {
    Datagram& datagram = find_or_make(datagram_key(headers, key), packet.at, counts);
    if (headers.fragment == decode::Fragment::first) {
        const Verdict verdict = see_first(datagram, headers, key, packet);
        note_part(datagram, headers.part, packet, counts);
        return verdict;
    }
    note_part(datagram, headers.part, packet, counts);
    if (!needs_first(headers)) {
        return Verdict::meter;
    }
    if (datagram.known) {
        key = datagram.flow;
        packet.sender = datagram.sender;
        packet.protocol = datagram.flow.protocol;
        ++counts.attributed;
        return Verdict::meter;
    }
    if (datagram.fragments > fragments_per_datagram_max) {
        return Verdict::meter;
    }
    if (!append(datagram, key, packet)) {
        ++counts.table_full;
        return Verdict::meter;
    }
    return Verdict::wait;
}

Fragments::Verdict Fragments::see_first(Datagram& datagram, const decode::Headers& headers,
                                        const FlowKey& key, const Observation& packet) noexcept {
    // The same identification again, for another datagram.
    if (datagram.known && (is_whole(datagram) || !(datagram.flow == key))) {
        begin(datagram, datagram_key(headers, key), packet.at);
    }
    datagram.flow = key;
    datagram.sender = packet.sender;
    datagram.known = true;
    if (datagram.first_waiting == nobody) {
        return Verdict::meter;
    }
    follower_ = datagram.first_waiting;
    followed_ = index_of(datagram);
    datagram.first_waiting = nobody;
    datagram.last_waiting = nobody;
    return Verdict::meter_then;
}

bool Fragments::take_follower(Waited& to, FragmentCounts& counts) noexcept {
    if (follower_ == nobody) {
        return false;
    }
    const std::uint32_t place = follower_;
    const Waiting& waiting = waiting_[place];
    const Datagram& datagram = datagrams_[followed_];
    to = waiting.what;
    to.key = datagram.flow;
    to.packet.sender = datagram.sender;
    to.packet.protocol = datagram.flow.protocol;
    follower_ = waiting.next;
    leave(place);
    ++counts.attributed;
    ++counts.waited;
    return true;
}

bool Fragments::take_due(ObservedAt now, Waited& to, FragmentCounts& counts) noexcept {
    if (next_due_ > now || waiting_count_ == 0) {
        return false;
    }
    const Waiting& waiting = waiting_[oldest_];
    to = waiting.what;
    Datagram& datagram = datagrams_[waiting.datagram];
    if (datagram.generation == waiting.generation) {
        datagram.first_waiting = waiting.next;
        datagram.last_waiting = waiting.next == nobody ? nobody : datagram.last_waiting;
    }
    leave(oldest_);
    ++counts.orphaned;
    return true;
}

void Fragments::leave(std::uint32_t place) noexcept {
    Waiting& one = waiting_[place];
    (one.older == nobody ? oldest_ : waiting_[one.older].newer) = one.newer;
    (one.newer == nobody ? newest_ : waiting_[one.newer].older) = one.older;
    one.newer = free_;
    free_ = place;
    --waiting_count_;
    next_due_ = oldest_ == nobody ? ObservedAt::max() : waiting_[oldest_].what.due;
}

bool Fragments::append(Datagram& datagram, const FlowKey& key, const Observation& packet) noexcept {
    const std::uint32_t place = free_;
    if (place == nobody) {
        return false;
    }
    free_ = waiting_[place].newer;
    ++waiting_count_;
    last_due_ = std::max(last_due_, packet.at + wait_);
    waiting_[place] = {.what = {.key = key, .packet = packet, .due = last_due_},
                       .datagram = index_of(datagram),
                       .generation = datagram.generation,
                       .older = newest_};
    (newest_ == nobody ? oldest_ : waiting_[newest_].newer) = place;
    newest_ = place;
    if (datagram.last_waiting == nobody) {
        datagram.first_waiting = place;
    } else {
        waiting_[datagram.last_waiting].next = place;
    }
    datagram.last_waiting = place;
    next_due_ = std::min(next_due_, last_due_);
    return true;
}

Fragments::Datagram& Fragments::find_or_make(const FlowKey& key, ObservedAt at,
                                             FragmentCounts& counts) noexcept {
    FlowHash hash{};
    hasher_.hash({&key, 1}, {&hash, 1});
    const std::size_t first = number_of(hash) % (datagrams_.size() / ways) * ways;
    const auto bucket = std::span{datagrams_}.subspan(first, ways);
    const auto is_over = [&](const Datagram& one) noexcept {
        return !one.in_use || at - one.seen > hold_;
    };
    for (Datagram& one : bucket) {
        if (one.in_use && one.key == key) {
            if (is_over(one)) {
                begin(one, key, at);
            }
            return one;
        }
    }
    const auto free = std::ranges::find_if(bucket, is_over);
    if (free != bucket.end()) {
        begin(*free, key, at);
        return *free;
    }
    Datagram& oldest = *std::ranges::min_element(bucket, {}, &Datagram::seen);
    ++counts.table_full;
    begin(oldest, key, at);
    return oldest;
}

// Whoever still waits for the datagram that was here is metered without ports when due.
void Fragments::begin(Datagram& datagram, const FlowKey& key, ObservedAt at) noexcept {
    const std::uint32_t generation = datagram.generation + 1;
    datagram = Datagram{};
    datagram.key = key;
    datagram.seen = at;
    datagram.generation = generation;
    datagram.in_use = true;
}

void Fragments::note_part(Datagram& datagram, const decode::FragmentPart& part, Observation& packet,
                          FragmentCounts& counts) noexcept {
    const bool was_whole = is_whole(datagram);
    const Covered covered{part.offset, part.offset + part.octets};
    if (datagram.fragments <= fragments_per_datagram_max) {
        ++datagram.fragments;
    }
    counts.too_many += datagram.fragments > fragments_per_datagram_max ? 1U : 0U;
    counts.beyond_end += covered.end > datagram_octets_max ? 1U : 0U;
    counts.overlapping += overlaps(datagram, covered) ? 1U : 0U;
    if (part.last) {
        datagram.end = covered.end;
    }
    if (!datagram.scattered) {
        cover(datagram, covered);
    }
    packet.transport_octets = !was_whole && is_whole(datagram) ? 1 : 0;
}

bool Fragments::overlaps(const Datagram& datagram, const Covered& part) noexcept {
    return std::ranges::any_of(
        std::span{datagram.covered}.first(datagram.pieces),
        [&](const Covered& one) { return part.begin < one.end && one.begin < part.end; });
}

// Joins the part with all that it touches.
void Fragments::cover(Datagram& datagram, Covered part) noexcept {
    std::uint32_t kept = 0;
    for (std::uint32_t piece = 0; piece < datagram.pieces; ++piece) {
        const Covered one = datagram.covered[piece];
        if (part.begin <= one.end && one.begin <= part.end) {
            part = {std::min(part.begin, one.begin), std::max(part.end, one.end)};
        } else {
            datagram.covered[kept++] = one;
        }
    }
    if (kept == datagram.covered.size()) {
        datagram.scattered = true;
        return;
    }
    datagram.covered[kept] = part;
    datagram.pieces = kept + 1;
}

bool Fragments::is_whole(const Datagram& datagram) noexcept {
    return datagram.pieces == 1 && datagram.covered[0].begin == 0 && datagram.end != 0 &&
           datagram.covered[0].end >= datagram.end;
}

}  // namespace tapmeter::flow
