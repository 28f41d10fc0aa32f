// What does the flow table cost by itself: a lookup that finds, one that does not, and an
// insertion with the erasure that makes room for the next? From tables that L1 holds to such that
// no cache does. Keys come in an order by chance, in bursts; argument 1: flows, argument 2: 1
// where each pass asks for the memory that the next one waits for, as the worker does.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>

#include "bench/flow_keys.h"
#include "pipeline/base/packet.h"
#include "pipeline/flow/flow_table.h"

namespace tapmeter::bench {
namespace {

using flow::FlowIndex;
using flow::FlowTable;
using flow::no_flow;

// A table full of flows 0 to n - 1, and keys to look for in an order by chance.
struct Filled {
    Filled(std::size_t flows, std::uint64_t first_wanted)
        : table(std::move(*FlowTable::make({.flows_max = flows, .populate = true}))) {
        const auto inside = keys_from(0, flows);
        const auto inside_hashes = hashes_of(inside);
        for (std::size_t i = 0; i < flows; ++i) {
            const FlowIndex index = table.insert(inside_hashes[i], 0);
            if (index != no_flow) {
                table.flow(index) = flow::Flow{.key = inside[i]};
            }
        }
        keys = keys_from(first_wanted, std::max(flows, burst_packets_max));
        Random random(1);
        for (std::size_t i = keys.size(); i > 1; --i) {
            std::swap(keys[i - 1], keys[random.below(i)]);
        }
        hashes = hashes_of(keys);
    }
    FlowTable table;
    std::vector<flow::FlowKey> keys;
    std::vector<FlowHash> hashes;
};

void find_burst(const Filled& filled, std::size_t first, bool hints) {
    std::array<FlowIndex, burst_packets_max> guesses;
    guesses.fill(no_flow);
    for (std::size_t i = 0; hints && i < guesses.size(); ++i) {
        filled.table.prefetch_bucket(filled.hashes[first + i]);
    }
    for (std::size_t i = 0; hints && i < guesses.size(); ++i) {
        guesses[i] = filled.table.guess(filled.hashes[first + i]);
    }
    for (std::size_t i = 0; i < guesses.size(); ++i) {
        benchmark::DoNotOptimize(
            filled.table.find(filled.keys[first + i], filled.hashes[first + i], guesses[i]));
    }
}

void find(benchmark::State& state, std::uint64_t first_wanted) {
    const Filled filled(static_cast<std::size_t>(state.range(0)), first_wanted);
    const bool hints = state.range(1) != 0;
    std::size_t next = 0;
    for ([[maybe_unused]] auto _ : state) {
        if (next + burst_packets_max > filled.keys.size()) {
            next = 0;
        }
        find_burst(filled, next, hints);
        next += burst_packets_max;
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(burst_packets_max));
}

void erase_and_insert(benchmark::State& state) {
    const auto flows = static_cast<std::size_t>(state.range(0));
    Filled filled(flows, 0);
    std::size_t next = 0;
    for ([[maybe_unused]] auto _ : state) {
        const flow::FlowKey& key = filled.keys[next];
        const FlowHash hash = filled.hashes[next];
        next = next + 1 == filled.keys.size() ? 0 : next + 1;
        const FlowIndex old = filled.table.find(key, hash);
        if (old != no_flow) {
            filled.table.erase(old, hash);
            const FlowIndex index = filled.table.insert(hash, 0);
            filled.table.flow(index).key = key;
        }
    }
    state.SetItemsProcessed(state.iterations());
}

constexpr std::uint64_t inside = 0;
constexpr std::uint64_t nowhere = std::uint64_t{1} << 40U;
const std::vector<std::vector<std::int64_t>> sizes_and_hints{
    {1 << 7, 1 << 12, 1 << 16, 1 << 20, 1 << 22}, {0, 1}};

BENCHMARK_CAPTURE(find, hit, inside)->ArgsProduct(sizes_and_hints);
BENCHMARK_CAPTURE(find, miss, nowhere)->ArgsProduct(sizes_and_hints);
BENCHMARK(erase_and_insert)->Arg(1 << 7)->Arg(1 << 12)->Arg(1 << 16)->Arg(1 << 20)->Arg(1 << 22);

}  // namespace
}  // namespace tapmeter::bench

BENCHMARK_MAIN();
