#include "src/bench/stages.h"

#include <gtest/gtest.h>

#include "tests/src/bench/in_memory_worker.h"

namespace tapmeter::bench {
namespace {

TEST(Stages, are_seven_and_add_up_to_a_worker) {
    constexpr std::size_t flows = 2'048;
    const auto stages =
        measure_stages(testing::small_traffic(TrafficRequest::Kind::uniform, flows, 16'384),
                       {.table = {.flows_max = flows},
                        .timeouts = {.idle = std::chrono::seconds(30),
                                     .active = std::chrono::seconds(60),
                                     .tcp_end = std::chrono::seconds(2)},
                        .packets = 16'384,
                        .rounds = 2});
    ASSERT_TRUE(stages);
    ASSERT_EQ(stages->size(), 7U);
    EXPECT_EQ(stages->front().name, "receive");
    double sum = 0;
    for (const StageCost& stage : *stages) {
        sum += stage.ns;
    }
    EXPECT_GT(stages->front().ns, 0);
    EXPECT_GT(sum, stages->front().ns) << "a worker does more than receive";
}

TEST(Stages, need_their_tables) {
    const auto stages = measure_stages(
        testing::small_traffic(TrafficRequest::Kind::uniform, 16, 64),
        {.table = {.flows_max = 1'024, .pages = Region::Wanted::huge}, .timeouts = {}});
    if (!stages) {  // where huge pages are reserved there is nothing to refuse
        EXPECT_NE(stages.error().message.find("huge pages"), std::string::npos);
    }
}

}  // namespace
}  // namespace tapmeter::bench
