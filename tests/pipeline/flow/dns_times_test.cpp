#include "pipeline/flow/dns_times.h"

#include <gtest/gtest.h>

#include <vector>

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using enum DnsTimes::Extent;

std::vector<std::byte> message(std::uint16_t id, bool answer, std::size_t octets = 12) {
    std::vector<std::byte> made(12);
    made[0] = static_cast<std::byte>(id >> 8U);
    made[1] = static_cast<std::byte>(id & 0xffU);
    made[2] = answer ? std::byte{0x81} : std::byte{0x01};
    made.resize(octets);
    return made;
}

class DnsTimesTest : public ::testing::Test {
protected:
    void query(std::uint16_t id, Nanoseconds at) {
        times.see(message(id, false), whole, ObservedAt{1s + at});
    }
    void answer(std::uint16_t id, Nanoseconds at) {
        times.see(message(id, true), whole, ObservedAt{1s + at});
    }
    DnsTimes times;
};

TEST_F(DnsTimesTest, from_the_query_to_its_answer) {
    query(1, 0ms);
    query(2, 1ms);
    answer(2, 3ms);
    answer(1, 10ms);
    EXPECT_EQ(times.answers(), 2U);
    EXPECT_EQ(times.unanswered(), 0U);
    EXPECT_EQ(times.min_us(), 2'000U);
    EXPECT_EQ(times.max_us(), 10'000U);
    EXPECT_EQ(times.mean_us(), 6'000U);
}

TEST_F(DnsTimesTest,
       a_query_that_is_sent_again_counts_from_the_first_time_and_one_answer_is_enough) {
    query(1, 0ms);
    query(1, 5ms);
    answer(1, 9ms);
    answer(1, 20ms);
    answer(3, 20ms);
    EXPECT_EQ(times.answers(), 1U);
    EXPECT_EQ(times.max_us(), 9'000U);
    query(1, 30ms);
    answer(1, 31ms);
    EXPECT_EQ(times.answers(), 2U) << "the id is used anew";
    EXPECT_EQ(times.min_us(), 1'000U);
}

TEST_F(DnsTimesTest, a_query_that_is_sent_again_long_after_is_another_one) {
    query(7, 0ms);
    query(1, 10ms);
    query(1, 5'010ms);
    answer(1, 5'012ms);
    EXPECT_EQ(times.max_us(), 5'002'000U) << "five seconds: the same query";
    EXPECT_EQ(times.unanswered(), 1U);
    query(7, 5'001ms);
    answer(7, 5'004ms);
    EXPECT_EQ(times.answers(), 2U);
    EXPECT_EQ(times.min_us(), 3'000U);
    EXPECT_EQ(times.unanswered(), 1U) << "the first of that id";
}

TEST_F(DnsTimesTest, an_answer_in_fragments_has_come_with_the_last_of_them) {
    times.see_last_fragment(ObservedAt{1s});
    query(1, 0ms);
    query(2, 1ms);
    times.see(message(2, true), first_fragment, ObservedAt{1s + 4ms});
    times.see(message(7, true), first_fragment, ObservedAt{1s + 4ms});  // nobody asked
    EXPECT_EQ(times.answers(), 0U);
    EXPECT_EQ(times.unanswered(), 2U);
    times.see_last_fragment(ObservedAt{1s + 6ms});
    times.see_last_fragment(ObservedAt{1s + 7ms});
    EXPECT_EQ(times.answers(), 1U);
    EXPECT_EQ(times.max_us(), 5'000U);
    times.see(message(1, true), first_fragment, ObservedAt{1s + 8ms});
    answer(1, 9ms);  // sent again, whole
    times.see_last_fragment(ObservedAt{1s + 10ms});
    EXPECT_EQ(times.answers(), 2U);
    EXPECT_EQ(times.max_us(), 9'000U);
    query(1, 20ms);
    times.see_last_fragment(ObservedAt{1s + 21ms});
    EXPECT_EQ(times.answers(), 2U) << "the id is used anew, and its answer has not begun";
    times.see(message(3, false), first_fragment, ObservedAt{1s + 22ms});  // a query in fragments
    answer(3, 23ms);
    EXPECT_EQ(times.answers(), 3U);
}

TEST_F(DnsTimesTest, of_more_queries_than_may_wait_the_oldest_is_forgotten) {
    for (std::uint16_t id = 0; id <= DnsTimes::pending_max; ++id) {
        query(id, std::chrono::milliseconds(id));
    }
    EXPECT_EQ(times.unanswered(), DnsTimes::pending_max + 1);
    answer(0, 1s);
    EXPECT_EQ(times.answers(), 0U);
    for (std::uint16_t id = 1; id <= DnsTimes::pending_max; ++id) {
        answer(id, 1s);
    }
    EXPECT_EQ(times.answers(), DnsTimes::pending_max);
    EXPECT_EQ(times.unanswered(), 1U);
}

TEST_F(DnsTimesTest, a_cut_begins_counts_anew_and_queries_go_on_to_wait) {
    query(1, 0ms);
    query(2, 0ms);
    answer(1, 1ms);
    times.clear_counts();
    EXPECT_EQ(times.answers(), 0U);
    EXPECT_EQ(times.mean_us(), 0U);
    EXPECT_EQ(times.unanswered(), 1U);
    answer(2, 7ms);
    EXPECT_EQ(times.min_us(), 7'000U);
}

TEST_F(DnsTimesTest, what_is_too_short_says_nothing_and_time_may_run_backwards) {
    times.see(message(1, false, 11), whole, ObservedAt{1s});
    EXPECT_EQ(times.unanswered(), 0U);
    query(1, 5ms);
    answer(1, 1ms);
    EXPECT_EQ(times.max_us(), 1U);
}

}  // namespace
}  // namespace tapmeter::flow
