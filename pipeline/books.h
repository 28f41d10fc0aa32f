#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "pipeline/base/fates.h"
#include "pipeline/decode/encapsulation.h"
#include "pipeline/decode/tunnel.h"
#include "pipeline/estimate.h"
#include "pipeline/flow/analytics_books.h"
#include "pipeline/flow/flow_record.h"
#include "pipeline/flow/fragments.h"
#include "pipeline/inspect/inspection_books.h"
#include "pipeline/load.h"
#include "pipeline/saving_books.h"

namespace tapmeter {

// Packets and octets that belong together. `octets` is layer 3, `layer2_octets` the whole frames
// without FCS.
struct Traffic {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    std::uint64_t layer2_octets = 0;

    constexpr Traffic& operator+=(const Traffic& other) noexcept {
        packets += other.packets;
        octets += other.octets;
        layer2_octets += other.layer2_octets;
        return *this;
    }
    constexpr Traffic& operator-=(const Traffic& other) noexcept {
        packets -= other.packets;
        octets -= other.octets;
        layer2_octets -= other.layer2_octets;
        return *this;
    }
    constexpr bool operator==(const Traffic&) const = default;
};

// Both directions of a record together.
constexpr Traffic traffic_of(const flow::FlowRecord& record) noexcept {
    return {
        .packets = record.forward.packets.value + record.reverse.packets.value,
        .octets = record.forward.octets.value + record.reverse.octets.value,
        .layer2_octets = record.forward.layer2_octets.value + record.reverse.layer2_octets.value};
}

inline constexpr std::size_t burst_size_buckets = 5;  // 1, to 8, to 32, to 63, 64

// The account of one worker: written by it alone, published whole at the end of every burst, so
// that these laws hold exactly at every look:
//   received + folded = metered + sum(ignored) + sum(non_ip) + sum(undecoded) + waiting
//   metered + adopted = emitted + refused + in_table (packets, octets, layer-2 octets)
//   flows_created + flows_adopted = flows_active + sum(flows_ended)
//   records_emitted + records_refused = sum(flows_ended) + active_cuts - ended_empty
// `in_table` is kept apart from the others: it falls by what a leaving record says, and must be
// zero once the table is empty.
struct WorkerBooks {
    std::uint64_t received_packets = 0;
    std::uint64_t received_octets = 0;  // layer 2
    Traffic folded{};                   // of shunted flows: counted before the worker, metered here
    Traffic metered{};
    std::array<Traffic, left_out_reasons> ignored{};
    std::array<std::uint64_t, non_ip_kinds> non_ip{};
    std::array<std::uint64_t, undecoded_reasons> undecoded{};
    std::uint64_t unmetered_octets = 0;  // layer 2 octets of the non_ip and undecoded packets

    // What an earlier process had metered and left in the flow table when it ended unasked.
    Traffic adopted{};
    std::uint64_t flows_adopted = 0;
    std::uint64_t flows_unsound = 0;  // in the table too, but let go of: their record was damaged

    std::uint64_t flows_created = 0;
    std::uint64_t flows_active = 0;
    std::array<std::uint64_t, flow::flow_end_reasons> flows_ended{};  // active_timeout stays 0
    std::uint64_t active_cuts = 0;  // records cut by the active timeout; the flow went on
    std::uint64_t ended_empty = 0;  // flows that ended with nothing since their last cut: no record
    std::array<std::uint64_t, flow::flow_end_reasons> records_emitted{};  // taken by the ring
    std::uint64_t descriptions_refused = 0;  // of emitted records: what belongs beside them
    std::uint64_t reports_refused = 0;  // of emitted records likewise: of TCP, tunnels, behaviour
    std::uint64_t records_refused = 0;  // the ring was full
    Traffic emitted{};
    Traffic refused{};
    Traffic in_table{};

    Traffic aggregated{};                  // of `metered`: into aggregates instead of own flows
    std::uint64_t aggregates_created = 0;  // of flows_created
    std::uint64_t aggregates_active = 0;   // of flows_active
    std::uint64_t evicted_unanswered = 0;  // of flows_ended{lack_of_resources}
    std::uint64_t evicted_answered = 0;    // likewise: both ends had sent
    SampledTotals sampled{};               // of the flows that stand for others

    std::uint64_t load_state = 0;                           // LoadState
    std::uint64_t load_causes = 0;                          // bit c: LoadCause c
    std::array<std::uint64_t, load_states> load_entered{};  // how often each state began
    std::uint64_t new_flows_per_second = 0;                 // in the last window
    std::uint64_t shed_level = 0;
    std::uint64_t sampling_exponent = 0;  // 1 in 2^k of the flows that begin is metered

    std::uint64_t flows_shunted = 0;    // each time that a flow was
    std::uint64_t flows_unshunted = 0;  // each time that one was no longer
    std::uint64_t shunts_refused = 0;   // large flows that found no place in the shunt

    inspect::InspectionBooks inspection{};
    flow::AnalyticsBooks analytics{};
    SavingBooks saving{};
    HistoryBooks history{};
    std::uint64_t duplicates_forgotten = 0;  // packets whose copies could not be told any more

    std::uint64_t first_fragments = 0;  // with ports
    std::uint64_t later_fragments = 0;  // without
    flow::FragmentCounts fragments{};
    Traffic waiting{};  // later fragments that wait for their first: received, not yet metered
    // Packets that passed at least one layer of a kind, whether it was entered or not.
    std::array<std::uint64_t, decode::encapsulation_kinds> encapsulated{};
    // Packets by why they are metered by a header in front of a tunnel, or of one more tunnel.
    std::array<std::uint64_t, decode::not_entered_reasons> not_entered{};
    std::uint64_t turns = 0;
    std::uint64_t bursts = 0;  // that brought at least one packet
    std::array<std::uint64_t, burst_size_buckets> burst_sizes{};
    std::uint64_t busy_cycles = 0;       // of the CPU's time stamp counter, in turns with packets
    std::uint64_t cycles = 0;            // of all turns
    std::uint64_t newest_packet_ns = 0;  // time of the newest packet, since 1970-01-01 UTC
};
static_assert(std::is_trivially_copyable_v<WorkerBooks>);

}  // namespace tapmeter
