#include "pipeline/flow/expiry.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "pipeline/flow/flow_hash.h"
#include "tests/support/flows.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::key_number;

// Flows that do nothing but wait for their deadline.
class Waiting {
public:
    explicit Waiting(std::size_t flows_max)
        : table_(std::move(*FlowTable::make(
              {.flows_max = flows_max, .pages = Region::Wanted::small, .populate = false}))) {}

    void add(std::uint32_t number, ObservedAt due, ObservedAt now) {
        const FlowKey key = key_number(number);
        const FlowIndex index = table_.insert(hash_of(key), deadline_ticks(due, now));
        ASSERT_NE(index, no_flow);
        table_.flow(index) = Flow{.key = key, .last = due};
    }

    // Walks at `now`; every visited flow that is due leaves. Fails on one that left too late.
    void walk(ObservedAt now, Nanoseconds late_max) {
        expiry_.walk(table_, now, [&](FlowIndex index) {
            const ObservedAt due = table_.flow(index).last;
            ++visits_;
            if (due > now) {
                table_.set_deadline(index, deadline_ticks(due, now));
                return true;
            }
            EXPECT_LE(now - due, late_max);
            table_.erase(index, hash_of(table_.flow(index).key));
            return true;
        });
    }

    template <class Visit>
    void walk_with(ObservedAt now, Visit visit) {
        expiry_.walk(table_, now, visit);
    }

    template <class Visit>
    Expiry::Work walk_at_most(ObservedAt now, Expiry::Work most, Visit visit) {
        return expiry_.walk(table_, now, visit, most);
    }

    FlowTable& table() { return table_; }
    std::size_t visits() const { return visits_; }
    FlowHash hash_of(const FlowKey& key) const {
        FlowHash hash{};
        hasher_.hash({&key, 1}, {&hash, 1});
        return hash;
    }

private:
    FlowTable table_;
    Expiry expiry_;
    FlowHasher hasher_{{5, 6}};
    std::size_t visits_ = 0;
};

constexpr ObservedAt began{Nanoseconds{1'767'225'600'000'000'000}};

