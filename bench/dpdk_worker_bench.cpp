// How much of the in-memory figure is left when the packets come through DPDK? One whole worker
// behind a ring port. Another core fills the ring, as a NIC or another process would: it takes
// buffers from a pool of its own, copies frames into them and queues them, so that each line which
// the worker reads was last written by another core. In turns with the same worker on the same
// packets in memory.
// What counts is the worker's busy time a packet: the cycles of the turns that brought packets.
// usage: dpdk_worker_bench [SECONDS [ROUNDS [FLOWS]]]; the first two usable cores
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "dpdk/capture.h"
#include "dpdk/eal.h"
#include "pipeline/base/cycles.h"
#include "pipeline/base/prefetch.h"
#include "pipeline/worker.h"
#include "src/bench/made_traffic.h"
#include "src/bench/memory_source.h"

namespace tapmeter::bench {
namespace {

constexpr unsigned ring_slots = 2'048;    // as the receive ring of a port by default
constexpr unsigned pool_buffers = 4'095;  // the ring's, the bursts', the caches'
constexpr unsigned pool_cache = 256;
constexpr std::uint64_t traffic_packets = 1'000'000;

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "dpdk_worker_bench: %s\n", what);
    std::exit(1);
}

std::array<unsigned, 2> first_two_cores() {
    cpu_set_t cpus{};
    sched_getaffinity(0, sizeof(cpus), &cpus);
    std::array<unsigned, 2> cores{};
    std::size_t found = 0;
    for (unsigned core = 0; core < CPU_SETSIZE && found < cores.size(); ++core) {
        if (CPU_ISSET(core, &cpus)) {
            cores[found++] = core;
        }
    }
    if (found < cores.size()) {
        give_up("needs two cores");
    }
    return cores;
}

