#include "src/exporting/block_filler.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include "src/exporting/settle.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr RecordTotals one{1, 2, 3, 0};

class BlockFillerTest : public testing::Test {
protected:
    // Blocks of 100 octets.
    OutputQueue queue_{{2, 100}, Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))};
    Account account_;
    BlockFiller filler_{queue_, account_, milliseconds{400}};

    void put(std::size_t octets) {
        account_.taker.taken += one;
        if (filler_.room(octets).empty()) {
            filler_.refuse(one);
        } else {
            filler_.add(octets, one, ObservedAt{Nanoseconds{5}});
        }
        account_.publish_taker();
    }
};

TEST_F(BlockFillerTest, hands_over_what_the_next_does_not_fit_behind) {
    put(60);
    put(40);
    EXPECT_EQ(filler_.left(), 0U);
    EXPECT_TRUE(queue_.readable().empty());
    EXPECT_EQ(filler_.block_number(), 0U);
    put(1);
    ASSERT_EQ(queue_.readable().size(), 1U);
    EXPECT_EQ(filler_.block_number(), 1U);
    EXPECT_EQ(queue_.readable()[0].octets, 100U);
    EXPECT_EQ(queue_.readable()[0].contents.records, 2U);
    EXPECT_EQ(queue_.readable()[0].ended, ObservedAt{Nanoseconds{5}});
}

TEST_F(BlockFillerTest, refuses_when_all_wait_and_what_no_block_holds) {
    put(100);
    put(100);
    put(101);  // hands the second over, and fits nowhere
    EXPECT_EQ(queue_.readable().size(), 2U);
    put(1);
    const OutputCounters counters = account_.read();
    EXPECT_EQ(counters.taken.records, 4U);
    EXPECT_EQ(counters.queued.records, 2U);
    EXPECT_EQ(counters.dropped[0].records, 2U);
    EXPECT_EQ(counters.dropped[0].octets, 6U);
    settle(queue_, account_, 1, true);
    put(1);
    EXPECT_EQ(account_.read().encoding.records, 1U);
    EXPECT_EQ(account_.read().sent.records, 1U);
}

TEST_F(BlockFillerTest, a_block_leaves_when_it_is_old) {
    const auto start = steady_clock::now();
    filler_.tick(start);
    filler_.tick(start + milliseconds{400});
    EXPECT_TRUE(queue_.readable().empty());  // nothing is in it
    put(1);
    filler_.tick(start + milliseconds{799});
    EXPECT_TRUE(queue_.readable().empty());
    filler_.tick(start + milliseconds{800});
    EXPECT_EQ(queue_.readable().size(), 1U);
}

}  // namespace
}  // namespace tapmeter::exporting