TEST(Expiry, every_flow_leaves_within_100_ms_of_its_deadline) {
    constexpr std::uint32_t flows = 50'000;
    Waiting waiting(flows * 2);
    waiting.walk(began, 0ns);
    std::mt19937_64 random(3);
    for (std::uint32_t number = 0; number < flows; ++number) {
        const Nanoseconds wait{static_cast<std::int64_t>(random() % 20'000'000'000)};
        waiting.add(number, began + wait, began);
    }
    for (Nanoseconds time = 1ms; time <= 20'200ms; time += 1ms) {
        waiting.walk(began + time, 100ms);
    }
    EXPECT_EQ(waiting.table().flows(), 0U);
    EXPECT_LE(waiting.visits(), flows) << "no flow was looked at before its deadline";
}

TEST(Expiry, deadlines_beyond_the_ticks_are_looked_at_again) {
    Waiting waiting(1'024);
    waiting.walk(began, 0ns);
    waiting.add(1, began + 1h, began);
    for (Nanoseconds time = 0s; time < 1h; time += 1s) {
        waiting.walk(began + time, 0ns);
        ASSERT_EQ(waiting.table().flows(), 1U);
    }
    waiting.walk(began + 1h + 1s, 2s);
    EXPECT_EQ(waiting.table().flows(), 0U);
    EXPECT_LT(waiting.visits(), 20U) << "once every 4.6 minutes";
}

// Ticks wrap after 18 minutes: a gap in the traffic must not hide what became due in it.
class Gap : public ::testing::TestWithParam<std::chrono::minutes> {};
TEST_P(Gap, what_became_due_in_a_gap_leaves_after_it) {
    Waiting waiting(1'024);
    waiting.walk(began, 0ns);
    for (std::uint32_t number = 0; number < 500; ++number) {
        waiting.add(number, began + number * 1ms, began);
    }
    waiting.walk(began + GetParam(), 100h);
    EXPECT_EQ(waiting.table().flows(), 0U);
}
INSTANTIATE_TEST_SUITE_P(, Gap,
                         ::testing::Values(1min, 3min, 5min, 9min, 13min, 18min, 19min, 27min,
                                           1'440min));

TEST(Expiry, a_refused_visit_is_made_again) {
    Waiting waiting(1'024);
    waiting.walk(began, 0ns);
    for (std::uint32_t number = 0; number < 100; ++number) {
        waiting.add(number, began + 1s, began);
    }
    std::size_t left = 0;
    for (int turn = 0; turn < 20; ++turn) {  // ten a turn, as when a ring has little room
        std::size_t allowed = 10;
        waiting.walk_with(began + 2s, [&](FlowIndex index) {
            if (allowed == 0) {
                return false;
            }
            --allowed;
            ++left;
            waiting.table().erase(index, waiting.hash_of(waiting.table().flow(index).key));
            return true;
        });
    }
    EXPECT_EQ(left, 100U);
    EXPECT_EQ(waiting.table().flows(), 0U);
}

// What one walk may do has an end, and nothing is left out or visited twice for it.
class Bounded : public ::testing::TestWithParam<Nanoseconds> {};
TEST_P(Bounded, a_walk_goes_on_where_the_one_before_stopped) {
    constexpr std::uint32_t flows = 3'000;
    constexpr Expiry::Work most = 2'000;
    constexpr Expiry::Work one_bucket =
        Expiry::work_of_due_bucket + FlowBucket::ways * Expiry::work_of_flow;
    constexpr Expiry::Work beyond = Expiry::work_of_due_group + one_bucket;
    Waiting waiting(2 * flows);
    waiting.walk(began, 0ns);
    for (std::uint32_t number = 0; number < flows; ++number) {
        waiting.add(number, began + 1s, began);
    }
    std::size_t left = 0;
    const auto leave = [&](FlowIndex index) {
        ++left;
        waiting.table().erase(index, waiting.hash_of(waiting.table().flow(index).key));
        return true;
    };
    const ObservedAt late = began + GetParam();
    EXPECT_GE(waiting.walk_at_most(late, most, leave), most);
    EXPECT_LT(left, flows / 10);
    int walks = 1;
    for (; waiting.table().flows() != 0 && walks < 1'000; ++walks) {
        ASSERT_LE(waiting.walk_at_most(late, most, leave), most + beyond);
    }
    EXPECT_EQ(left, flows);
    EXPECT_EQ(waiting.table().flows(), 0U);
    EXPECT_GE(walks, static_cast<int>(flows * Expiry::work_of_flow / (most + beyond)));
}
// The second is a gap in which ticks wrap: every flow is looked at.
INSTANTIATE_TEST_SUITE_P(, Bounded, ::testing::Values(2s, 3h));

TEST(FlowBucket, ways_are_due_as_each_deadline_says) {
    std::mt19937 random(5);
    for (int round = 0; round < 10'000; ++round) {
        FlowBucket bucket{.guests = static_cast<std::uint16_t>(random()),
                          .several = static_cast<std::uint16_t>(random())};
        const auto now = static_cast<Ticks>(random());
        std::uint32_t due = 0;
        for (std::size_t way = 0; way < FlowBucket::ways; ++way) {
            const bool is_used = random() % 4 != 0;
            const auto near = static_cast<Ticks>(now + random() % 5 - 2);
            bucket.tags[way] = is_used ? std::uint16_t{FlowBucket::in_use | 7U} : std::uint16_t{0};
            bucket.deadlines[way] = random() % 2 != 0 ? near : static_cast<Ticks>(random());
            due |= static_cast<std::uint32_t>(is_used && is_due(bucket.deadlines[way], now)) << way;
        }
        ASSERT_EQ(bucket.due_ways(now), due) << "round " << round << ", tick " << now;
    }
}

}  // namespace
}  // namespace tapmeter::flow
