#include "src/metrics/overall.h"

#include <gtest/gtest.h>

#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using Causes = std::vector<std::string_view>;

TEST(Overall, is_the_worst_of_the_workers_with_their_causes) {
    const Overall state = overall(sample_snapshot());
    EXPECT_EQ(state.state, LoadState::hot);
    EXPECT_EQ(state.causes, (Causes{"ring", "backlog"}));
    EXPECT_EQ(overall(Snapshot{}).state, LoadState::normal);
    EXPECT_EQ(overall(Snapshot{}).causes, Causes{});
}

TEST(Overall, is_warm_at_least_while_queues_are_skewed) {
    Snapshot snapshot;
    snapshot.interfaces.resize(2);
    snapshot.queue_skew_warm = 1.5;
    snapshot.interfaces[1].queue_skew = 1.49;
    EXPECT_EQ(overall(snapshot).state, LoadState::normal);
    snapshot.interfaces[1].queue_skew = 1.5;
    EXPECT_EQ(overall(snapshot).state, LoadState::warm);
    EXPECT_EQ(overall(snapshot).causes, Causes{"queue_skew"});
    snapshot.workers.resize(1);
    snapshot.workers[0].books.load_state = static_cast<std::uint64_t>(LoadState::flood);
    EXPECT_EQ(overall(snapshot).state, LoadState::flood);
}

TEST(Overall, skew_means_nothing_where_software_steers) {
    Snapshot snapshot;
    snapshot.interfaces.resize(1);
    snapshot.queue_skew_warm = 1.5;
    snapshot.interfaces[0].queue_skew = 4;
    snapshot.steered = true;
    EXPECT_EQ(overall(snapshot).state, LoadState::normal);
}

}  // namespace
}  // namespace tapmeter::metrics
