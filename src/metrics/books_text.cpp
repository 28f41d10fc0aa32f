#include "src/metrics/books_text.h"

#include <fmt/format.h>

#include <iterator>

#include "src/metrics/lag.h"
#include "src/metrics/packet_samples.h"
#include "src/metrics/shown_text.h"
#include "src/metrics/totals.h"

namespace tapmeter::metrics {

namespace {

class Page {
public:
    void heading(std::string_view what, std::string_view remark = {}) {
        const std::string line = fmt::format("{:<24}{}", shown(what), shown(remark));
        text_ += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    void line(std::string_view label, std::string_view name, std::uint64_t count,
              std::string_view remark = {}) {
        const std::string gap = remark.empty() ? "" : "  ";
        fmt::format_to(std::back_inserter(text_), "  {:<10} {:<26} {:>24}{}{}\n", label, name,
                       grouped(count), gap, remark);
    }
    void line_if(std::string_view label, std::string_view name, std::uint64_t count,
                 std::string_view remark = {}) {
        if (count != 0) {
            line(label, name, count, remark);
        }
    }
    template <class Counts, class Names>
    void nonzero(std::string_view label, const Counts& counts, const Names& names) {
        for (std::size_t i = 0; i < counts.size(); ++i) {
            line_if(label, names[i], counts[i]);
        }
    }
    void free_line(const std::string& text) { text_ += shown(text) + "\n"; }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::string octets_remark(std::uint64_t octets, std::string_view kind) {
    return grouped(octets) + " " + std::string(kind);
}

void write_interface(const Snapshot::Interface& interface, Page& page) {
    const CaptureCounters& counters = interface.counters;
    page.heading("interface " + interface.name,
                 interface.describe + (!counters.present  ? "   GONE"
                                       : counters.link_up ? ""
                                                          : "   LINK DOWN"));
    page.line("OFFERED", "", counters.offered.value, "packets");
    page.line("received", "", counters.received.value,
              octets_remark(counters.received_octets.value, "layer-2 octets"));
    page.line_if("shunted", "", counters.shunted.value,
                 octets_remark(counters.shunted_octets.value, "layer-2 octets"));
    page.line_if("waiting", "in the rings", counters.waiting.value);
    page.nonzero("dropped", counters.dropped, dropped_names);
    page.nonzero("ignored", counters.ignored, ignored_names);

    const std::uint64_t lost = sum(counters.dropped);
    const double share =
        100.0 * ratio(lost, counters.received.value + counters.shunted.value + lost);
    page.line("DROPPED", "", lost, fmt::format("packets, {:.3f} %", share));
}

void write_metering(const Snapshot& snapshot, const WorkerBooks& all, Page& page) {
    page.heading("metering", fmt::format("{} {}", snapshot.workers.size(),
                                         snapshot.workers.size() == 1 ? "worker" : "workers"));
    page.line_if("waiting", "between steering and workers", snapshot.steering_waiting);
    page.line("received", "", all.received_packets,
              octets_remark(all.received_octets, "layer-2 octets"));
    page.line_if("folded", "of shunted flows", all.folded.packets,
                 octets_remark(all.folded.layer2_octets, "layer-2 octets"));
    page.line_if("waiting", "in the shunt", snapshot.shunt_waiting);
    page.line("metered", "", all.metered.packets,
              octets_remark(all.metered.octets, "layer-3 octets"));
    page.line_if("", "of these aggregated", all.aggregated.packets,
                 octets_remark(all.aggregated.octets, "layer-3 octets"));
    for (std::size_t i = 0; i < left_out_reasons; ++i) {
        const bool undecoded = i == index_of(LeftOut::filter);
        page.line_if("ignored", left_out_names[i], all.ignored[i].packets,
                     undecoded ? octets_remark(all.ignored[i].layer2_octets, "layer-2 octets")
                               : octets_remark(all.ignored[i].octets, "layer-3 octets"));
    }
    page.nonzero("non_ip", all.non_ip, non_ip_names);
    page.nonzero("undecoded", all.undecoded, undecoded_names);
}

void write_estimate(std::string_view unit, const SampledSum& sum, Page& page) {
    const auto whole = [](double value) {
        return grouped(static_cast<std::uint64_t>(value + 0.5));
    };
    page.line("sampled", unit, sum.counted,
              fmt::format("stand for {} +- {} (95 %)", whole(sum.estimated),
                          whole(error_bound(sum.variance))));
}

// What the records of sampled flows stand for, with the error that sampling makes.
void write_sampled(const SampledTotals& sampled, Page& page) {
    if (sampled.flows.counted != 0 || sampled.packets.counted != 0) {
        write_estimate("flows", sampled.flows, page);
        write_estimate("packets, in records", sampled.packets, page);
        write_estimate("octets, in records", sampled.octets, page);
    }
}

void write_inspection(const inspect::InspectionBooks& books, Page& page) {
    if (books.flows == 0) {
        return;
    }
    page.heading("applications");
    page.line("inspected", "", books.flows, grouped(books.packets) + " packets looked at");
    page.line_if("undecided", "", books.undecided);
    page.nonzero("ended", books.ended, flow::inspection_names);
    page.line(
        "", "fully inspected", books.fully(),
        fmt::format("{:.3f} % of those that ended", 100.0 * ratio(books.fully(), books.over())));
    page.nonzero("label", books.labels, flow::confidence_names);
    page.line_if("reclaimed", "states of quiet flows", books.reclaimed);
    page.line_if("described", "by names, fingerprints", books.described);
    page.line_if("refused", "description: no room", books.metadata_refused);
    page.line_if("joined", "datagrams in fragments", books.datagrams_joined);
    page.line_if("given up", "datagrams in fragments", books.datagrams_given_up);
    page.line_if("refused", "allocations of nDPI", books.dissector_refusals);
}

void write_signatures(const inspect::SignatureBooks& books, Page& page) {
    if (books.packets == 0) {
        return;
    }
    page.heading("signatures");
    page.line("compared", "", books.packets, "packets");
    page.line("matches", "", books.matches);
    page.line_if("", "passed over", books.passed);
    page.line_if("", "silent", books.silent);
    page.line("alerts", "raised", books.raised);
    page.line_if("", "emitted", books.emitted);
    page.line_if("", "suppressed", books.suppressed);
    page.line_if("", "refused: ring full", books.refused);
    page.line_if("shed", "flows: no cycles", books.flows_shed);
    page.line_if("limited", "searches", books.limited);
    page.line_if("limited", "streams: no memory", books.histories_refused);
    page.line_if("limited", "matches: no memory", books.memories_refused);
}

void write_analytics(const WorkerBooks& all, Page& page) {
    const flow::AnalyticsBooks& books = all.analytics;
    if (books.segments != 0) {
        page.heading("TCP");
        page.line("segments", "", books.segments, grouped(books.segments_seen) + " looked at");
        page.nonzero("skipped", books.segments_skipped, flow::segment_skipped_names);
        page.nonzero("connections", books.connections, flow::tcp_opening_names);
        page.line_if("sent again", "", books.tcp.retransmissions);
        page.line_if("out of order", "", books.tcp.out_of_order);
        page.line_if("lost", "segments behind a gap", books.tcp.lost_segments);
        page.line_if("zero window", "", books.tcp.zero_windows);
    }
    page.line_if("tunnels", "of flows, kept", books.tunnels_kept);
    page.line_if("tunnels", "refused: no room", books.tunnels_refused);
    page.line_if("copies", "forgotten: no room", all.duplicates_forgotten);
}

// What crashes have cost, of all data paths since the program started.
void write_restarts(const Restarts& restarts, Page& page) {
    if (restarts.total() == 0) {
        return;
    }
    page.heading("restarts");
    page.nonzero("crashed", restarts.restarts, restart_reason_names);
    page.nonzero("inspection", restarts.dpi_faults, inspect::doing_names);
    page.line_if("left alone", "flows, quarantined", restarts.flows_quarantined);
    page.line("adopted", "flows", restarts.flows_adopted);
    page.line_if("lost", "flows", restarts.flows_lost);
    if (restarts.packets_known) {
        page.line("lost", "packets, around crashes", restarts.packets_lost);
    } else {
        page.free_line("  lost       packets: not known, not every interface counts by itself");
    }
}

void write_flows(const Snapshot& snapshot, const WorkerBooks& all, Page& page) {
    page.heading("flows");
    page.line("created", "", all.flows_created);
    page.line_if("adopted", "of a crash before", all.flows_adopted,
                 grouped(all.adopted.packets) + " packets");
    page.line_if("let go", "damaged in a crash", all.flows_unsound);
    page.line("active", "", all.flows_active, grouped(all.in_table.packets) + " packets");
    page.nonzero("ended", all.flows_ended, flow::flow_end_reason_names);
    page.line_if("", "evicted, answered", all.evicted_answered);
    write_sampled(all.sampled, page);

    page.line_if("shunted", "in all", all.flows_shunted);
    page.line_if("shunted", "refused: no place", all.shunts_refused);

    write_inspection(all.inspection, page);
    write_signatures(all.inspection.signatures, page);
    write_analytics(all, page);

    page.heading("flow records");
    page.line("emitted", "", sum(all.records_emitted), grouped(all.emitted.packets) + " packets");
    page.nonzero("", all.records_emitted, flow::flow_end_reason_names);
    page.line_if("dropped", "ring_full", all.records_refused,
                 grouped(all.refused.packets) + " packets");
    page.line_if("alone", "their description: no room", all.descriptions_refused);
    page.line_if("alone", "reports: no room", all.reports_refused);
    std::uint64_t waiting = 0;
    for (const Snapshot::Ring& ring : snapshot.rings) {
        waiting += ring.waiting;
    }
    page.line_if("waiting", "for the exporter core", waiting);
}

// Packets that were chosen for an output, and what they stand for.
void write_samples(const exporting::PacketSamples& samples, Page& page) {
    if (samples.one_in == 0) {
        return;
    }
    page.line("samples", "taken", samples.taken,
              fmt::format("1 in {} of {} packets", grouped(samples.one_in), grouped(samples.pool)));
    page.line_if("", "waiting", samples.waiting);
    page.line("samples", "sent", samples.sent);
    page.line_if("lost", "samples: send_error", samples.send_error);
    page.line_if("lost", "samples: not_expressible", samples.not_expressible);
    page.line_if("lost", "samples: ring_full", samples.ring_full);
    write_estimate("packets", samples.packets, page);
    write_estimate("octets, layer 2", samples.octets, page);
    page.free_line(
        fmt::format("  sampled    a sum over c samples is right to 196 / sqrt(c) %: "
                    "all of them to {:.2f} %",
                    sampling_error_percent(samples.packets)));
}

void write_output(const Snapshot::Output& output, Page& page) {
    const exporting::OutputCounters& counters = output.counters;
    page.heading("output " + output.name, counters.up ? "up" : "DOWN");
    page.line("taken", "", counters.taken.records, "records");
    page.line_if("recovered", "", counters.recovered.records, "of a run before");
    page.line_if("left out", "", counters.left_out.records);
    page.line_if("elsewhere", "in group " + counters.group, counters.elsewhere.records);
    page.line_if("inherited", "in group " + counters.group, counters.inherited.records);
    page.line_if("handed on", "in group " + counters.group, counters.handed_on.records);
    page.line_if("encoding", "", counters.encoding.records);
    page.line_if("queued", "", counters.queued.records);
    page.line_if("spooled", "", counters.spooled.records, "on disk");
    page.line_if("lost", "in a crash", output.lost_in_restarts.records,
                 grouped(output.lost_in_restarts.packets) + " packets");
    page.line("sent", "", counters.sent.records,
              fmt::format("in {} messages, {}", grouped(counters.messages),
                          octets_remark(counters.message_octets, "octets")));
    for (std::size_t i = 0; i < counters.dropped.size(); ++i) {
        page.line_if("dropped", exporting::record_dropped_names[i], counters.dropped[i].records,
                     grouped(counters.dropped[i].packets) + " packets");
    }
    write_samples(counters.samples, page);
}

void write_packet_files(const Snapshot& snapshot, const WorkerBooks& all, Page& page) {
    const saving::WriterBooks& writer = *snapshot.writer;
    page.heading("packet files",
                 fmt::format("{} {}", writer.files, writer.files == 1 ? "file" : "files"));
    page.line("to write", "", all.saving.wanted.packets,
              octets_remark(all.saving.wanted.octets, "octets"));
    page.line("written", "", writer.written.packets,
              octets_remark(writer.file_octets, "octets of files"));
    page.line_if("buffered", "", writer.buffered.packets);
    for (std::size_t i = 0; i < not_written_reasons; ++i) {
        page.line_if("not written", not_written_names[i],
                     all.saving.refused[i].packets + writer.dropped[i].packets);
    }
}

void write_recalls(const Snapshot& snapshot, const WorkerBooks& all, Page& page) {
    const saving::RecallBooks& writer = *snapshot.recalls;
    page.heading("history", fmt::format("{} packets kept, {} recalls under way",
                                        grouped(all.history.held.packets), writer.open));
    page.line("recalled", "", all.history.recalled.wanted.packets,
              octets_remark(all.history.recalled.wanted.octets, "octets"));
    page.line("written", "", writer.files.written.packets,
              fmt::format("in {} {}", writer.closed, writer.closed == 1 ? "file" : "files"));
    page.line_if("buffered", "", writer.files.buffered.packets);
    for (std::size_t i = 0; i < not_written_reasons; ++i) {
        page.line_if("not written", not_written_names[i],
                     all.history.recalled.refused[i].packets + writer.files.dropped[i].packets);
    }
}

void write_verdict(const std::vector<Law>& all_laws, Page& page) {
    std::size_t broken = 0;
    for (const Law& law : all_laws) {
        if (law.imbalance != 0) {
            ++broken;
            page.free_line(fmt::format("BROKEN {}: {}: {} against {}, off by {}", law.name,
                                       law.equation, grouped(law.left), grouped(law.right),
                                       grouped(law.imbalance)));
        }
    }
    if (broken == 0) {
        page.free_line("the books balance");
    } else {
        page.free_line(
            fmt::format("the books do NOT balance: {} of {} laws broken", broken, all_laws.size()));
    }
}

}  // namespace

std::string books_as_text(const Snapshot& snapshot) {
    Page page;
    const WorkerBooks all = all_workers(snapshot);
    for (const Snapshot::Interface& interface : snapshot.interfaces) {
        write_interface(interface, page);
    }
    write_restarts(snapshot.restarts, page);
    write_metering(snapshot, all, page);
    write_flows(snapshot, all, page);
    for (const Snapshot::Output& output : snapshot.outputs) {
        write_output(output, page);
    }
    if (snapshot.writer) {
        write_packet_files(snapshot, all, page);
    }
    if (snapshot.recalls) {
        write_recalls(snapshot, all, page);
    }
    write_verdict(laws(snapshot), page);
    return page.take();
}

}  // namespace tapmeter::metrics
