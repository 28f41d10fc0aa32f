#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "pipeline/base/packet.h"
#include "src/metrics/law_sheet.h"
#include "src/metrics/packet_files.h"
#include "src/metrics/snapshot.h"
#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

// Between a queue and the books: the burst in the polling core's hand, and the one that a driver
// passes on at once (NAPI's budget is 64 too).
constexpr std::uint64_t packets_in_hand = 2 * burst_packets_max;
// No frame is longer, not even after the kernel's receive offload has joined segments.
constexpr std::uint64_t frame_octets_max = 65'535;

// Saturates: a product of allowances must not wrap into a small one.
std::uint64_t octets_of(std::uint64_t packets) noexcept {
    return packets > unbounded / frame_octets_max ? unbounded : packets * frame_octets_max;
}

// What lies between an interface's own counters, which a backend reads one after the other.
Allowance between_counters(const Snapshot::Interface& interface) {
    const std::uint64_t hands = packets_in_hand * interface.queues.size();
    return {.late = hands + interface.packets_meanwhile, .early = interface.packets_meanwhile};
}

void interface_laws(const Snapshot::Interface& interface, Sheet& sheet) {
    const CaptureCounters& counters = interface.counters;
    const Allowance allowance = between_counters(interface);

    sheet.about("interface " + interface.name, "offered",
                "offered = received + shunted + waiting + dropped + ignored");
    sheet.law("packets", counters.offered.value,
              counters.received.value + counters.shunted.value + counters.waiting.value +
                  sum(counters.dropped) + sum(counters.ignored),
              allowance);

    SourceCounters queues;
    for (const SourceCounters& queue : interface.queues) {
        queues.received += queue.received;
        queues.received_octets += queue.received_octets;
    }
    sheet.about("interface " + interface.name, "queues", "sum of the queues = received");
    // The queues are read before the counters, so they may lack what came meanwhile.
    const Allowance apart{.late = packets_in_hand * interface.queues.size(),
                          .early = interface.packets_meanwhile};
    sheet.law("packets", queues.received.value, counters.received.value, apart);
    sheet.law("octets", queues.received_octets.value, counters.received_octets.value,
              {.late = octets_of(apart.late), .early = octets_of(apart.early)});
}

// From the queues of all interfaces to the books of all workers.
void received_laws(const Snapshot& snapshot, Sheet& sheet) {
    SourceCounters sources;
    SourceCounters workers;
    std::uint64_t late = packets_in_hand * snapshot.workers.size();
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        sources.received += interface.counters.received;
        sources.received_octets += interface.counters.received_octets;
        late += between_counters(interface).late;
    }
    for (const Snapshot::Worker& worker : snapshot.workers) {
        workers.received += Packets{worker.books.received_packets};
        workers.received_octets += Octets{worker.books.received_octets};
    }
    sheet.about("workers", "received",
                "received by the interfaces = received by the workers + waiting in steering rings");
    sheet.law("packets", sources.received.value, workers.received.value + snapshot.steering_waiting,
              {.late = late});
    // The octets of packets in a steering ring are in no account: they count as late.
    sheet.law("octets", sources.received_octets.value, workers.received_octets.value,
              {.late = octets_of(late + snapshot.steering_waiting)});
}

// From the interfaces through the shunt to the books of all workers. Once settled, nothing waits.
void shunted_laws(const Snapshot& snapshot, Sheet& sheet) {
    const Traffic folded = all_workers(snapshot).folded;
    const std::uint64_t waiting = snapshot.settled ? 0 : snapshot.shunt_waiting;
    Packets shunted;
    Octets octets;
    Allowance allowance;
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        shunted += interface.counters.shunted;
        octets += interface.counters.shunted_octets;
        allowance.late += between_counters(interface).late;
        // Counted for its flow first, then for the interface.
        allowance.early += between_counters(interface).late;
    }
    sheet.about("workers", "shunted",
                "shunted by the interfaces = folded by the workers + waiting in the shunt");
    sheet.law("packets", shunted.value, folded.packets + waiting, allowance);
    // The octets of packets that wait in the shunt are in no account: they count as late.
    sheet.law("octets", octets.value, folded.layer2_octets,
              {.late = octets_of(allowance.late + waiting), .early = octets_of(allowance.early)});
}