void pin_to(unsigned core) {
    cpu_set_t cpus{};
    CPU_SET(core, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
}

Traffic traffic_of(std::uint64_t flows) {
    auto traffic = make_traffic({.flows = flows, .file = {}, .packets_min = traffic_packets});
    if (!traffic) {
        give_up(traffic.error().message.c_str());
    }
    return std::move(*traffic);
}

// The sender: a thread that fills a ring while it is told to.
class Sender {
public:
    Sender(rte_ring* ring, const Traffic& traffic, unsigned core)
        : ring_(ring),
          pool_(rte_pktmbuf_pool_create("sender", pool_buffers, pool_cache, 0,
                                        RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY)),
          traffic_(traffic),
          thread_([this, core](const std::stop_token& stop) { run(stop, core); }) {
        if (pool_ == nullptr) {
            give_up("no memory for the sender's buffers");
        }
    }
    void send(bool whether) { sends_.store(whether); }

private:
    void run(const std::stop_token& stop, unsigned core) {
        pin_to(core);
        const dpdk::ThreadRegistration registered;
        while (!stop.stop_requested()) {
            if (sends_.load(std::memory_order_relaxed) && rte_ring_free_count(ring_) >= batch) {
                send_batch();
            } else {
                rte_pause();
            }
        }
    }

    // The worker read a buffer last: its lines are asked back while the batch before is filled.
    bool take_next() {
        if (rte_pktmbuf_alloc_bulk(pool_, taken_.data(), batch) != 0) {
            return false;  // all are on their way
        }
        for (rte_mbuf* mbuf : taken_) {
            prefetch_to_write(mbuf);
            void* const buffer = mbuf + 1;
            prefetch_to_write(static_cast<std::byte*>(buffer) + RTE_PKTMBUF_HEADROOM);
        }
        return true;
    }

    void send_batch() {
        if (!has_taken_) {
            has_taken_ = take_next();
            return;
        }
        std::array<rte_mbuf*, batch> mbufs = taken_;
        has_taken_ = take_next();
        for (rte_mbuf* mbuf : mbufs) {
            const Slot& slot = traffic_.slot(next_);
            __builtin_prefetch(traffic_.frame(traffic_.slot(next_ + batch)));
            std::memcpy(rte_pktmbuf_mtod(mbuf, void*), traffic_.frame(slot), slot.captured_octets);
            mbuf->data_len = static_cast<std::uint16_t>(slot.captured_octets);
            mbuf->pkt_len = slot.wire_octets;
            next_ = next_ + 1 == traffic_.packets() ? 0 : next_ + 1;
        }
        // There is room: this thread alone fills the ring.
        rte_ring_sp_enqueue_bulk(ring_, reinterpret_cast<void**>(mbufs.data()), batch, nullptr);
    }

    static constexpr unsigned batch = 32;
    rte_ring* ring_;
    rte_mempool* pool_;
    const Traffic& traffic_;
    std::size_t next_ = 0;
    std::array<rte_mbuf*, batch> taken_{};
    bool has_taken_ = false;
    std::atomic<bool> sends_{false};
    std::jthread thread_;
};

struct Rate {
    double busy_ns = 0;  // a packet
    double mpps = 0;     // by the wall
};

// A worker whose records are thrown away in its own thread.
class Metered {
public:
    Metered(PacketSource& source, const LiveClock& clock, std::size_t flows)
        : worker_(
              {.source = source,
               .ring = ring_,
               .clock = &clock,
               .table = std::move(*flow::FlowTable::make({.flows_max = flows, .populate = true})),
               .hash_key = {1, 2},
               .timeouts = {.idle = std::chrono::seconds(30),
                            .active = std::chrono::seconds(60),
                            .tcp_end = std::chrono::seconds(2)}}) {}

    Rate run(std::chrono::duration<double> length) {
        using Clock = std::chrono::steady_clock;
        constexpr unsigned turns_between_looks = 256;
        const WorkerBooks before = worker_.books();
        const std::uint64_t cycles_began = cycles_now();
        const auto began = Clock::now();
        const auto until = began + std::chrono::duration_cast<Clock::duration>(length);
        while (Clock::now() < until) {
            for (unsigned turn = 0; turn < turns_between_looks; ++turn) {
                worker_.step();
                ring_.consume(ring_.readable().size());
            }
        }
        const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
        const double ns_a_cycle = seconds * 1e9 / static_cast<double>(cycles_now() - cycles_began);
        const WorkerBooks after = worker_.books();
        const auto packets = static_cast<double>(
            std::max<std::uint64_t>(after.received_packets - before.received_packets, 1));
        return {static_cast<double>(after.busy_cycles - before.busy_cycles) * ns_a_cycle / packets,
                packets / seconds / 1e6};
    }

private:
    RecordRing ring_{8'192};
    Worker worker_;
};

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void run(std::chrono::duration<double> length, int rounds, std::uint64_t flows) {
    const auto cores = first_two_cores();
    pin_to(cores[0]);
    const dpdk::ThreadRegistration registered;
    rte_ring* ring =
        rte_ring_create("sent", ring_slots, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (ring == nullptr || rte_eth_from_rings("sent", &ring, 1, &ring, 1, 0) < 0) {
        give_up("no memory for the ring");
    }
    const LiveClock clock;
    auto port = dpdk::open_port({.device = "net_ring_sent", .clock = &clock});
    if (!port) {
        give_up(port.error().message.c_str());
    }
    Traffic in_memory = traffic_of(flows);
    const Traffic sent = traffic_of(flows);
    MemorySource source(in_memory, {.clock = &clock});
    Metered memory(source, clock, flows);
    Metered through((*port)->queue(0), clock, flows);
    Sender sender(ring, sent, cores[1]);

    std::vector<double> shares;
    for (int round = -1; round < rounds; ++round) {  // the first fills the tables
        const Rate beside = memory.run(length);
        sender.send(true);
        const Rate rate = through.run(length);
        sender.send(false);
        through.run(std::chrono::milliseconds(10));  // what still waits
        if (round >= 0) {
            shares.push_back(100 * beside.busy_ns / rate.busy_ns);
            std::printf("ring %.2f ns a packet, %.2f Mpps   memory %.2f ns, %.2f Mpps   %.1f %%\n",
                        rate.busy_ns, rate.mpps, beside.busy_ns, beside.mpps, shares.back());
            std::fflush(stdout);
        }
    }
    std::printf("median %.1f %%\n", median(shares));
    std::fflush(stdout);
    std::_Exit(0);  // ports and rings live as long as the process
}

}  // namespace
}  // namespace tapmeter::bench

int main(int count, char** arguments) {
    const double seconds = count > 1 ? std::atof(arguments[1]) : 1;
    const int rounds = count > 2 ? std::atoi(arguments[2]) : 5;
    const long flows = count > 3 ? std::atol(arguments[3]) : 65'536;
    const auto eal = tapmeter::dpdk::start_eal({});
    if (!eal) {
        tapmeter::bench::give_up(eal.error().message.c_str());
    }
    tapmeter::bench::run(std::chrono::duration<double>(seconds > 0 ? seconds : 1),
                         std::clamp(rounds, 1, 100),
                         static_cast<std::uint64_t>(std::clamp(flows, 1L, 8'000'000L)));
}
