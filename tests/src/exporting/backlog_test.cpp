#include "src/exporting/backlog.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <optional>

#include "tests/support/output_end.h"
#include "tests/support/spool_folder.h"

namespace tapmeter::exporting {
namespace {

using test_support::dropped;
using test_support::expect_balanced;
using test_support::SpoolFolder;

constexpr std::string_view rows = "rows of a database, version 1";

// One run of the program: a queue of blocks of 100 octets, each with its number in the first.
class OneRun {
public:
    OneRun(const SpoolFolder* folder, std::uint64_t first_id, std::string_view made_of = rows,
           std::size_t in_hand_max = 3) {
        std::unique_ptr<Spool> spool;
        if (folder != nullptr) {
            spool = Spool::open({"test", "test", folder->path().string(), octets_max, {}}).value();
        }
        backlog_.emplace(Backlog::Setup{.spool = std::move(spool),
                                        .made_of = std::string(made_of),
                                        .in_hand_max = in_hand_max,
                                        .spool_from = 4,
                                        .first_id = first_id},
                         queue_, account_);
    }

    // False: the queue is full.
    bool put(std::uint8_t number) {
        const std::span<std::byte> room = queue_.writable();
        if (room.empty()) {
            return false;
        }
        std::ranges::fill(room, std::byte{number});
        const RecordTotals one{1, 10, 100, 2};
        account_.taker.taken += one;
        account_.taker.handed_over += one;
        account_.publish_taker();
        queue_.push({.octets = 100, .contents = one, .ended = ObservedAt{Nanoseconds{number}}});
        return true;
    }
    // Brings the oldest in hand away; its number.
    std::uint8_t send_oldest() {
        const Backlog::Held& oldest = (*backlog_)[0];
        const auto number = std::to_integer<std::uint8_t>(oldest.octets[0]);
        Backlog::Fate fate;
        fate.sent = oldest.contents;
        fate.messages = 1;
        fate.message_octets = 100;
        backlog_->give_back(fate);
        expect_balanced(account_.read());
        return number;
    }
    // All that waits, in the order in which it is sent.
    std::vector<std::uint8_t> send_all() {
        std::vector<std::uint8_t> numbers;
        while (backlog_->take()) {
            numbers.push_back(send_oldest());
        }
        return numbers;
    }
    Backlog& backlog() { return *backlog_; }
    OutputQueue& queue() { return queue_; }
    OutputCounters counters() const { return account_.read(); }

private:
    static constexpr std::uint64_t octets_max = std::uint64_t{64} << 20U;

    OutputQueue queue_{{8, 100}, Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))};
    Account account_;
    std::optional<Backlog> backlog_;
};

std::vector<std::uint8_t> from_to(std::uint8_t first, std::uint8_t end) {
    std::vector<std::uint8_t> numbers;
    for (; first < end; ++first) {
        numbers.push_back(first);
    }
    return numbers;
}

TEST(Backlog, has_blocks_of_the_queue_in_hand_where_they_are) {
    OneRun run(nullptr, 70);
    EXPECT_TRUE(run.backlog().empty());
    for (std::uint8_t number = 0; number < 8; ++number) {
        ASSERT_TRUE(run.put(number));
    }
    EXPECT_FALSE(run.put(8));
    run.backlog().relieve_queue(false);
    EXPECT_EQ(run.queue().waiting(), 8U) << "there is no disk";
    while (run.backlog().take()) {
    }
    ASSERT_EQ(run.backlog().in_hand(), 3U);
    EXPECT_EQ(run.backlog()[2].octets.data(), run.queue().octets_of(2).data());
    EXPECT_EQ(run.backlog()[2].id, 72U);
    EXPECT_EQ(run.backlog()[2].ended, ObservedAt{Nanoseconds{2}});
    EXPECT_EQ(run.counters().queued.records, 8U) << "what is in hand still waits";
    EXPECT_EQ(run.send_oldest(), 0);
    EXPECT_EQ(run.queue().waiting(), 7U);
    EXPECT_TRUE(run.put(8));
    EXPECT_EQ(run.send_oldest(), 1);
    EXPECT_EQ(run.send_oldest(), 2);
    EXPECT_EQ(run.send_all(), from_to(3, 9));
    EXPECT_TRUE(run.backlog().empty());
    EXPECT_EQ(run.counters().sent.alerts, 18U);
}