// A worker's books are published whole: these hold at every look, in flight or not.
void traffic_laws(const WorkerBooks& books, const std::string& worker, Sheet& sheet) {
    const Traffic ignored = sum_of(books.ignored);
    sheet.about(worker, "decoded",
                "received + folded = metered + ignored + non_ip + undecoded + waiting");
    sheet.law("packets", books.received_packets + books.folded.packets,
              books.metered.packets + ignored.packets + sum(books.non_ip) + sum(books.undecoded) +
                  books.waiting.packets);
    sheet.law("layer-2 octets", books.received_octets + books.folded.layer2_octets,
              books.metered.layer2_octets + ignored.layer2_octets + books.unmetered_octets +
                  books.waiting.layer2_octets);

    Traffic found = books.emitted;
    found += books.refused;
    found += books.in_table;
    Traffic put_in = books.metered;
    put_in += books.adopted;
    sheet.about(worker, "metered", "metered + adopted = emitted + refused + in_table");
    sheet.law("packets", put_in.packets, found.packets);
    sheet.law("octets", put_in.octets, found.octets);
    sheet.law("layer-2 octets", put_in.layer2_octets, found.layer2_octets);

    const Traffic left_behind = books.flows_active == 0 ? books.in_table : Traffic{};
    sheet.about(worker, "table_empty", "in_table = 0 once no flow is active");
    sheet.law("packets", left_behind.packets, 0);
    sheet.law("octets", left_behind.octets, 0);
    sheet.law("layer-2 octets", left_behind.layer2_octets, 0);
}

void flow_laws(const WorkerBooks& books, const std::string& worker, Sheet& sheet) {
    sheet.about(worker, "flows", "flows_created + flows_adopted = flows_active + flows_ended");
    sheet.law("flows", books.flows_created + books.flows_adopted,
              books.flows_active + sum(books.flows_ended));

    const inspect::InspectionBooks& inspection = books.inspection;
    sheet.about(worker, "inspected", "flows inspected = undecided + ended{result}");
    sheet.law("flows", inspection.flows, inspection.undecided + sum(inspection.ended));

    const inspect::SignatureBooks& signatures = inspection.signatures;
    sheet.about(worker, "alerts", "alerts raised = emitted + refused + suppressed");
    sheet.law("alerts", signatures.raised,
              signatures.emitted + signatures.refused + signatures.suppressed);

    const flow::AnalyticsBooks& analytics = books.analytics;
    sheet.about(worker, "segments", "TCP segments = looked at + skipped{reason}");
    sheet.law("segments", analytics.segments,
              analytics.segments_seen + sum(analytics.segments_skipped));

    sheet.about(worker, "records",
                "flows_ended + active_cuts = records_emitted + records_refused + ended_empty");
    sheet.law("records", sum(books.flows_ended) + books.active_cuts,
              sum(books.records_emitted) + books.records_refused + books.ended_empty);
}

// From worker k's books through its ring to the exporter core.
void ring_laws(const Snapshot::Worker& worker, const Snapshot::Ring& ring, std::string name,
               Sheet& sheet) {
    const std::uint64_t emitted = sum(worker.books.records_emitted);
    sheet.about(std::move(name), "ring", "emitted by the worker = taken by the exporter + waiting");
    // `waiting` is read before `taken`: what the exporter took in between is in both.
    sheet.law("records", emitted, ring.taken.records + ring.waiting,
              {.late = ring.capacity + worker.records_meanwhile,
               .early = emitted >= ring.taken.records ? ring.waiting : 0});
    // A record holds any number of packets, so nothing bounds what is late; but once every record
    // was taken, so were its packets.
    const Allowance missing{.late = emitted > ring.taken.records ? unbounded : 0};
    sheet.law("packets", worker.books.emitted.packets, ring.taken.packets, missing);
    sheet.law("octets", worker.books.emitted.octets, ring.taken.octets, missing);
    sheet.law("alerts", worker.books.inspection.signatures.emitted,
              ring.taken.alerts + ring.alerts_waiting, {.late = unbounded, .early = unbounded});
}

exporting::RecordTotals plus(exporting::RecordTotals a, const exporting::RecordTotals& b) {
    a.records += b.records;
    a.packets += b.packets;
    a.octets += b.octets;
    a.alerts += b.alerts;
    return a;
}

exporting::RecordTotals minus(exporting::RecordTotals a, const exporting::RecordTotals& b) {
    a.records -= b.records;
    a.packets -= b.packets;
    a.octets -= b.octets;
    a.alerts -= b.alerts;
    return a;
}

// An output's account is published whole.
void output_laws(const Snapshot::Output& output, Sheet& sheet) {
    const exporting::OutputCounters& counters = output.counters;
    exporting::RecordTotals found = plus(plus(counters.encoding, counters.queued), counters.sent);
    found = plus(plus(plus(found, counters.left_out), counters.elsewhere), counters.spooled);
    found = plus(found, counters.handed_on);
    for (const exporting::RecordTotals& dropped : counters.dropped) {
        found = plus(found, dropped);
    }
    sheet.about("output " + output.name, "output",
                "taken + recovered + inherited = left_out + elsewhere + handed_on + encoding + "
                "queued + spooled + sent + dropped");
    const exporting::RecordTotals given =
        plus(plus(counters.taken, counters.recovered), counters.inherited);
    sheet.law("records", given.records, found.records);
    sheet.law("packets", given.packets, found.packets);
    sheet.law("octets", given.octets, found.octets);
    sheet.law("alerts", given.alerts, found.alerts);
    const exporting::PacketSamples& samples = counters.samples;
    if (samples.one_in != 0) {
        sheet.about("output " + output.name, "samples",
                    "packets chosen = waiting + sent + send_error + not_expressible");
        sheet.law("samples", samples.taken,
                  samples.sent + samples.send_error + samples.not_expressible,
                  {.late = samples.waiting});
    }
}

