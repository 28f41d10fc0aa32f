#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/decode/headers.h"
#include "pipeline/flow/flow_hash.h"
#include "pipeline/flow/flow_key.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::flow {

// What happened to fragments; each fragment is metered whatever happens.
struct FragmentCounts {
    std::uint64_t attributed = 0;   // later ones metered with the ports of their first
    std::uint64_t waited = 0;       // of these: came before their first
    std::uint64_t orphaned = 0;     // metered without ports: the first did not come in time
    std::uint64_t overlapping = 0;  // cover octets that another one has covered, duplicates too
    std::uint64_t beyond_end = 0;   // of a datagram longer than IP allows
    std::uint64_t too_many = 0;     // more of one datagram than fragments_per_datagram_max
    std::uint64_t table_full = 0;   // no room to wait, or their datagram was forgotten for another

    constexpr FragmentCounts& operator+=(const FragmentCounts& other) noexcept {
        attributed += other.attributed;
        waited += other.waited;
        orphaned += other.orphaned;
        overlapping += other.overlapping;
        beyond_end += other.beyond_end;
        too_many += other.too_many;
        table_full += other.table_full;
        return *this;
    }
    constexpr bool operator==(const FragmentCounts&) const = default;

    // Each count and its name, as metrics print them.
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> named() const noexcept {
        return {{{"attributed", attributed},
                 {"waited", waited},
                 {"orphaned", orphaned},
                 {"overlapping", overlapping},
                 {"beyond_end", beyond_end},
                 {"too_many", too_many},
                 {"table_full", table_full}}};
    }
};

// A fragment that was the last one missing of its datagram, as Fragments::see() found.
constexpr bool completes_datagram(const Observation& packet) noexcept {
    return packet.transport_at == 0 && packet.transport_octets != 0;
}

// Finds the flow of fragments that carry no transport header: whichever of a datagram's fragments
// comes first, the others wait for the one that has the ports, within bounds. Nothing is joined.
//
// Memory is taken at the start. Datagrams are found by a keyed hash in buckets of a few places; a
// full bucket forgets the datagram that was heard of first. Times are packet times. One worker's
// thread: steering brings all fragments between two addresses to one worker, so what happens to
// them does not depend on the number of workers while no bound is reached.
class Fragments {
public:
    static constexpr std::size_t ways = 8;
    static constexpr unsigned fragments_per_datagram_max = 64;

    struct Settings {
        std::size_t datagrams_max = 8'192;  // known at one time; rounded up to whole buckets
        std::size_t waiting_max = 2'048;    // fragments that wait at one time
        Nanoseconds wait = std::chrono::milliseconds(500);  // of a later fragment, for its first
        Nanoseconds hold = std::chrono::seconds(30);        // a datagram is remembered
    };

    Fragments(const Settings& settings, const FlowHasher& hasher);

    enum class Verdict : std::uint8_t {
        meter,       // now, as `key` and `packet` say
        meter_then,  // now, and behind it take_follower() until there is none
        wait,        // kept: it comes back from take_follower() or take_due()
    };

    // A fragment: headers.fragment is not none, `key` and `packet` are what they say alone.
    // key, packet  become those of the datagram's flow where that is known; the packet tells
    //              whether it completes_datagram()
    // counts       gets what happened
    Verdict see(const decode::Headers& headers, FlowKey& key, Observation& packet,
                FragmentCounts& counts) noexcept;

    struct Waited {
        FlowKey key{};
        Observation packet{};
        ObservedAt due{};  // until when it was to wait
    };

    // The next of the fragments that waited for the first one just seen. False: no more.
    bool take_follower(Waited& to, FragmentCounts& counts) noexcept;

    // The next fragment that has waited until `now` for nothing. False: none.
    bool take_due(ObservedAt now, Waited& to, FragmentCounts& counts) noexcept;

    // take_due() has nothing before this time.
    ObservedAt next_due() const noexcept { return next_due_; }

    std::size_t waiting() const noexcept { return waiting_count_; }
    std::size_t octets() const noexcept;

private:
    struct Covered {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };
    struct Datagram {
        FlowKey key{};   // addresses as sent, identification in place of ports
        FlowKey flow{};  // meant where `known`
        ObservedAt seen{};
        std::array<Covered, 4> covered{};  // apart from each other, in no order
        std::uint32_t pieces = 0;          // of `covered`, in use
        std::uint32_t end = 0;             // of the datagram; 0: its last fragment was not seen
        std::uint32_t first_waiting = nobody;
        std::uint32_t last_waiting = nobody;
        std::uint32_t generation = 0;  // a place's number of datagrams, so that links grow stale
        std::uint16_t fragments = 0;
        Sender sender = Sender::low;
        bool in_use = false;
        bool known = false;
        bool scattered = false;  // more pieces than are kept: overlaps are no longer seen
    };
    struct Waiting {
        Waited what{};
        std::uint32_t datagram = 0;
        std::uint32_t generation = 0;
        std::uint32_t next = nobody;   // of the same datagram
        std::uint32_t older = nobody;  // of all
        std::uint32_t newer = nobody;  // of all; of a free place the next free one
    };
    static constexpr std::uint32_t nobody = 0xffff'ffff;

    Datagram& find_or_make(const FlowKey& key, ObservedAt at, FragmentCounts& counts) noexcept;
    void begin(Datagram& datagram, const FlowKey& key, ObservedAt at) noexcept;
    static void note_part(Datagram& datagram, const decode::FragmentPart& part, Observation& packet,
                          FragmentCounts& counts) noexcept;
    static bool overlaps(const Datagram& datagram, const Covered& part) noexcept;
    static void cover(Datagram& datagram, Covered part) noexcept;
    static bool is_whole(const Datagram& datagram) noexcept;
    Verdict see_first(Datagram& datagram, const decode::Headers& headers, const FlowKey& key,
                      const Observation& packet) noexcept;
    bool append(Datagram& datagram, const FlowKey& key, const Observation& packet) noexcept;
    void leave(std::uint32_t place) noexcept;
    std::uint32_t index_of(const Datagram& datagram) const noexcept {
        return static_cast<std::uint32_t>(&datagram - datagrams_.data());
    }

    FlowHasher hasher_;
    Nanoseconds wait_;
    Nanoseconds hold_;
    std::vector<Datagram> datagrams_;
    std::vector<Waiting> waiting_;  // places: linked in order of arrival, or free
    std::uint32_t oldest_ = nobody;
    std::uint32_t newest_ = nobody;
    std::uint32_t free_ = 0;
    std::size_t waiting_count_ = 0;
    ObservedAt last_due_{};  // dues never fall, also where a capture runs backwards
    ObservedAt next_due_ = ObservedAt::max();
    std::uint32_t follower_ = nobody;  // of `followed_`
    std::uint32_t followed_ = 0;
};

}  // namespace tapmeter::flow
