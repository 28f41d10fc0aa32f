#include "pipeline/inspect/flow_states.h"

#include <gtest/gtest.h>

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;

FlowState of_flow(std::uint32_t flow) {
    FlowState state;
    state.flow = flow::FlowIndex{flow};
    state.in_use = true;
    return state;
}

TEST(FlowStates, the_oldest_is_the_one_without_a_packet_for_longest) {
    FlowStates states(3);
    const StateIndex a = states.take(of_flow(1));
    const StateIndex b = states.take(of_flow(2));
    const StateIndex c = states.take(of_flow(3));
    EXPECT_FALSE(states.any_free());
    EXPECT_EQ(states.oldest(), a);
    states.touch(a, ObservedAt{1s});
    EXPECT_EQ(states[a].last, ObservedAt{1s});
    EXPECT_EQ(states.oldest(), b);
    states.touch(a, ObservedAt{2s});
    states.touch(b, ObservedAt{2s});
    EXPECT_EQ(states.oldest(), c);
}

TEST(FlowStates, what_is_given_back_is_empty_and_used_again) {
    FlowStates states(3);
    const StateIndex a = states.take(of_flow(1));
    const StateIndex b = states.take(of_flow(2));
    const StateIndex c = states.take(of_flow(3));
    states.give_back(b);  // in the middle
    EXPECT_FALSE(states[b].in_use);
    EXPECT_TRUE(states.any_free());
    EXPECT_EQ(states.take(of_flow(4)), b);
    states.give_back(a);  // the oldest
    EXPECT_EQ(states.oldest(), c);
    states.give_back(b);  // the youngest
    states.give_back(c);  // the last
    EXPECT_EQ(states.take(of_flow(5)), c);
    EXPECT_EQ(states.oldest(), c);
    EXPECT_EQ(states[c].flow, flow::FlowIndex{5});
}

}  // namespace
}  // namespace tapmeter::inspect
