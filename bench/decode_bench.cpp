// What does it cost to walk a frame from Ethernet to the transport header? Frames lie in memory one
// after the other, as many as L1 holds (argument 256) or more than L2 does (65,536).
#include <benchmark/benchmark.h>

#include <vector>

#include "pipeline/decode/frame.h"
#include "tests/support/frames.h"

namespace tapmeter {
namespace {

using testing::Frame;
using testing::FrameBuilder;

Frame udp_frame() {
    return FrameBuilder{}.ethernet().ipv4({}).udp(1'234, 53).fill(18).frame();
}
Frame tcp_in_vlan_frame() {
    return FrameBuilder{}.ethernet().vlan(7).ipv4({.protocol = 6}).tcp(1'234, 443).frame();
}
Frame tcp_over_ipv6_frame() {
    return FrameBuilder{}.ethernet(0x86dd).ipv6({.next_header = 6}).tcp(1'234, 443).frame();
}

template <Frame (*make)()>
void decode_frames(benchmark::State& state) {
    const std::vector<Frame> frames(static_cast<std::size_t>(state.range(0)), make());
    for ([[maybe_unused]] auto _ : state) {
        for (const Frame& frame : frames) {
            auto headers = decode::decode_frame(testing::packet_of(frame));
            benchmark::DoNotOptimize(headers);
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(decode_frames<udp_frame>)->Arg(1 << 8)->Arg(1 << 16);
BENCHMARK(decode_frames<tcp_in_vlan_frame>)->Arg(1 << 8)->Arg(1 << 16);
BENCHMARK(decode_frames<tcp_over_ipv6_frame>)->Arg(1 << 8)->Arg(1 << 16);

}  // namespace
}  // namespace tapmeter

BENCHMARK_MAIN();
