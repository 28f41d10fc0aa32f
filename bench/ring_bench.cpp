// How many flow records a second cross from one core to another? And what does a record cost where
// both ends are one thread? Argument: records shown at once.
#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

#include "pipeline/record_ring.h"

namespace tapmeter {
namespace {

constexpr std::size_t slots = 8'192;

void one_thread(benchmark::State& state) {
    RecordRing ring(slots);
    const flow::FlowRecord record{};
    for ([[maybe_unused]] auto _ : state) {
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            benchmark::DoNotOptimize(ring.push(record));
        }
        ring.publish();
        const auto some = ring.readable();
        benchmark::DoNotOptimize(some.data());
        ring.consume(some.size());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

void two_threads(benchmark::State& state) {
    RecordRing ring(slots);
    std::atomic<bool> stop{false};
    std::thread consumer([&] {
        while (!stop.load(std::memory_order_relaxed)) {
            const auto some = ring.readable();
            for (const flow::FlowRecord& record : some) {
                benchmark::DoNotOptimize(record.forward.packets.value);
            }
            ring.consume(some.size());
        }
    });
    const flow::FlowRecord record{};
    for ([[maybe_unused]] auto _ : state) {
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            while (!ring.push(record)) {
                ring.publish();
            }
        }
        ring.publish();
    }
    stop.store(true);
    consumer.join();
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(one_thread)->Arg(1)->Arg(64);
BENCHMARK(two_threads)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace tapmeter

BENCHMARK_MAIN();