// Of a group of collectors each record has one, and one alone. Those that not all of them have been
// given yet may be missing.
void group_laws(const Snapshot& snapshot, Sheet& sheet) {
    std::map<std::string_view, std::vector<const exporting::OutputCounters*>> groups;
    for (const Snapshot::Output& output : snapshot.outputs) {
        if (!output.counters.group.empty()) {
            groups[output.counters.group].push_back(&output.counters);
        }
    }
    for (const auto& [name, members] : groups) {
        exporting::RecordTotals claimed;
        std::uint64_t handed_on = 0;
        std::uint64_t inherited = 0;
        std::uint64_t least = unbounded;
        std::uint64_t most = 0;
        for (const exporting::OutputCounters* member : members) {
            claimed = plus(claimed, minus(member->taken, member->elsewhere));
            handed_on += member->handed_on.records;
            inherited += member->inherited.records;
            least = std::min(least, member->taken.records);
            most = std::max(most, member->taken.records);
        }
        sheet.about("group " + std::string(name), "group",
                    "taken = sum over the collectors of what is not elsewhere");
        sheet.law("records", most, claimed.records, {.late = most - least});
        // A message is given first, and read in any order.
        sheet.about("group " + std::string(name), "group", "handed_on = inherited");
        sheet.law("moved", handed_on, inherited, {.late = unbounded, .early = unbounded});
    }
}

// The exporter core gives every record of every ring to every output.
void exporter_laws(const Snapshot& snapshot, Sheet& sheet) {
    exporting::RecordTotals taken;
    Allowance allowance;
    for (const Snapshot::Ring& ring : snapshot.rings) {
        taken = plus(taken, ring.taken);
        allowance.late += ring.capacity;  // the batch in the exporter core's hand
        allowance.early += ring.waiting;  // given to the output, its slots not yet given back
    }
    for (const Snapshot::Worker& worker : snapshot.workers) {
        allowance.late += worker.records_meanwhile;
    }
    for (const Snapshot::Output& output : snapshot.outputs) {
        sheet.about("output " + output.name, "exporter",
                    "taken from the rings = taken by the output");
        sheet.law("records", taken.records, output.counters.taken.records, allowance);
    }
}

// From the wire to the flow tables.
void whole_law(const Snapshot& snapshot, Sheet& sheet) {
    std::uint64_t offered = 0;
    std::uint64_t found =
        snapshot.steering_waiting + (snapshot.settled ? 0 : snapshot.shunt_waiting);
    Allowance allowance{.late = packets_in_hand * snapshot.workers.size()};
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        const CaptureCounters& counters = interface.counters;
        offered += counters.offered.value;
        found += counters.waiting.value + sum(counters.dropped) + sum(counters.ignored);
        allowance.late += between_counters(interface).late;
        allowance.early += between_counters(interface).early;
    }
    for (const Snapshot::Worker& worker : snapshot.workers) {
        found += worker.books.metered.packets + sum_of(worker.books.ignored).packets +
                 sum(worker.books.non_ip) + sum(worker.books.undecoded) +
                 worker.books.waiting.packets;
    }
    sheet.about("appliance", "whole",
                "offered = metered + non_ip + undecoded + dropped + ignored + waiting");
    sheet.law("packets", offered, found, allowance);
}

}  // namespace

std::vector<Law> laws(const Snapshot& snapshot) {
    Sheet sheet(snapshot.settled);
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        interface_laws(interface, sheet);
    }
    received_laws(snapshot, sheet);
    shunted_laws(snapshot, sheet);
    for (std::size_t k = 0; k < snapshot.workers.size(); ++k) {
        const std::string name = "worker " + std::to_string(k);
        traffic_laws(snapshot.workers[k].books, name, sheet);
        flow_laws(snapshot.workers[k].books, name, sheet);
        packet_file_laws(snapshot, k, sheet);
    }
    const std::size_t rings = std::min(snapshot.rings.size(), snapshot.workers.size());
    for (std::size_t k = 0; k < rings; ++k) {
        ring_laws(snapshot.workers[k], snapshot.rings[k], "ring " + std::to_string(k), sheet);
    }
    for (const Snapshot::Output& output : snapshot.outputs) {
        output_laws(output, sheet);
    }
    group_laws(snapshot, sheet);
    if (!snapshot.rings.empty()) {
        exporter_laws(snapshot, sheet);
    }
    packet_file_laws(snapshot, sheet);
    whole_law(snapshot, sheet);
    return sheet.take();
}

bool balanced(const std::vector<Law>& laws) {
    return std::ranges::none_of(laws, [](const Law& law) { return law.imbalance != 0; });
}

}  // namespace tapmeter::metrics
