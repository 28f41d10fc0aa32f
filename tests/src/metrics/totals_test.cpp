#include "src/metrics/totals.h"

#include <gtest/gtest.h>

namespace tapmeter::metrics {
namespace {

TEST(Totals, add_up_the_books_of_all_workers) {
    Snapshot snapshot;
    snapshot.workers.resize(2);
    snapshot.workers[0].books.received_packets = 3;
    snapshot.workers[1].books.received_packets = 4;
    snapshot.workers[0].books.metered = {.packets = 2, .octets = 100, .layer2_octets = 128};
    snapshot.workers[1].books.metered = {.packets = 1, .octets = 50, .layer2_octets = 64};
    snapshot.workers[1].books.undecoded[index_of(Undecoded::truncated)] = 5;

    const WorkerBooks all = all_workers(snapshot);

    EXPECT_EQ(all.received_packets, 7U);
    EXPECT_EQ(all.metered, (Traffic{.packets = 3, .octets = 150, .layer2_octets = 192}));
    EXPECT_EQ(all.undecoded[index_of(Undecoded::truncated)], 5U);
}

TEST(Totals, the_state_of_all_is_the_worst_of_each_with_every_cause) {
    Snapshot snapshot;
    snapshot.workers.resize(2);
    snapshot.workers[0].books.load_state = static_cast<std::uint64_t>(LoadState::hot);
    snapshot.workers[0].books.load_causes = 0b0001;
    snapshot.workers[0].books.sampling_exponent = 3;
    snapshot.workers[1].books.load_state = static_cast<std::uint64_t>(LoadState::warm);
    snapshot.workers[1].books.load_causes = 0b0100;
    snapshot.workers[0].books.sampled.flows = {.counted = 1, .estimated = 8, .variance = 56};
    snapshot.workers[1].books.sampled.flows = {.counted = 1, .estimated = 2, .variance = 2};
    const WorkerBooks all = all_workers(snapshot);
    EXPECT_EQ(all.load_state, static_cast<std::uint64_t>(LoadState::hot));
    EXPECT_EQ(all.load_causes, 0b0101U);
    EXPECT_EQ(all.sampling_exponent, 3U);
    EXPECT_EQ(all.sampled.flows.counted, 2U);
    EXPECT_EQ(all.sampled.flows.estimated, 10);
    EXPECT_EQ(all.sampled.flows.variance, 58);
}

TEST(Totals, what_an_output_dropped_is_the_sum_of_its_reasons) {
    exporting::OutputCounters counters{};
    counters.dropped[0].records = 2;
    counters.dropped[1].records = 5;
    EXPECT_EQ(records_dropped(counters), 7U);
}

TEST(Totals, a_share_of_nothing_is_nothing) {
    EXPECT_EQ(ratio(1, 0), 0.0);
    EXPECT_EQ(ratio(1, 4), 0.25);
}

}  // namespace
}  // namespace tapmeter::metrics
