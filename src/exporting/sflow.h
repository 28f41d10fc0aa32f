#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/flow/own_sessions.h"
#include "pipeline/packet_sampler.h"
#include "src/exporting/metering_report.h"

namespace tapmeter::exporting {

inline constexpr std::uint32_t sflow_version = 5;
// Ethernet, IPv6, UDP and a tunnel leave so much of 1,500 octets.
inline constexpr std::size_t sflow_datagram_octets_max = 1'400;

// Whether sFlow has a word for such frames (sflow_version_5.txt, enum header_protocol).
bool is_expressible_in_sflow(const PacketSample& sample) noexcept;

// One datagram of sFlow version 5 (sflow.org/sflow_version_5.txt) in the making. One thread.
//
// What is not known is told as not known: where a packet went, of counters all that a port which
// only receives does not count, kinds of errors.
class SflowDatagram {
public:
    struct Agent {
        flow::Endpoint address{};     // of which the port says nothing
        std::uint8_t ip_version = 4;  // 4 or 6
    };
    // Of one data source: an interface.
    struct Source {
        std::uint32_t index = 0;     // of the interface, from 1
        std::uint32_t sequence = 0;  // of its samples of this kind, from 1
    };
    struct Sampling {
        std::uint32_t one_in = 1;
        std::uint32_t pool = 0;   // packets that could have been chosen
        std::uint32_t drops = 0;  // chosen, but lost before they came here
    };

    explicit SflowDatagram(const Agent& agent);

    // A flow sample: the packet's first octets, and its outermost VLAN tag. False: there is no
    // room; finish() first. An empty datagram takes any one.
    [[nodiscard]] bool add(const Source& source, const Sampling& sampling,
                           const PacketSample& sample);
    // A counters sample: of any interface, and of Ethernet.
    [[nodiscard]] bool add(const Source& source, const MeteringTotals& totals);

    bool empty() const noexcept { return samples_ == 0; }

    // Completes it; valid until begin().
    Bytes finish(std::uint32_t sequence, std::uint32_t uptime_ms) noexcept;
    void begin() noexcept;

private:
    bool has_room(std::size_t octets) const noexcept;
    void add_generic_counters(std::uint32_t index, const MeteringTotals& totals);
    void append(std::uint32_t number);
    void append_wide(std::uint64_t number);
    void append_unknown(std::size_t numbers);
    void append_padded(Bytes octets);

    std::vector<std::byte> octets_;
    std::size_t header_octets_ = 0;
    std::uint32_t samples_ = 0;
};

}  // namespace tapmeter::exporting
