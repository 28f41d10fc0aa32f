// What does our receive() add to a bare burst of DPDK? Frames lie in a deep ring, so that each
// buffer is as cold as a NIC's: it was last touched a whole ring ago. Both loops look at each
// frame's first octets, as the decoder will; the difference is what the room costs.
// Compare within one run only: `bare` and `room` by their cpu time.
#include <benchmark/benchmark.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>

#include "dpdk/capture.h"
#include "dpdk/eal.h"

namespace tapmeter::dpdk {
namespace {

constexpr unsigned ring_slots = 32'768;
constexpr std::uint16_t frame_octets = 60;

const LiveClock& live_clock() {
    static const LiveClock clock;
    return clock;
}

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "dpdk_receive_bench: %s\n", what);
    std::exit(1);
}

// A port whose ring holds `depth` frames that go round: each burst taken is put back with buffers
// fresh from the pool.
class Carousel {
public:
    Carousel() {
        ring_ =
            rte_ring_create("carousel", ring_slots, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
        pool_ = rte_pktmbuf_pool_create("carousel", ring_slots - 1, 256, 0,
                                        RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
        if (ring_ == nullptr || pool_ == nullptr ||
            rte_eth_from_rings("carousel", &ring_, 1, &ring_, 1, 0) < 0) {
            give_up("no memory for the ring");
        }
        auto port = open_port({.device = "net_ring_carousel", .clock = &live_clock()});
        if (!port) {
            give_up(port.error().message.c_str());
        }
        port_ = std::move(*port);
    }
    Carousel(const Carousel&) = delete;
    Carousel& operator=(const Carousel&) = delete;
    ~Carousel() = default;

    void fill_to(unsigned depth) {
        while (rte_ring_count(ring_) < depth) {
            put(burst_packets_max);
        }
    }
    void empty() {
        std::array<rte_mbuf*, burst_packets_max> mbufs{};
        while (const unsigned count =
                   rte_eth_rx_burst(0, 0, mbufs.data(), static_cast<std::uint16_t>(mbufs.size()))) {
            rte_pktmbuf_free_bulk(mbufs.data(), count);
        }
    }
    void put(unsigned count) {
        std::array<rte_mbuf*, burst_packets_max> mbufs{};
        if (rte_pktmbuf_alloc_bulk(pool_, mbufs.data(), count) != 0) {
            give_up("the pool is empty");
        }
        for (unsigned i = 0; i < count; ++i) {
            mbufs[i]->data_len = frame_octets;
            mbufs[i]->pkt_len = frame_octets;
        }
        rte_ring_sp_enqueue_bulk(ring_, reinterpret_cast<void**>(mbufs.data()), count, nullptr);
    }
    PacketSource& queue() { return port_->queue(0); }

private:
    rte_ring* ring_ = nullptr;
    rte_mempool* pool_ = nullptr;
    std::unique_ptr<DpdkCapture> port_;
};

Carousel& carousel() {
    static Carousel one;
    return one;
}

void report(benchmark::State& state, std::uint64_t packets) {
    state.SetItemsProcessed(static_cast<std::int64_t>(packets));
    carousel().empty();
}

void bare(benchmark::State& state) {
    Carousel& frames = carousel();
    frames.fill_to(static_cast<unsigned>(state.range(0)));
    std::array<rte_mbuf*, burst_packets_max> mbufs{};
    std::uint64_t packets = 0;
    std::uint64_t sum = 0;
    for (auto _ : state) {
        const std::uint16_t count =
            rte_eth_rx_burst(0, 0, mbufs.data(), static_cast<std::uint16_t>(mbufs.size()));
        for (unsigned i = 0; i < count; ++i) {
            sum += *rte_pktmbuf_mtod_offset(mbufs[i], const std::uint8_t*, 26);
        }
        rte_pktmbuf_free_bulk(mbufs.data(), count);
        frames.put(count);
        packets += count;
    }
    benchmark::DoNotOptimize(sum);
    report(state, packets);
}

void room(benchmark::State& state) {
    Carousel& frames = carousel();
    frames.fill_to(static_cast<unsigned>(state.range(0)));
    const auto burst = std::make_unique<Burst>();
    std::uint64_t packets = 0;
    std::uint64_t sum = 0;
    for (auto _ : state) {
        frames.queue().receive(*burst);
        sum += std::accumulate(burst->view().begin(), burst->view().end(), std::uint64_t{0},
                               [](std::uint64_t so_far, const Packet& packet) {
                                   return so_far + std::to_integer<std::uint64_t>(packet.frame[26]);
                               });
        const auto count = static_cast<unsigned>(burst->count);
        frames.queue().release();
        frames.put(count);
        packets += count;
    }
    benchmark::DoNotOptimize(sum);
    report(state, packets);
}

BENCHMARK(bare)->Arg(512)->Arg(4'096)->Arg(24'576);
BENCHMARK(room)->Arg(512)->Arg(4'096)->Arg(24'576);

}  // namespace
}  // namespace tapmeter::dpdk

int main(int count, char** arguments) {
    benchmark::Initialize(&count, arguments);
    const auto eal = tapmeter::dpdk::start_eal({});
    if (!eal) {
        tapmeter::dpdk::give_up(eal.error().message.c_str());
    }
    const tapmeter::dpdk::ThreadRegistration registered;
    benchmark::RunSpecifiedBenchmarks();
    std::fflush(stdout);
    std::_Exit(0);  // ports and rings live as long as the process
}
