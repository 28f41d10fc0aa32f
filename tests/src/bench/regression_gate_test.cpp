// Has the worker become slower? Its CPU time a packet is compared with that of a loop that never
// changes and asks the same of caches and memory, in turns of a fraction of a millisecond in the
// same thread, so the speed of the machine and what else runs on it fall out. Five tries; the best
// counts.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "src/bench/machine.h"
#include "tests/src/bench/in_memory_worker.h"
#include "tests/src/bench/reference_loop.h"

namespace tapmeter::bench {
namespace {

using testing::InMemoryWorker;
using testing::ReferenceLoop;
using Kind = TrafficRequest::Kind;

constexpr std::size_t flows = 32'768;
constexpr std::size_t packets = 131'072;  // of the traffic
// Slices so short that what disturbs one of a pair mostly disturbs the other too.
constexpr std::size_t packets_per_slice = 4'096;
constexpr std::size_t slices = 200;
constexpr unsigned tries = 5;
constexpr double margin = 1.25;
// Caches and what a core does at once differ: on a CPU without a ratio of its own only what is
// far off counts.
constexpr double margin_elsewhere = 2.5;

// CPU time of the worker over that of the reference loop, as measured on this kind of CPU.
struct Recorded {
    std::string_view cpu;
    double uniform = 0;
    double imix = 0;
};
constexpr Recorded recorded{.cpu = "AMD EPYC", .uniform = 1.35, .imix = 2.0};

// A source with a burden: so many multiplications more for every packet, one after the other.
class Burdened final : public PacketSource {
public:
    Burdened(PacketSource& source, unsigned multiplications)
        : source_(source), multiplications_(multiplications) {}

    void receive(Burst& burst) noexcept override {
        source_.receive(burst);
        for (const Packet& packet : burst.view()) {
            std::uint64_t value = packet.wire_octets + sum_;
            for (unsigned i = 0; i < multiplications_; ++i) {
                value = (value ^ (value >> 31U)) * 0x9e37'79b9'7f4a'7c15U;
            }
            sum_ += value;
        }
    }
    void release() noexcept override { source_.release(); }
    SourceCounters counters() const noexcept override { return source_.counters(); }
    std::string describe() const override { return source_.describe(); }

private:
    PacketSource& source_;
    unsigned multiplications_;
    std::uint64_t sum_ = 0;
};

// The worker and the loop beside it, on the same traffic.
class Gate {
public:
    explicit Gate(Kind kind, unsigned burden = 0)
        : traffic_(testing::small_traffic(kind, kind == Kind::imix ? flows / 8 : flows, packets)),
          source_(traffic_, {}),
          burdened_(source_, burden),
          worker_(burdened_, flows),
          reference_(traffic_, flows) {
        worker_.meter(2 * packets);
        reference_.run(packets);
    }

    // The best of the ratios of so many tries; ends early once one is at most `enough`.
    double best_ratio(double enough) {
        double best = std::numeric_limits<double>::max();
        for (unsigned i = 0; i < tries && best > enough; ++i) {
            best = std::min(best, one_ratio());
        }
        return best;
    }

private:
    // Both in turns. Of the pairs' ratios the one that a quarter are below: a slice that others
    // disturbed alone says nothing about either.
    double one_ratio() {
        std::array<double, slices> ratios{};
        for (double& ratio : ratios) {
            const double reference = reference_.run(packets_per_slice);
            const Reading begin = source_.read_here();
            worker_.meter(packets_per_slice);
            const Reading end = source_.read_here();
            ratio = static_cast<double>((end.cpu - begin.cpu).count()) /
                    static_cast<double>(end.packets - begin.packets) / reference;
        }
        std::ranges::nth_element(ratios, ratios.begin() + slices / 4);
        return ratios[slices / 4];
    }

    Traffic traffic_;
    MemorySource source_;
    Burdened burdened_;
    InMemoryWorker worker_;
    ReferenceLoop reference_;
};

// Why nothing can be compared here; empty: it can.
std::string_view hindrance() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return "sanitizers change what things cost";
#elif !defined(__OPTIMIZE__)
    return "built without optimisation";
#else
    return {};
#endif
}

double limit_of(double ratio) {
    const bool known = read_machine().cpu.starts_with(recorded.cpu);
    return ratio * (known ? margin : margin_elsewhere);
}

void expect_no_slower(Kind kind, double ratio) {
    const double limit = limit_of(ratio);
    const double measured = Gate(kind).best_ratio(limit);
    ::testing::Test::RecordProperty("ratio", std::to_string(measured));
    EXPECT_LE(measured, limit) << "the worker takes " << measured
                               << " times as long as the reference loop; recorded were " << ratio;
}

TEST(RegressionGate, uniform_traffic_costs_no_more_than_recorded) {
    if (!hindrance().empty()) {
        GTEST_SKIP() << hindrance();
    }
    expect_no_slower(Kind::uniform, recorded.uniform);
}

TEST(RegressionGate, conversations_cost_no_more_than_recorded) {
    if (!hindrance().empty()) {
        GTEST_SKIP() << hindrance();
    }
    expect_no_slower(Kind::imix, recorded.imix);
}

// The gate itself: a burden of half a worker's own time a packet must not pass where the worker
// alone does. Each multiplication waits for the one before, five cycles with shift and exclusive
// or.
TEST(RegressionGate, sees_a_planted_slow_down) {
    if (!hindrance().empty()) {
        GTEST_SKIP() << hindrance();
    }
    constexpr unsigned burden = 20;
    const double limit = Gate(Kind::uniform).best_ratio(0) * margin;
    const double measured = Gate(Kind::uniform, burden).best_ratio(limit);
    ::testing::Test::RecordProperty("ratio", std::to_string(measured));
    EXPECT_GT(measured, limit) << "a burdened worker passed the gate";
}

}  // namespace
}  // namespace tapmeter::bench
