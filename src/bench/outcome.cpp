#include "src/bench/outcome.h"

#include <fmt/format.h>

#include "src/bench/frame_head.h"

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

double cpu_ns_per_packet(const Interval& interval) noexcept {
    return ratio(static_cast<double>(interval.cpu.count()), interval.packets);
}

double wall_ns_per_packet(const Interval& interval) noexcept {
    return ratio(static_cast<double>(interval.wall.count()), interval.packets);
}

double cycles_per_packet(const Interval& interval) noexcept {
    return ratio(static_cast<double>(interval.cycles), interval.packets);
}

double wire_gigabits_per_second(const Interval& interval) noexcept {
    const std::uint64_t octets = interval.octets + interval.packets * wire_overhead_octets;
    constexpr double bits_per_octet = 8;
    return interval.wall.count() == 0 ? 0
                                      : static_cast<double>(octets) * bits_per_octet /
                                            static_cast<double>(interval.wall.count());
}

}  // namespace tapmeter::bench
