#include "src/bench/outcome.h"

#include <fmt/format.h>

#include "src/bench/frame_head.h"
#include "src/metrics/totals.h"

namespace tapmeter::bench {

namespace {

double ratio(double part, std::uint64_t whole) noexcept {
    return whole == 0 ? 0 : part / static_cast<double>(whole);
}

std::string count_text(std::uint64_t count) {
    constexpr std::uint64_t kilo = 1'000;
    constexpr std::uint64_t mega = 1'000'000;
    if (count % mega == 0) {
        return fmt::format("{} M", count / mega);
    }
    return count % kilo == 0 ? fmt::format("{} k", count / kilo) : fmt::format("{}", count);
}

}  // namespace

std::string size_text(const TrafficRequest& traffic) {
    return traffic.frame_size == 0 ? "IMIX" : fmt::format("{} B", traffic.frame_size);
}

std::string traffic_text(const TrafficRequest& traffic) {
    switch (traffic.kind) {
        case TrafficRequest::Kind::flood:
            return fmt::format("flood, every packet a new flow, {}, table for {}",
                               size_text(traffic), count_text(traffic.flows));
        case TrafficRequest::Kind::imix:
            return fmt::format("TCP conversations, {} at once, both directions, IMIX",
                               count_text(traffic.flows));
        case TrafficRequest::Kind::file:
            return traffic.file.string() + ", over and over with new addresses";
        case TrafficRequest::Kind::uniform:
            break;
    }
    return fmt::format("uniform, {}, {} flows", size_text(traffic), count_text(traffic.flows));
}

std::string traffic_name(const TrafficRequest& traffic) {
    const std::string size =
        traffic.frame_size == 0 ? "imix" : fmt::format("{}", traffic.frame_size);
    switch (traffic.kind) {
        case TrafficRequest::Kind::flood:
            return fmt::format("flood/table:{}/size:{}", traffic.flows, size);
        case TrafficRequest::Kind::imix:
            return fmt::format("imix/flows:{}", traffic.flows);
        case TrafficRequest::Kind::file:
            return "file:" + traffic.file.filename().string();
        case TrafficRequest::Kind::uniform:
            break;
    }
    return fmt::format("uniform/flows:{}/size:{}", traffic.flows, size);
}

double cpu_ns_per_packet(const Interval& interval) noexcept {
    return ratio(static_cast<double>(interval.cpu.count()), interval.packets);
}

double wall_ns_per_packet(const Interval& interval) noexcept {
    return ratio(static_cast<double>(interval.wall.count()), interval.packets);
}

double wire_gigabits_per_second(const Interval& interval) noexcept {
    const std::uint64_t octets = interval.octets + interval.packets * wire_overhead_octets;
    constexpr double bits_per_octet = 8;
    return interval.wall.count() == 0 ? 0
                                      : static_cast<double>(octets) * bits_per_octet /
                                            static_cast<double>(interval.wall.count());
}

double per_second(std::uint64_t count, const Interval& interval) noexcept {
    return interval.wall.count() == 0 ? 0 : static_cast<double>(count) / interval.seconds();
}

double millions_per_second(double ns_each) noexcept {
    constexpr double ns_per_million = 1e3;
    return ns_each == 0 ? 0 : ns_per_million / ns_each;
}

Scaling scaling_of(const Outcome& outcome) noexcept {
    Scaling scaling;
    for (const WorkerOutcome& worker : outcome.workers) {
        const double cpu_ns = cpu_ns_per_packet(worker.measured);
        const double wall_ns = wall_ns_per_packet(worker.measured);
        scaling.by_cpu += cpu_ns == 0 ? 0 : cpu_ns_per_packet(outcome.alone->measured) / cpu_ns;
        scaling.by_wall += wall_ns == 0 ? 0 : wall_ns_per_packet(outcome.alone->measured) / wall_ns;
    }
    return scaling;
}

double mean_cpu_ns(const Outcome& outcome) noexcept {
    Interval all;
    for (const WorkerOutcome& worker : outcome.workers) {
        all.cpu += worker.measured.cpu;
        all.packets += worker.measured.packets;
    }
    return cpu_ns_per_packet(all);
}

LiveCounts counts_of(const LiveOutcome& outcome) {
    LiveCounts counts;
    for (std::size_t i = 0; i < outcome.after.interfaces.size(); ++i) {
        const CaptureCounters& first = outcome.before.interfaces[i].counters;
        const CaptureCounters& last = outcome.after.interfaces[i].counters;
        counts.offered += last.offered.value - first.offered.value;
        counts.received += last.received.value - first.received.value;
        counts.received_octets += last.received_octets.value - first.received_octets.value;
        for (std::size_t reason = 0; reason < dropped_reasons; ++reason) {
            counts.dropped[reason] += last.dropped[reason] - first.dropped[reason];
        }
    }
    counts.lost = metrics::sum(counts.dropped);
    return counts;
}

}  // namespace tapmeter::bench