TEST(Backlog, moves_what_waits_to_the_disk_and_keeps_the_order) {
    const SpoolFolder folder;
    OneRun run(&folder, 0);
    for (std::uint8_t number = 0; number < 3; ++number) {
        ASSERT_TRUE(run.put(number));
    }
    ASSERT_TRUE(run.backlog().take());
    ASSERT_TRUE(run.backlog().take());
    run.backlog().relieve_queue(false);
    EXPECT_EQ(run.counters().spooled.records, 0U) << "half of the queue is free";
    for (std::uint8_t number = 3; number < 200; ++number) {
        ASSERT_TRUE(run.put(number));
        run.backlog().relieve_queue(false);
        expect_balanced(run.counters());
    }
    EXPECT_GT(run.counters().spooled.records, 190U);
    EXPECT_TRUE(run.backlog()[0].on_disk) << "what was in hand is on its way from there";
    EXPECT_EQ(std::to_integer<int>(run.backlog()[1].octets[99]), 1);
    EXPECT_EQ(run.send_oldest(), 0);
    EXPECT_EQ(run.send_oldest(), 1);
    ASSERT_TRUE(run.backlog().take());
    EXPECT_EQ(run.backlog()[0].id, 2U);
    EXPECT_EQ(run.backlog()[0].ended, ObservedAt{Nanoseconds{2}});
    EXPECT_FALSE(run.backlog()[0].recovered);
    EXPECT_EQ(run.send_oldest(), 2);
    EXPECT_EQ(run.send_all(), from_to(3, 200));
    EXPECT_EQ(run.counters().sent.records, 200U);
    EXPECT_EQ(run.counters().sent.alerts, 400U);
    EXPECT_EQ(folder.files(), 0U);
}

TEST(Backlog, goes_on_with_the_queue_where_the_disk_is_empty) {
    const SpoolFolder folder;
    OneRun run(&folder, 0);
    for (std::uint8_t round = 0; round < 20; ++round) {
        for (std::uint8_t number = 0; number < 6; ++number) {
            ASSERT_TRUE(run.put(static_cast<std::uint8_t>(round * 6 + number)));
        }
        run.backlog().take();
        run.backlog().relieve_queue(true);
        ASSERT_TRUE(run.put(200));
        EXPECT_EQ(run.send_oldest(), round * 6);
        std::vector<std::uint8_t> rest = run.send_all();
        ASSERT_FALSE(rest.empty());
        EXPECT_EQ(rest.back(), 200);
        rest.pop_back();
        EXPECT_EQ(rest, from_to(static_cast<std::uint8_t>(round * 6 + 1),
                                static_cast<std::uint8_t>(round * 6 + 6)));
    }
}

// All of it, in hand or not; what was given back stays given back.
TEST(Backlog, leaves_for_the_next_run_what_is_left) {
    const SpoolFolder folder;
    {
        OneRun run(&folder, 500);
        for (std::uint8_t number = 0; number < 7; ++number) {
            ASSERT_TRUE(run.put(number));
        }
        ASSERT_TRUE(run.backlog().take());
        ASSERT_TRUE(run.backlog().take());
        EXPECT_EQ(run.send_oldest(), 0);
        run.backlog().leave_on_disk();
        EXPECT_EQ(run.backlog().in_hand(), 0U);
        EXPECT_FALSE(run.backlog().take());
        EXPECT_EQ(run.counters().spooled.records, 6U);
        EXPECT_EQ(run.counters().queued.records, 0U);
        expect_balanced(run.counters());
    }
    OneRun next(&folder, 9'000, "rows of a database, version 2");
    EXPECT_EQ(next.counters().recovered.records, 6U);
    EXPECT_EQ(next.counters().recovered.alerts, 12U);
    ASSERT_TRUE(next.put(7));
    ASSERT_TRUE(next.backlog().take());
    EXPECT_EQ(next.backlog()[0].id, 501U);
    EXPECT_TRUE(next.backlog()[0].recovered);
    EXPECT_EQ(next.backlog().made_of(next.backlog()[0]), rows);
    EXPECT_NE(next.backlog()[0].made_as, next.backlog().made_as_now());
    EXPECT_EQ(next.send_oldest(), 1);
    EXPECT_EQ(next.send_all(), from_to(2, 8));
    EXPECT_EQ(dropped(next.counters()).records, 0U);
    EXPECT_EQ(folder.files(), 0U);
}

// A program that is killed has confirmed nothing of what it had in hand.
TEST(Backlog, loses_nothing_on_disk_with_a_run_that_is_killed) {
    const SpoolFolder folder;
    {
        OneRun run(&folder, 0);
        for (std::uint8_t number = 0; number < 8; ++number) {
            ASSERT_TRUE(run.put(number));
        }
        run.backlog().relieve_queue(false);
        ASSERT_TRUE(run.backlog().take());
        ASSERT_TRUE(run.backlog().take());
        EXPECT_EQ(run.send_oldest(), 0);
    }
    OneRun next(&folder, 0);
    EXPECT_EQ(next.send_all(), from_to(1, 8));
}

TEST(Backlog, leaves_half_of_a_queue_free_and_room_for_a_take) {
    EXPECT_EQ(spool_from(1'024, 5), 512U);
    EXPECT_EQ(spool_from(10, 5), 5U);
    EXPECT_EQ(spool_from(9, 5), 1U);
}

}  // namespace
}  // namespace tapmeter::exporting
