#include "src/bench/made_traffic.h"

#include <gtest/gtest.h>

#include "src/metrics/totals.h"
#include "tests/src/bench/in_memory_worker.h"

namespace tapmeter::bench {
namespace {

using Kind = TrafficRequest::Kind;
using testing::InMemoryWorker;
using testing::small_traffic;

// The books of a worker that metered so many packets of this traffic.
WorkerBooks metered(Traffic& traffic, std::uint64_t packets, Nanoseconds gap = Nanoseconds{67}) {
    MemorySource source(traffic, {.gap = gap, .packets_max = packets});
    InMemoryWorker worker(source, 65'536);
    while (!worker.worker().exhausted()) {
        worker.worker().step();
        worker.empty_ring();
    }
    return worker.worker().books();
}

TEST(MadeTraffic, uniform_has_every_flow_and_no_other) {
    Traffic traffic = small_traffic(Kind::uniform, 1'000, 10'000);
    EXPECT_EQ(traffic.packets(), 10'000U);
    EXPECT_EQ(traffic.warm_packets(), 1'000U);
    EXPECT_EQ(metered(traffic, 1'000).flows_created, 1'000U);
    EXPECT_EQ(metered(traffic, 30'000).flows_created, 1'000U);
}

TEST(MadeTraffic, uniform_has_more_packets_than_flows) {
    EXPECT_EQ(small_traffic(Kind::uniform, 5'000, 1).packets(), 10'000U);
}

TEST(MadeTraffic, flood_never_repeats_a_flow) {
    Traffic traffic = small_traffic(Kind::flood, 100, 8'000);
    EXPECT_EQ(traffic.packets(), 2'000U);
    EXPECT_EQ(metered(traffic, 7'000).flows_created, 7'000U) << "three passes and a half";
}

TEST(MadeTraffic, conversations_begin_and_end_in_order) {
    constexpr std::uint64_t lanes = 50;
    Traffic traffic = small_traffic(Kind::imix, lanes, 1);
    const std::uint64_t pass = traffic.packets();
    const WorkerBooks books = metered(traffic, 5 * pass, std::chrono::microseconds(100));
    // Those that the first pass finds open have no handshake but a FIN; all others are whole.
    const std::uint64_t ended = books.flows_ended[index_of(flow::FlowEndReason::end_of_flow)];
    EXPECT_GT(ended, 5 * lanes);
    EXPECT_LE(books.flows_active, 2 * lanes + books.flows_created / 5) << "open or lingering";
    EXPECT_EQ(books.flows_ended[index_of(flow::FlowEndReason::lack_of_resources)], 0U);
    const double packets_each =
        static_cast<double>(5 * pass) / static_cast<double>(books.flows_created);
    EXPECT_NEAR(packets_each, 20, 4) << "no conversation is torn apart at the end of a pass";
    EXPECT_EQ(metrics::sum(books.undecoded), 0U);
}

TEST(MadeTraffic, workers_have_flows_of_their_own) {
    auto first = make_traffic({.flows = 10, .file = {}, .packets_min = 64, .worker = 0});
    auto second = make_traffic({.flows = 10, .file = {}, .packets_min = 64, .worker = 1});
    ASSERT_TRUE(first && second);
    for (std::size_t mine = 0; mine < 10; ++mine) {
        for (std::size_t other = 0; other < 10; ++other) {
            const Bytes left(first->frame(first->slot(mine)), 42);
            const Bytes right(second->frame(second->slot(other)), 42);
            EXPECT_FALSE(std::ranges::equal(left, right));
        }
    }
}

TEST(MadeTraffic, frames_have_the_size_asked_for) {
    auto traffic = make_traffic({.flows = 4, .frame_size = 1'518, .file = {}, .packets_min = 64});
    ASSERT_TRUE(traffic);
    EXPECT_EQ(traffic->slot(7).wire_octets, 1'514U) << "without FCS";
    auto mixed = make_traffic({.flows = 4, .frame_size = 0, .file = {}, .packets_min = 1'000});
    ASSERT_TRUE(mixed);
    std::uint64_t octets = 0;
    for (std::size_t i = 0; i < mixed->packets(); ++i) {
        octets += mixed->slot(i).wire_octets;
    }
    EXPECT_NEAR(static_cast<double>(octets) / 1'000, 357.8, 40);  // (7×60 + 4×590 + 1514) / 12
}

}  // namespace
}  // namespace tapmeter::bench
