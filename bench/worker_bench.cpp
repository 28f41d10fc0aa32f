// What does a packet cost the whole worker, from its queue to its ring? The traffic of `tapmeter
// bench`, the ring emptied in the same thread. Argument: flows.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>

#include "pipeline/worker.h"
#include "src/bench/made_traffic.h"
#include "src/bench/memory_source.h"

namespace tapmeter::bench {
namespace {

using Kind = TrafficRequest::Kind;

// tcp  with TCP quality, of [analytics]
void meter(benchmark::State& state, Kind kind, bool tcp) {
    const auto flows = static_cast<std::uint64_t>(state.range(0));
    Traffic traffic = std::move(*make_traffic({.kind = kind, .flows = flows, .file = {}}));
    const LiveClock clock;
    MemorySource source(traffic, {.clock = &clock});
    constexpr std::size_t records = 8'192;
    RecordRing ring(records, {0, tcp ? records : 0, 0, 0, 0});
    const std::size_t flows_max = kind == Kind::imix ? 10 * flows : flows;
    const flow::Analytics::Settings analytics{
        .tcp = tcp, .flow_places = flow::FlowTable::places_for(flows_max), .populate = true};
    const auto worker = std::make_unique<Worker>(Worker::Parts{
        .source = source,
        .ring = ring,
        .clock = &clock,
        .table =
            std::move(*flow::FlowTable::make({.flows_max = flows_max,
                                              .populate = true,
                                              .beside_octets = analytics.beside_flow_octets()})),
        .hash_key = {1, 2},
        .timeouts = {.idle = std::chrono::seconds(30),
                     .active = std::chrono::seconds(60),
                     .tcp_end = std::chrono::seconds(2)},
        .analytics = tcp ? std::move(*flow::Analytics::make(analytics)) : nullptr});
    std::array<RecordRing::Parts, 256> parts;
    const auto turn = [&] {
        worker->step();
        const auto some = ring.readable(parts);
        ring.consume(some.records.size());
    };
    while (!source.warm()) {
        turn();
    }
    constexpr unsigned turns = 64;
    const std::uint64_t before = worker->books().received_packets;
    for ([[maybe_unused]] auto _ : state) {
        const Reading begin = source.read_here();
        for (unsigned i = 0; i < turns; ++i) {
            turn();
        }
        // What the source does between two passes is not in its readings.
        const Interval interval = between(begin, source.read_here());
        state.SetIterationTime(std::chrono::duration<double>(interval.cpu).count());
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(worker->books().received_packets - before));
}

BENCHMARK_CAPTURE(meter, uniform, Kind::uniform, false)
    ->Arg(1'000)
    ->Arg(64'000)
    ->Arg(1'000'000)
    ->UseManualTime();
BENCHMARK_CAPTURE(meter, flood, Kind::flood, false)->Arg(1'000'000)->UseManualTime();
BENCHMARK_CAPTURE(meter, imix, Kind::imix, false)->Arg(100'000)->UseManualTime();
BENCHMARK_CAPTURE(meter, imix_with_tcp_quality, Kind::imix, true)->Arg(100'000)->UseManualTime();

}  // namespace
}  // namespace tapmeter::bench

BENCHMARK_MAIN();
