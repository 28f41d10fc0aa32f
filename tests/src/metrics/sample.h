#pragma once

#include "src/metrics/snapshot.h"

namespace tapmeter::metrics {

// The books of one worker with every account in use:
//   800 received + 200 folded = 900 metered + 20 ignored + 40 ARP + 40 truncated
//   900 metered = 700 emitted + 50 refused + 150 in the table
//   30 flows created = 8 active + 22 ended; 22 + 3 cuts = 20 emitted + 2 refused + 3 empty
inline WorkerBooks sample_books() {
    WorkerBooks books;
    books.received_packets = 800;
    books.received_octets = 81'000;
    books.folded = {.packets = 200, .octets = 17'200, .layer2_octets = 20'000};
    books.metered = {.packets = 900, .octets = 80'000, .layer2_octets = 95'000};
    books.ignored[0] = {.packets = 20, .octets = 1'600, .layer2_octets = 2'000};
    books.non_ip[index_of(NonIp::arp)] = 40;
    books.undecoded[index_of(Undecoded::truncated)] = 40;
    books.unmetered_octets = 4'000;
    books.flows_created = 30;
    books.flows_active = 8;
    books.flows_ended[index_of(flow::FlowEndReason::idle_timeout)] = 15;
    books.flows_ended[index_of(flow::FlowEndReason::end_of_flow)] = 7;
    books.active_cuts = 3;
    books.flows_shunted = 6;
    books.flows_unshunted = 4;
    books.shunts_refused = 2;
    books.ended_empty = 3;
    books.records_emitted[index_of(flow::FlowEndReason::idle_timeout)] = 17;
    books.records_emitted[index_of(flow::FlowEndReason::active_timeout)] = 3;
    books.records_refused = 2;
    books.emitted = {.packets = 700, .octets = 60'000, .layer2_octets = 71'000};
    books.refused = {.packets = 50, .octets = 5'000, .layer2_octets = 6'000};
    books.in_table = {.packets = 150, .octets = 15'000, .layer2_octets = 18'000};
    books.aggregated = {.packets = 300, .octets = 20'000, .layer2_octets = 26'000};
    books.aggregates_created = 4;
    books.aggregates_active = 1;
    books.evicted_unanswered = 6;
    books.evicted_answered = 1;
    books.sampled = {.flows = {.counted = 2, .estimated = 8, .variance = 24},
                     .packets = {.counted = 50, .estimated = 200, .variance = 10'000},
                     .octets = {.counted = 900, .estimated = 3'600, .variance = 810'000}};
    books.load_state = static_cast<std::uint64_t>(LoadState::hot);
    books.load_causes = 0b0110;  // ring, backlog
    books.load_entered = {1, 2, 3, 0};
    books.new_flows_per_second = 700;
    books.shed_level = 2;
    books.sampling_exponent = 2;
    books.inspection.flows = 12;
    books.inspection.undecided = 2;
    books.inspection.ended = {0, 0, 4, 3, 1, 1, 1, 0};
    books.inspection.labels = {3, 2, 1, 0, 4};
    books.analytics.segments = 600;
    books.analytics.segments_seen = 560;
    books.analytics.segments_skipped = {20, 9, 5, 4, 2};
    books.analytics.connections = {3, 4, 1, 2, 9};
    books.analytics.tcp.retransmissions = 12;
    books.analytics.tcp.fast_retransmissions = 4;
    books.analytics.tcp.spurious_retransmissions = 3;
    books.analytics.round_trips = {8, 5, 3, 1, 1, 0};
    books.analytics.round_trip_us = 900'000;
    books.analytics.tunnels_kept = 6;
    books.analytics.tunnels_in_use = 2;
    books.first_fragments = 5;
    books.later_fragments = 4;
    books.fragments = {.attributed = 3, .waited = 1, .orphaned = 1, .overlapping = 2};
    books.encapsulated[index_of(decode::Encapsulation::vxlan)] = 12;
    books.not_entered[index_of(decode::NotEntered::implausible)] = 3;
    books.bursts = 100;
    books.burst_sizes = {40, 30, 20, 9, 1};
    books.busy_cycles = 250;
    books.cycles = 1'000;
    return books;
}

inline Snapshot::Interface sample_interface(std::string name) {
    Snapshot::Interface interface;
    interface.name = std::move(name);
    interface.describe = "a test's interface, 2 queues";
    CaptureCounters& counters = interface.counters;
    counters.offered = Packets{1'140};
    counters.received = Packets{800};
    counters.received_octets = Octets{81'000};
    counters.shunted = Packets{200};
    counters.shunted_octets = Octets{20'000};
    counters.dropped[index_of(Dropped::rx_missed)] = 70;
    counters.dropped[index_of(Dropped::no_buffer)] = 20;
    counters.ignored[index_of(Ignored::sampling)] = 50;
    counters.link_speed_bits = 10'000'000'000;
    interface.queues = {{.received = Packets{400}, .received_octets = Octets{40'000}},
                        {.received = Packets{400}, .received_octets = Octets{41'000}}};
    interface.device_queues = {{.packets = 650, .octets = 65'000, .errors = 1, .missed = 2},
                               {.packets = 420, .octets = 43'000, .errors = 3, .missed = 4}};
    return interface;
}

inline Snapshot::Output sample_output(std::string name) {
    Snapshot::Output output;
    output.name = std::move(name);
    exporting::OutputCounters& counters = output.counters;
    counters.taken = {.records = 40, .packets = 1'400, .octets = 120'000};
    counters.recovered = {.records = 5, .packets = 50, .octets = 5'000};
    counters.spooled = {.records = 5, .packets = 50, .octets = 5'000};
    counters.encoding = {.records = 4, .packets = 100, .octets = 10'000};
    counters.queued = {.records = 6, .packets = 200, .octets = 20'000};
    counters.sent = {.records = 25, .packets = 1'000, .octets = 80'000};
    counters.dropped[0] = {.records = 3, .packets = 60, .octets = 6'000};
    counters.dropped[1] = {.records = 2, .packets = 40, .octets = 4'000};
    counters.messages = 5;
    counters.message_octets = 2'500;
    counters.templates = 2;
    return output;
}

// Two interfaces, two workers, two rings, two outputs; every law holds to the packet, and nothing
// waits between two threads.
inline Snapshot sample_snapshot() {
    Snapshot snapshot;
    snapshot.interfaces = {sample_interface("p0"), sample_interface("p1")};
    for (int k = 0; k < 2; ++k) {
        Snapshot::Worker worker;
        worker.books = sample_books();
        worker.flows_max = 1'024;
        worker.table_octets = 262'144;
        worker.core = k == 0 ? 3 : -1;
        snapshot.workers.push_back(worker);
        snapshot.rings.push_back({.capacity = 256,
                                  .waiting = 0,
                                  .taken = {.records = 20, .packets = 700, .octets = 60'000}});
    }
    snapshot.outputs = {sample_output("ipfix/main"), sample_output("json/file")};
    snapshot.settled = true;
    snapshot.uptime_seconds = 12.5;
    snapshot.start_time_seconds = 1'763'633'330;
    return snapshot;
}

}  // namespace tapmeter::metrics
