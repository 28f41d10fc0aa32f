#pragma once

#include <memory>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/region.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/flow_hash.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::flow {

// Tells copies of a packet, as a SPAN port sends them that mirrors both sides of a switch, from new
// packets: by a keyed hash of the IP packet and by time. A copy has the same IP header, but for
// what a router changes (TTL or hop limit, type of service, header checksum), and the same octets
// behind it, as far as they are looked at.
//
// What a sender itself sends twice within the window, octet by octet (Identification too), is taken
// for a copy: a pure acknowledgement of a host that numbers no datagrams, for one.
class Duplicates {
public:
    struct Settings {
        // By Observation Point: copies come so much later at most; 0: copies are packets.
        std::vector<Nanoseconds> windows;
        bool populate = false;

        bool any() const noexcept;
    };
    static constexpr std::size_t octets_looked_at = 128;   // of the IP packet
    static constexpr std::size_t packets_max = 1U << 18U;  // remembered

    // errors  no_memory
    static Result<std::unique_ptr<Duplicates>> make(const Settings& settings,
                                                    const HashKey& secret);
    static std::uint64_t octets_for(const Settings& settings) noexcept;

    // True for a copy. Any other packet is remembered.
    // ip  from the IP header on, as captured, without what the link added behind it
    bool is_copy(Bytes ip, const Observation& packet) noexcept;

    // Packets forgotten within the window for want of room: a copy of theirs passed for a packet.
    std::uint64_t forgotten() const noexcept { return forgotten_; }

private:
    static constexpr std::size_t ways = 4;  // a set is a cache line
    struct Slot {
        std::uint64_t print = 0;  // 0: free
        ObservedAt at{};
    };

    Duplicates(Settings settings, const HashKey& secret, Region region);
    std::uint64_t print_of(Bytes ip, const Observation& packet) const noexcept;

    Settings settings_;
    FlowHasher hasher_;
    Region region_;
    std::span<Slot> slots_;
    std::uint64_t forgotten_ = 0;
};

}  // namespace tapmeter::flow
