#include "pipeline/flow/flow_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "pipeline/base/expects.h"
#include "pipeline/base/prefetch.h"

namespace tapmeter::flow {

namespace {

// Of 15 ways 11.25 are used when flows_max flows are in: then less than one new flow in 200 finds
// both of its buckets full (tests/pipeline/flow/flow_table_test.cpp holds this).
constexpr std::size_t load_numerator = 3;
constexpr std::size_t load_denominator = 4;

// A summary later than every deadline that can be written at `now`, and still less than half a
// wrap away from those written 2 minutes ago.
constexpr Ticks far_from(Ticks now) noexcept {
    return static_cast<Ticks>(now + deadline_ticks_max + deadline_ticks_max / 2);
}

constexpr Ticks earlier(Ticks a, Ticks b) noexcept {
    return is_due(a, b) ? a : b;
}

constexpr std::size_t bucket_of(FlowIndex index) noexcept {
    return number_of(index) / FlowBucket::ways;
}
constexpr std::size_t way_of(FlowIndex index) noexcept {
    return number_of(index) % FlowBucket::ways;
}

// Lays arrays out one after the other in a region, each on a cache line of its own.
class Layout {
public:
    template <class T>
    std::size_t add(std::size_t count) noexcept {
        const std::size_t at = octets_;
        octets_ +=
            (count * sizeof(T) + cache_line_octets - 1) / cache_line_octets * cache_line_octets;
        return at;
    }
    std::size_t octets() const noexcept { return octets_; }

private:
    std::size_t octets_ = 0;
};

struct Places {
    std::size_t buckets, flows, origins, bucket_deadlines, group_deadlines, octets;
};

constexpr std::size_t groups_for(std::size_t buckets) noexcept {
    return (buckets + FlowTable::buckets_per_group - 1) / FlowTable::buckets_per_group;
}

Places layout_for(std::size_t buckets, std::size_t flow_octets) noexcept {
    Layout layout;
    Places places{};
    places.buckets = layout.add<FlowBucket>(buckets);
    places.flows = layout.add<std::byte>(buckets * FlowBucket::ways * flow_octets);
    places.origins = layout.add<FlowOrigin>(buckets * FlowBucket::ways);
    places.bucket_deadlines = layout.add<Ticks>(buckets);
    places.group_deadlines = layout.add<Ticks>(groups_for(buckets));
    places.octets = layout.octets();
    return places;
}

constexpr std::size_t buckets_for(std::size_t flows_max) noexcept {
    return (flows_max * load_denominator / load_numerator + FlowBucket::ways) / FlowBucket::ways;
}

template <class T>
std::span<T> array_at(std::span<std::byte> octets, std::size_t at, std::size_t count) noexcept {
    // The region is zeroed, aligned to a page and lives as long as the table; T is plain data.
    // NOLINTNEXTLINE(*-reinterpret-cast)
    return {reinterpret_cast<T*>(octets.subspan(at, count * sizeof(T)).data()), count};
}

}  // namespace

Result<FlowTable> FlowTable::make(const Request& request) {
    expects(request.beside_octets % cache_line_octets == 0);
    auto region = Region::reserve({.octets = octets_for(request.flows_max, request.beside_octets),
                                   .pages = request.pages,
                                   .populate = request.populate,
                                   .kept = request.kept,
                                   .adopt = request.adopt});
    if (!region) {
        return tl::unexpected<Error>(std::move(region.error()));
    }
    return FlowTable(std::move(*region), request);
}

std::size_t FlowTable::octets_for(std::size_t flows_max, std::size_t beside_octets) noexcept {
    return layout_for(buckets_for(flows_max), sizeof(Flow) + beside_octets).octets;
}

std::size_t FlowTable::places_for(std::size_t flows_max) noexcept {
    return buckets_for(flows_max) * FlowBucket::ways;
}

FlowTable::FlowTable(Region region, const Request& request) noexcept
    : region_(std::move(region)),
      stride_(sizeof(Flow) + request.beside_octets),
      flows_max_(request.flows_max) {
    const std::size_t buckets = buckets_for(flows_max_);
    const Places places = layout_for(buckets, stride_);
    const auto octets = region_.octets();
    buckets_ = array_at<FlowBucket>(octets, places.buckets, buckets);
    flows_ = octets.subspan(places.flows, buckets * FlowBucket::ways * stride_);
    origins_ = array_at<FlowOrigin>(octets, places.origins, buckets * FlowBucket::ways);
    bucket_deadlines_ = array_at<Ticks>(octets, places.bucket_deadlines, buckets);
    group_deadlines_ = array_at<Ticks>(octets, places.group_deadlines, groups_for(buckets));
    expects(origins_.size() < number_of(no_flow));
}

FlowIndex FlowTable::insert(FlowHash hash, Ticks deadline) noexcept {
    const FlowIndex index = place_for(hash);
    if (index != no_flow) {
        insert_at(index, hash, deadline);
    }
    return index;
}

void FlowTable::insert_at(FlowIndex place, FlowHash hash, Ticks deadline) noexcept {
    const std::size_t bucket = bucket_of(place);
    const std::size_t way = way_of(place);
    // Where both words name one bucket there is no other: a full home had no free way.
    const std::size_t home = home_of(hash);
    buckets_[home].guests = static_cast<std::uint16_t>(buckets_[home].guests + (bucket != home));
    buckets_[bucket].tags[way] = detail::tag_of(hash);
    buckets_[bucket].several &= static_cast<std::uint16_t>(~(1U << way));
    buckets_[bucket].deadlines[way] = deadline;
    note_deadline(bucket, deadline);
    ++used_;
}

bool FlowTable::take_over(const FlowTable& other, const FlowHasher& hasher,
                          std::span<FlowIndex> moved) noexcept {
    expects(used_ == 0 && moved.size() == other.places() && stride_ == other.stride_);
    std::ranges::fill(moved, no_flow);
    for (std::size_t bucket = 0; bucket < other.buckets_.size(); ++bucket) {
        if (other.buckets_[bucket].free_ways() != FlowBucket::all_ways &&
            !take_bucket(other, bucket, hasher, moved)) {
            return false;
        }
    }
    return true;
}

// The flows of one bucket of the other table.
bool FlowTable::take_bucket(const FlowTable& other, std::size_t bucket, const FlowHasher& hasher,
                            std::span<FlowIndex> moved) noexcept {
    const FlowBucket& from = other.buckets_[bucket];
    std::array<std::size_t, FlowBucket::ways> ways{};
    std::array<FlowKey, FlowBucket::ways> keys{};
    std::array<FlowHash, FlowBucket::ways> hashes{};
    std::size_t count = 0;
    for (std::size_t way = 0; way < FlowBucket::ways; ++way) {
        if (from.tags[way] != 0) {
            ways[count] = way;
            keys[count++] = bare(other.flow_at(number_of(index_of(bucket, way))).key);
        }
    }
    hasher.hash(std::span{keys}.first(count), hashes);
    for (std::size_t i = 0; i < count; ++i) {
        prefetch_bucket(hashes[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
        const FlowIndex index = insert(hashes[i], from.deadlines[ways[i]]);
        if (index == no_flow) {
            return false;
        }
        const std::size_t old = number_of(index_of(bucket, ways[i]));
        moved[old] = index;
        std::ranges::copy(other.record_at(old), record_at(number_of(index)).begin());
        origins_[number_of(index)] = other.origins_[old];
        if ((from.several >> ways[i] & 1U) != 0) {
            set_several(index);
        }
        if ((from.tags[ways[i]] & FlowBucket::answered) != 0) {
            set_answered(index);
        }
    }
    return true;
}

FlowTable::Adopted FlowTable::adopt(const FlowHasher& hasher) noexcept {
    Adopted adopted;
    used_ = 0;
    for (FlowBucket& bucket : buckets_) {
        bucket.guests = 0;
    }
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
        if (buckets_[bucket].free_ways() != FlowBucket::all_ways) {
            adopt_bucket(bucket, hasher, adopted);
        }
    }
    return adopted;
}

void FlowTable::adopt_bucket(std::size_t bucket, const FlowHasher& hasher,
                             Adopted& adopted) noexcept {
    for (std::size_t way = 0; way < FlowBucket::ways; ++way) {
        if (buckets_[bucket].tags[way] == 0) {
            continue;
        }
        const std::size_t place = number_of(index_of(bucket, way));
        Flow& flow = flow_at(place);
        std::ranges::fill(record_at(place).subspan(sizeof(Flow)), std::byte{0});
        flow.key.attached = 0;
        FlowHash hash{};
        hasher.hash({&flow.key, 1}, {&hash, 1});
        if (!is_sound(bucket, way, hash)) {
            buckets_[bucket].tags[way] = 0;
            flow.key.ip_version = 0;
            ++adopted.refused;
            continue;
        }
        flow.shunt_slot = 0;
        flow.state &= static_cast<std::uint8_t>(~state::shunted);
        const std::size_t home = home_of(hash);
        buckets_[home].guests =
            static_cast<std::uint16_t>(buckets_[home].guests + (bucket != home ? 1U : 0U));
        ++used_;
        ++adopted.flows;
    }
}

// Whether the way holds a flow with this hash, as insert_at() and whoever filled it leave one.
bool FlowTable::is_sound(std::size_t bucket, std::size_t way, FlowHash hash) const noexcept {
    const Flow& flow = flow_at(number_of(index_of(bucket, way)));
    const auto tag =
        static_cast<std::uint16_t>(buckets_[bucket].tags[way] & ~unsigned{FlowBucket::answered});
    return (flow.key.ip_version == 4 || flow.key.ip_version == 6) && tag == detail::tag_of(hash) &&
           (bucket == home_of(hash) || bucket == other_of(hash)) && flow.start <= flow.last;
}

FlowIndex FlowTable::victim(FlowHash hash, Ticks now) const noexcept {
    const std::size_t home = home_of(hash);
    const std::size_t other = other_of(hash);
    const FlowBucket::Cheapest at_home = buckets_[home].cheapest(now);
    const FlowBucket::Cheapest elsewhere = buckets_[other].cheapest(now);
    return elsewhere.cost < at_home.cost ? index_of(other, elsewhere.way)
                                         : index_of(home, at_home.way);
}

FlowTable::Elsewhere FlowTable::look_elsewhere(FlowHash hash, Ticks now) const noexcept {
    const std::size_t home = home_of(hash);
    const std::size_t other = other_of(hash);
    if (buckets_[home].guests != 0) {
        const std::uint32_t ways = buckets_[other].ways_with(detail::tag_of(hash));
        if (ways != 0) {
            const FlowIndex guest =
                index_of(other, static_cast<std::size_t>(std::countr_zero(ways)));
            prefetch_lines(guest);
            return {.flow = guest};
        }
    }
    Elsewhere there{.place = place_for(hash), .is_free = true};
    if (there.place == no_flow) {
        there.place = victim(hash, now);
        there.is_free = false;
        there.cost = buckets_[bucket_of(there.place)].cost_of(way_of(there.place), now);
    }
    prefetch_flow(there.place);
    prefetch(&bucket_deadlines_[bucket_of(there.place)]);
    return there;
}

bool FlowTable::still_leaves(const Elsewhere& there, Ticks now) const noexcept {
    if (there.place == no_flow || there.is_free) {
        return false;
    }
    const FlowBucket& bucket = buckets_[bucket_of(there.place)];
    const std::size_t way = way_of(there.place);
    return bucket.tags[way] != 0 && bucket.cost_of(way, now) == there.cost;
}

// Where insert() puts a flow with this hash; no_flow: nowhere.
FlowIndex FlowTable::place_for(FlowHash hash) const noexcept {
    for (const std::size_t bucket : {home_of(hash), other_of(hash)}) {
        const std::uint32_t free = buckets_[bucket].free_ways();
        if (free != 0) {
            return index_of(bucket, static_cast<std::size_t>(std::countr_zero(free)));
        }
    }
    return no_flow;
}

void FlowTable::erase(FlowIndex index, FlowHash hash) noexcept {
    const std::size_t bucket = bucket_of(index);
    const std::size_t home = home_of(hash);
    expects(buckets_[bucket].tags[way_of(index)] != 0);
    buckets_[bucket].tags[way_of(index)] = 0;
    flow_at(number_of(index)).key.ip_version = 0;  // no packet's key: guesses at it go wrong
    if (bucket != home) {
        expects(buckets_[home].guests != 0);
        --buckets_[home].guests;
    }
    --used_;
}

void FlowTable::set_deadline(FlowIndex index, Ticks deadline) noexcept {
    buckets_[bucket_of(index)].deadlines[way_of(index)] = deadline;
    note_deadline(bucket_of(index), deadline);
}

void FlowTable::set_several(FlowIndex index) noexcept {
    FlowBucket& bucket = buckets_[bucket_of(index)];
    bucket.several = static_cast<std::uint16_t>(bucket.several | (1U << way_of(index)));
}

void FlowTable::set_answered(FlowIndex index) noexcept {
    buckets_[bucket_of(index)].tags[way_of(index)] |= FlowBucket::answered;
}

void FlowTable::set_ended(FlowIndex index) noexcept {
    FlowBucket& bucket = buckets_[bucket_of(index)];
    bucket.several = static_cast<std::uint16_t>(bucket.several & ~(1U << way_of(index)));
    bucket.tags[way_of(index)] &= static_cast<std::uint16_t>(~FlowBucket::answered);
}

bool FlowTable::is_answered(FlowIndex index) const noexcept {
    return (buckets_[bucket_of(index)].tags[way_of(index)] & FlowBucket::answered) != 0;
}

bool FlowTable::group_due(std::size_t group, Ticks now) const noexcept {
    return is_due(group_deadlines_[group], now);
}

std::span<const Ticks> FlowTable::bucket_deadlines(std::size_t group) const noexcept {
    const std::size_t first = group * buckets_per_group;
    return bucket_deadlines_.subspan(first, std::min(buckets_per_group, buckets_.size() - first));
}

void FlowTable::summarise_bucket(std::size_t bucket, Ticks now) noexcept {
    Ticks earliest = far_from(now);
    for (std::size_t way = 0; way < FlowBucket::ways; ++way) {
        if (buckets_[bucket].tags[way] != 0) {
            earliest = earlier(buckets_[bucket].deadlines[way], earliest);
        }
    }
    bucket_deadlines_[bucket] = earliest;
}

void FlowTable::summarise_group(std::size_t group, Ticks now) noexcept {
    Ticks earliest = far_from(now);
    for (const Ticks deadline : bucket_deadlines(group)) {
        earliest = earlier(deadline, earliest);
    }
    group_deadlines_[group] = earliest;
}

void FlowTable::note_deadline(std::size_t bucket, Ticks deadline) noexcept {
    Ticks& of_bucket = bucket_deadlines_[bucket];
    of_bucket = earlier(deadline, of_bucket);
    Ticks& of_group = group_deadlines_[bucket / buckets_per_group];
    of_group = earlier(deadline, of_group);
}

}  // namespace tapmeter::flow
