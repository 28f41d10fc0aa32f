#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pipeline/base/prefetch.h"
#include "pipeline/base/region.h"
#include "pipeline/base/result.h"
#include "pipeline/flow/flow.h"
#include "pipeline/flow/flow_bucket.h"
#include "pipeline/flow/flow_hash.h"

namespace tapmeter::flow {

// Number of a flow in its table; stays the same for the flow's life.
enum class FlowIndex : std::uint32_t {};
inline constexpr FlowIndex no_flow{0xffff'ffff};

// One shard: the flows of one worker core. No locks, because no other core may touch it.
//
// A flow lives in one of two buckets that its hash names: its home, or, when that was full, the
// other one. So a lookup reads one bucket line, seldom two, whatever an attacker sends; nothing is
// ever moved or chained, and the table never grows. All memory is one region of plain octets
// without pointers: buckets, flows, origins, deadline summaries.
class FlowTable {
public:
    struct Request {
        std::size_t flows_max = 0;  // so many fit; the table has a third more places than that
        Region::Wanted pages = Region::Wanted::automatic;
        bool populate = false;
        // Octets that others keep of each flow, on the lines behind its own: whoever has its page
        // has theirs. Whole lines.
        std::size_t beside_octets = 0;
        const KeptMemory* kept = nullptr;  // as Region::Request; outlives the table
        bool adopt = false;                // what is left there; adopt() belongs next
    };
    // errors  no_memory, invalid_config, as Region::reserve
    static Result<FlowTable> make(const Request& request);

    // After a process that ended at any moment: keeps the flows whose record, tag and place agree
    // under this hasher, which is that process', and lets go of all others. What was attached to
    // them is gone with that process, and so is their shunt.
    struct Adopted {
        std::size_t flows = 0;
        std::size_t refused = 0;
    };
    Adopted adopt(const FlowHasher& hasher) noexcept;

    // Takes every flow of another table over: into this one, which is empty and larger. The other
    // table stays as it was.
    // moved  of as many as the other table has places: its flows' new indices, by their old ones;
    //        no_flow where no flow was
    // False: a flow found no place (as good as impossible); use the other table on.
    bool take_over(const FlowTable& other, const FlowHasher& hasher,
                   std::span<FlowIndex> moved) noexcept;

    // Memory that a table for so many flows reserves.
    static std::size_t octets_for(std::size_t flows_max, std::size_t beside_octets = 0) noexcept;
    static std::size_t places_for(std::size_t flows_max) noexcept;

    // The flow with this key, or no_flow.
    FlowIndex find(const FlowKey& key, FlowHash hash) const noexcept;

    // The same, by way of what guess() said: nearly always one comparison.
    FlowIndex find(const FlowKey& key, FlowHash hash, FlowIndex guess) const noexcept;

    // A place for a new flow with this hash, or no_flow when both its buckets are full and a
    // victim() must leave first. The key must not be in the table. The flow is not initialised.
    FlowIndex insert(FlowHash hash, Ticks deadline) noexcept;
    // The same where it is known: `place` is free and in one of the hash's buckets; its home if
    // there is a free way in it.
    void insert_at(FlowIndex place, FlowHash hash, Ticks deadline) noexcept;

    // Who makes room for a flow with this hash: of the flows in its two full buckets one of a
    // single packet, else one that nobody answered, else an answered one; of equals the one whose
    // deadline is nearest.
    FlowIndex victim(FlowHash hash, Ticks now) const noexcept;

    // Frees the flow's place. `hash` is that of its key.
    void erase(FlowIndex index, FlowHash hash) noexcept;

    void set_deadline(FlowIndex index, Ticks deadline) noexcept;
    // What victim() goes by. A flow that has ended lingers for late packets only: as good as one
    // of a single packet.
    void set_several(FlowIndex index) noexcept;
    void set_answered(FlowIndex index) noexcept;
    void set_ended(FlowIndex index) noexcept;
    bool is_answered(FlowIndex index) const noexcept;

    // What starts the memory reads that find() waits for: the bucket first, and once the bucket is
    // here, the flow that its tag points at. Each belongs well ahead of the next.
    void prefetch_bucket(FlowHash hash) const noexcept { prefetch(&buckets_[home_of(hash)]); }

    // Which flow this hash means, as far as its home can tell; no_flow: none there. Good for
    // find() until the burst is over, also when flows have come and gone in between.
    FlowIndex guess(FlowHash hash) const noexcept;

    // For a hash whose guess() found nothing and whose flow may begin: asks for the bucket where it
    // goes if its home is full.
    void prefetch_other(FlowHash hash) const noexcept {
        if (buckets_[home_of(hash)].free_ways() == 0) {
            prefetch(&buckets_[other_of(hash)]);
        }
    }

    // The same, some packets later. Good for insert() until the burst is over.
    struct Elsewhere {
        FlowIndex flow = no_flow;   // may be the one, in the other bucket; if none, it is new ...
        FlowIndex place = no_flow;  // ... and goes here: free, or its victim()'s,
        std::uint16_t cost = 0;     // which is worth so much
        bool is_free = false;
    };
    // Asks memory for the flow, or for all that a new one needs there.
    Elsewhere look_elsewhere(FlowHash hash, Ticks now) const noexcept;

    // Whether the flow of `there.place` is still the one that was chosen to leave.
    bool still_leaves(const Elsewhere& there, Ticks now) const noexcept;

    Flow& flow(FlowIndex index) noexcept { return flow_at(number_of(index)); }
    std::size_t beside_octets() const noexcept { return stride_ - sizeof(Flow); }
    FlowOrigin& origin(FlowIndex index) noexcept {
        return origins_[static_cast<std::size_t>(index)];
    }

    // For expiry, which knows ahead what it will look at: a bucket's line; a flow with its origin.
    void prefetch_ways(std::size_t bucket) const noexcept { prefetch(&buckets_[bucket]); }
    void prefetch_flow(FlowIndex index) const noexcept {
        prefetch_lines(index);
        prefetch(&origins_[number_of(index)]);
    }

    // What expiry walks: buckets in groups, each with the earliest deadline it may hold.
    static constexpr std::size_t buckets_per_group = 64;
    std::size_t groups() const noexcept { return group_deadlines_.size(); }
    bool group_due(std::size_t group, Ticks now) const noexcept;
    std::span<const Ticks> bucket_deadlines(std::size_t group) const noexcept;
    const FlowBucket& bucket(std::size_t bucket) const noexcept { return buckets_[bucket]; }
    std::size_t buckets() const noexcept { return buckets_.size(); }
    static constexpr FlowIndex index_of(std::size_t bucket, std::size_t way) noexcept {
        return FlowIndex{static_cast<std::uint32_t>(bucket * FlowBucket::ways + way)};
    }
    // Works out the summaries again from the buckets' true deadlines.
    void summarise_bucket(std::size_t bucket, Ticks now) noexcept;
    void summarise_group(std::size_t group, Ticks now) noexcept;

    std::size_t flows() const noexcept { return used_; }
    std::size_t flows_max() const noexcept { return flows_max_; }  // as it was made for
    std::size_t places() const noexcept { return origins_.size(); }
    std::size_t octets() const noexcept { return region_.octets().size(); }
    Region::Pages pages() const noexcept { return region_.pages(); }

private:
    FlowTable(Region region, const Request& request) noexcept;

    // A flow with what is beside it.
    std::span<std::byte> record_at(std::size_t place) const noexcept {
        return flows_.subspan(place * stride_, stride_);
    }
    Flow& flow_at(std::size_t place) const noexcept {
        void* const first = &flows_[place * stride_];
        return *static_cast<Flow*>(first);
    }

    std::size_t home_of(FlowHash hash) const noexcept;
    std::size_t other_of(FlowHash hash) const noexcept;
    FlowIndex find_in(std::size_t bucket, std::uint16_t tag, const FlowKey& key) const noexcept;
    FlowIndex place_for(FlowHash hash) const noexcept;
    bool is_sound(std::size_t bucket, std::size_t way, FlowHash hash) const noexcept;
    void adopt_bucket(std::size_t bucket, const FlowHasher& hasher, Adopted& adopted) noexcept;
    bool take_bucket(const FlowTable& other, std::size_t bucket, const FlowHasher& hasher,
                     std::span<FlowIndex> moved) noexcept;
    void prefetch_lines(FlowIndex index) const noexcept;
    void note_deadline(std::size_t bucket, Ticks deadline) noexcept;

    Region region_;
    std::span<FlowBucket> buckets_;
    std::span<std::byte> flows_;  // each with what is beside it
    std::size_t stride_;          // from one to the next
    std::span<FlowOrigin> origins_;
    std::span<Ticks> bucket_deadlines_;  // no flow of bucket b is due before
    std::span<Ticks> group_deadlines_;   // no flow of group g is due before
    std::size_t used_ = 0;
    std::size_t flows_max_;
};

namespace detail {

constexpr std::uint32_t low_word(FlowHash hash) noexcept {
    return static_cast<std::uint32_t>(number_of(hash));
}
constexpr std::uint32_t high_word(FlowHash hash) noexcept {
    return static_cast<std::uint32_t>(number_of(hash) >> 32U);
}

// Bucket numbers take the high bits of both words of the hash, so the tag takes low ones.
constexpr std::uint16_t tag_of(FlowHash hash) noexcept {
    const std::uint32_t bits = (low_word(hash) & 0x7fU) | ((high_word(hash) & 0x7fU) << 7U);
    return static_cast<std::uint16_t>(bits | FlowBucket::in_use);
}

// A number below `count` for a random word, without a division (Lemire 2019).
constexpr std::size_t scaled(std::uint32_t word, std::size_t count) noexcept {
    return static_cast<std::size_t>((std::uint64_t{word} * count) >> 32U);
}

}  // namespace detail

// The functions of every packet, here so that they become part of the worker's loop.
inline std::size_t FlowTable::home_of(FlowHash hash) const noexcept {
    return detail::scaled(detail::low_word(hash), buckets_.size());
}

inline std::size_t FlowTable::other_of(FlowHash hash) const noexcept {
    return detail::scaled(detail::high_word(hash), buckets_.size());
}

inline FlowIndex FlowTable::find(const FlowKey& key, FlowHash hash) const noexcept {
    const std::size_t home = home_of(hash);
    const FlowIndex index = find_in(home, detail::tag_of(hash), key);
    if (index != no_flow || buckets_[home].guests == 0) [[likely]] {
        return index;
    }
    return find_in(other_of(hash), detail::tag_of(hash), key);
}

inline FlowIndex FlowTable::find_in(std::size_t bucket, std::uint16_t tag,
                                    const FlowKey& key) const noexcept {
    for (auto ways = buckets_[bucket].ways_with(tag); ways != 0; ways &= ways - 1) {
        const auto index = index_of(bucket, static_cast<std::size_t>(std::countr_zero(ways)));
        if (flow_at(number_of(index)).key == key) [[likely]] {
            return index;
        }
    }
    return no_flow;
}

inline FlowIndex FlowTable::find(const FlowKey& key, FlowHash hash,
                                 FlowIndex guess) const noexcept {
    // A place that was left has no key that a packet could have: see erase().
    if (guess != no_flow && flow_at(number_of(guess)).key == key) [[likely]] {
        return guess;
    }
    return find(key, hash);
}

inline FlowIndex FlowTable::guess(FlowHash hash) const noexcept {
    const std::size_t home = home_of(hash);
    const std::uint32_t ways = buckets_[home].ways_with(detail::tag_of(hash));
    if (ways == 0) [[unlikely]] {
        if (buckets_[home].guests != 0) {
            prefetch(&buckets_[other_of(hash)]);
        }
        return no_flow;
    }
    const auto index = index_of(home, static_cast<std::size_t>(std::countr_zero(ways)));
    prefetch_lines(index);
    return index;
}

[[gnu::always_inline]] inline void FlowTable::prefetch_lines(FlowIndex index) const noexcept {
    const Flow& flow = flow_at(number_of(index));
    prefetch(&flow.key);
    prefetch(&flow.sides);
}

}  // namespace tapmeter::flow
