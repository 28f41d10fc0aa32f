#include "src/saving/joined_rings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace tapmeter::saving {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Joined : public ::testing::Test {
protected:
    explicit Joined(std::size_t rings = 2) {
        for (std::size_t i = 0; i < rings; ++i) {
            rings_.push_back(std::move(*SaveRing::make(8 * SaveRing::chunk_octets, false)));
            seen_.push_back(rings_.back().get());
        }
        joined_ = std::make_unique<JoinedRings>(seen_);
    }
    // A chunk with packets of these times.
    void put(std::size_t ring, std::initializer_list<std::int64_t> times) {
        for (const std::int64_t time : times) {
            const std::array<std::byte, 60> frame{static_cast<std::byte>(time)};
            EXPECT_TRUE(
                rings_[ring]->put({.observed_ns = time, .octets = 60, .wire_octets = 60}, frame));
        }
        rings_[ring]->flush();
    }
    std::vector<std::int64_t> written(JoinedRings::Clock::duration after = 0ms, bool last = false) {
        std::vector<std::int64_t> times;
        now_ += after;
        const std::size_t count =
            joined_->visit(now_, last, [&](const SavedPacket& head, Bytes frame) {
                EXPECT_EQ(frame.size(), head.octets);
                EXPECT_EQ(frame.front(), static_cast<std::byte>(head.observed_ns));
                times.push_back(head.observed_ns);
            });
        EXPECT_EQ(count, times.size());
        return times;
    }

    std::vector<std::unique_ptr<SaveRing>> rings_;
    std::vector<SaveRing*> seen_;
    std::unique_ptr<JoinedRings> joined_;
    JoinedRings::Clock::time_point now_{1h};
};

TEST_F(Joined, the_earliest_comes_first_while_all_have_one) {
    put(0, {1, 4, 5, 9});
    put(1, {2, 3, 6});
    EXPECT_THAT(written(), ElementsAre(1, 2, 3, 4, 5, 6));
    put(1, {7, 8, 20});
    EXPECT_THAT(written(), ElementsAre(7, 8, 9));
    EXPECT_THAT(written(1ms), IsEmpty()) << "the first ring may show one from 10 on";
    put(0, {10, 30});
    EXPECT_THAT(written(), ElementsAre(10, 20));
}

TEST_F(Joined, equal_times_go_on_with_the_ring_that_is_at_hand) {
    put(0, {5, 5});
    put(1, {5, 6});
    EXPECT_THAT(written(), ElementsAre(5, 5));
    EXPECT_THAT(written(1h), ElementsAre(5, 6));
}

TEST_F(Joined, a_ring_that_stays_empty_is_waited_for_and_no_longer) {
    put(0, {1, 2});
    EXPECT_THAT(written(), IsEmpty());
    put(0, {3});
    EXPECT_THAT(written(JoinedRings::wait_max - 1ms), IsEmpty());
    EXPECT_THAT(written(1ms), ElementsAre(1, 2)) << "3 was shown later";
    EXPECT_THAT(written(JoinedRings::wait_max), ElementsAre(3));
}

TEST_F(Joined, what_is_late_comes_as_soon_as_it_may) {
    put(0, {5});
    EXPECT_THAT(written(JoinedRings::wait_max), IsEmpty()) << "was first seen now";
    EXPECT_THAT(written(JoinedRings::wait_max), ElementsAre(5));
    put(1, {3});
    put(0, {7});
    EXPECT_THAT(written(), ElementsAre(3));
}

TEST_F(Joined, rings_that_fill_do_not_wait) {
    put(0, {1});
    put(0, {2});
    EXPECT_THAT(written(), IsEmpty()) << "a quarter of eight chunks";
    put(0, {3});
    EXPECT_THAT(written(), ElementsAre(1));
}

TEST_F(Joined, at_the_end_all_goes_in_order) {
    put(0, {1, 9});
    put(0, {10});
    put(1, {5});
    EXPECT_THAT(written(0ms, true), ElementsAre(1, 5, 9, 10));
    EXPECT_THAT(written(0ms, true), IsEmpty());
}

class Alone : public Joined {
protected:
    Alone() : Joined(1) {}
};

TEST_F(Alone, a_ring_waits_for_nobody) {
    put(0, {3, 1, 2});
    EXPECT_THAT(written(), ElementsAre(3, 1, 2)) << "as they came";
}

}  // namespace
}  // namespace tapmeter::saving
