// What does a packet filter cost for each packet, and what does looking through tags add to it?
// Frames lie in memory one after the other, as many as L1 holds.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "src/filters/compile.h"
#include "tests/support/frames.h"

namespace tapmeter {
namespace {

using testing::Frame;
using testing::FrameBuilder;

constexpr std::size_t frames_in_l1 = 256;
constexpr std::array expressions{"udp", "tcp port 443 or icmp",
                                 "ip and not (net 192.168.0.0/16 or port 53 or port 80)"};

Frame plain() {
    return FrameBuilder{}.ethernet().ipv4({.protocol = 6}).tcp(1'234, 443).fill(18).frame();
}
Frame tagged() {
    return FrameBuilder{}.ethernet().vlan(7).ipv4({.protocol = 6}).tcp(1'234, 443).fill(14).frame();
}

template <Frame (*make)(), filters::Tags tags>
void filter_frames(benchmark::State& state) {
    const auto* const expression = expressions[static_cast<std::size_t>(state.range(0))];
    const auto filter = filters::compile(expression, tags);
    const std::vector<Frame> frames(frames_in_l1, make());
    for ([[maybe_unused]] auto _ : state) {
        for (const Frame& frame : frames) {
            benchmark::DoNotOptimize((*filter)->accepts(testing::packet_of(frame)));
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(frames_in_l1));
    state.SetLabel(expression);
}

BENCHMARK(filter_frames<plain, filters::Tags::raw>)->DenseRange(0, 2);
BENCHMARK(filter_frames<plain, filters::Tags::through>)->DenseRange(0, 2);
BENCHMARK(filter_frames<tagged, filters::Tags::through>)->DenseRange(0, 2);

}  // namespace
}  // namespace tapmeter

BENCHMARK_MAIN();
