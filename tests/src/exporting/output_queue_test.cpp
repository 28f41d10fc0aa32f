#include "src/exporting/output_queue.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <cstring>
#include <thread>

#include "src/exporting/account.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

Descriptor event() {
    return Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

bool push_number(OutputQueue& queue, std::uint64_t number) {
    const auto room = queue.writable();
    if (room.empty()) {
        return false;
    }
    std::memcpy(room.data(), &number, sizeof number);
    queue.push({sizeof number, 0, {1, number, 0}});
    return true;
}

std::uint64_t number_in(Bytes octets) {
    std::uint64_t number = 0;
    std::memcpy(&number, octets.data(), sizeof number);
    return number;
}

TEST(OutputQueue, takes_its_limit_though_the_ring_is_a_power_of_two) {
    for (const std::size_t limit : {1U, 3U, 4U, 5U}) {
        OutputQueue queue({limit, 16}, event());
        for (std::uint64_t number = 0; number < limit; ++number) {
            ASSERT_TRUE(push_number(queue, number)) << limit;
        }
        EXPECT_FALSE(push_number(queue, 99)) << limit;
        ASSERT_EQ(queue.readable().size(), limit);
        queue.consume(1);
        EXPECT_TRUE(push_number(queue, 100)) << limit;
        EXPECT_FALSE(push_number(queue, 101)) << limit;
    }
}

TEST(OutputQueue, blocks_come_back_with_their_octets_round_and_round) {
    OutputQueue queue({3, 16}, event());
    std::uint64_t expected = 0;
    for (std::uint64_t number = 0; number < 50; number += 2) {
        ASSERT_TRUE(push_number(queue, number));
        ASSERT_TRUE(push_number(queue, number + 1));
        while (!queue.readable().empty()) {
            EXPECT_EQ(queue.readable()[0].contents.packets, expected);
            EXPECT_EQ(number_in(queue.octets_of(0)), expected++);
            queue.consume(1);
        }
    }
    EXPECT_EQ(expected, 50U);
}

// Nobody notices a lost waking but by waiting for ever: patience is longer than the test may take.
TEST(OutputQueue, a_sleeping_sender_is_woken) {
    constexpr std::uint64_t numbers = 20'000;
    OutputQueue queue({8, 16}, event());
    std::uint64_t sum = 0;
    std::jthread sender([&] {
        for (std::uint64_t seen = 0; seen < numbers;) {
            const std::size_t waiting = queue.readable().size();
            for (std::size_t i = 0; i < waiting; ++i) {
                sum += number_in(queue.octets_of(i));
            }
            queue.consume(waiting);
            seen += waiting;
            if (waiting == 0) {
                queue.wait(seconds{600});
            }
        }
    });
    for (std::uint64_t number = 0; number < numbers;) {
        if (push_number(queue, number)) {
            ++number;
            queue.wake();
        } else {
            std::this_thread::yield();
        }
    }
    sender.join();
    EXPECT_EQ(sum, numbers * (numbers - 1) / 2);
}

TEST(OutputQueue, drain_waits_for_the_sender_and_gives_up_at_its_deadline) {
    OutputQueue queue({4, 16}, event());
    ASSERT_TRUE(push_number(queue, 1));
    std::size_t abandoned = 0;
    std::jthread sender([&] {
        while (!queue.abandoned()) {  // a sender that gets nowhere
            queue.pause(milliseconds{5});
        }
        abandoned = queue.readable().size();
        queue.consume(abandoned);
    });
    EXPECT_FALSE(queue.finishing());
    queue.drain(steady_clock::now() + milliseconds{30});
    sender.join();
    EXPECT_TRUE(queue.finishing());
    EXPECT_EQ(abandoned, 1U);
    EXPECT_EQ(queue.waiting(), 0U);
}

TEST(OutputQueue, drain_of_an_empty_queue_abandons_nothing) {
    OutputQueue queue({4, 16}, event());
    queue.drain(steady_clock::now() - seconds{1});
    EXPECT_FALSE(queue.abandoned());
}

TEST(OutputQueueDeathTest, a_block_longer_than_its_room_is_a_bug) {
    OutputQueue queue({4, 16}, event());
    EXPECT_DEATH(queue.push({17, 0, {}}), "broken expectation");
}

// The law of OutputCounters at every read, while both threads write.
TEST(Account, balances_at_every_read) {
    Account account;
    OutputQueue queue({64, 16}, event());
    constexpr std::uint64_t messages = 20'000;
    std::jthread sender([&] {
        for (std::uint64_t done = 0; done < messages;) {
            const auto blocks = queue.readable();
            for (const Block& block : blocks) {
                auto& fate = done % 3 == 0 ? account.sender.send_error : account.sender.sent;
                fate += block.contents;
                ++done;
                account.publish_sender();
            }
            queue.consume(blocks.size());
            std::this_thread::yield();
        }
    });
    std::jthread taker([&] {
        for (std::uint64_t number = 0; number < messages;) {
            account.taker.taken += {1, number, 2 * number};
            account.taker.encoding += {1, number, 2 * number};
            account.publish_taker();
            account.taker.encoding -= {1, number, 2 * number};
            if (queue.writable().empty()) {
                account.taker.queue_full += {1, number, 2 * number};
                account.publish_taker();
                std::this_thread::yield();
                continue;
            }
            account.taker.handed_over += {1, number, 2 * number};
            account.publish_taker();
            queue.push({8, 0, {1, number, 2 * number}});
            ++number;
        }
    });
    OutputCounters seen;
    while (seen.sent.records + seen.dropped[1].records < messages) {
        seen = account.read();
        RecordTotals sum = seen.encoding;
        sum += seen.queued;
        sum += seen.sent;
        sum += seen.dropped[0];
        sum += seen.dropped[1];
        ASSERT_EQ(seen.taken.records, sum.records);
        ASSERT_EQ(seen.taken.packets, sum.packets);
        ASSERT_EQ(seen.taken.octets, sum.octets);
    }
}

}  // namespace
}  // namespace tapmeter::exporting
