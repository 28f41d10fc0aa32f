// What does it cost to hash flow keys, by AES rounds and by SipHash-2-4, a burst at a time?
#include <benchmark/benchmark.h>

#include <array>

#include "bench/flow_keys.h"
#include "pipeline/base/packet.h"

namespace tapmeter::bench {
namespace {

void hash_burst(benchmark::State& state, flow::FlowHasher::Method method) {
    const auto keys = keys_from(0, burst_packets_max);
    const flow::FlowHasher hasher({1, 2}, method);
    std::array<FlowHash, burst_packets_max> hashes{};
    for ([[maybe_unused]] auto _ : state) {
        hasher.hash(keys, hashes);
        benchmark::DoNotOptimize(hashes);
    }
    state.SetLabel(std::string(hasher.method()));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(keys.size()));
}

BENCHMARK_CAPTURE(hash_burst, aes, flow::FlowHasher::Method::aes);
BENCHMARK_CAPTURE(hash_burst, siphash, flow::FlowHasher::Method::siphash);

}  // namespace
}  // namespace tapmeter::bench

BENCHMARK_MAIN();
