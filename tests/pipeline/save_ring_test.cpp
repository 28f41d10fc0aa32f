#include "pipeline/save_ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "tests/support/frames.h"

namespace tapmeter {
namespace {

using testing::Frame;
using testing::packet_of;

constexpr std::uint32_t whole = 262'144;

std::unique_ptr<SaveRing> ring_of(std::size_t chunks) {
    return std::move(*SaveRing::make(chunks * SaveRing::chunk_octets, false));
}

struct Kept {
    SavedPacket head;
    Frame frame;
};

std::vector<Kept> read_all(std::span<const std::byte> chunk) {
    std::vector<Kept> all;
    while (chunk.size() >= sizeof(SavedPacket)) {
        Kept kept;
        std::memcpy(&kept.head, chunk.data(), sizeof(kept.head));
        const auto octets = chunk.subspan(sizeof(kept.head), kept.head.octets);
        kept.frame.assign(octets.begin(), octets.end());
        chunk = chunk.subspan(sizeof(kept.head) + (kept.head.octets + 7U) / 8 * 8);
        all.push_back(std::move(kept));
    }
    return all;
}

TEST(SaveRing, hands_packets_over_as_they_came) {
    const auto ring = ring_of(4);
    std::vector<Frame> frames;
    for (std::size_t octets : {0U, 1U, 7U, 8U, 9U, 1'500U}) {
        frames.emplace_back(octets, static_cast<std::byte>(octets));
    }
    for (const Frame& frame : frames) {
        Packet packet = packet_of(frame, LinkType::linux_sll, frame.size() + 3);
        packet.observed_at = ObservedAt{Nanoseconds{1'700'000'000'123'456'789}};
        packet.observation_point = 5;
        EXPECT_TRUE(ring->put(packet, whole));
    }
    EXPECT_TRUE(ring->oldest().empty());  // not before it is shown
    EXPECT_TRUE(ring->holds_back());
    ring->flush();
    EXPECT_FALSE(ring->holds_back());
    const auto all = read_all(ring->oldest());
    ASSERT_EQ(all.size(), frames.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].frame, frames[i]);
        EXPECT_EQ(all[i].head.wire_octets, frames[i].size() + 3);
        EXPECT_EQ(all[i].head.observed_ns, 1'700'000'000'123'456'789);
        EXPECT_EQ(all[i].head.observation_point, 5);
        EXPECT_EQ(all[i].head.link, LinkType::linux_sll);
    }
    ring->give_back();
    EXPECT_TRUE(ring->oldest().empty());
}

TEST(SaveRing, cuts_at_the_snap_length) {
    const auto ring = ring_of(4);
    const Frame frame(100);
    EXPECT_TRUE(ring->put(packet_of(frame), 99));
    EXPECT_TRUE(ring->put(packet_of(frame), 100));
    EXPECT_TRUE(ring->put(packet_of(frame), 101));
    ring->flush();
    const auto all = read_all(ring->oldest());
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].head.octets, 99U);
    EXPECT_EQ(all[0].head.wire_octets, 100U);
    EXPECT_EQ(all[1].head.octets, 100U);
    EXPECT_EQ(all[2].head.octets, 100U);
}

TEST(SaveRing, refuses_when_full_and_takes_again_when_one_chunk_is_back) {
    const auto ring = ring_of(4);
    const Frame frame(200'000);  // two of them fill a chunk
    unsigned taken = 0;
    while (ring->put(packet_of(frame), whole)) {
        ++taken;
    }
    EXPECT_EQ(taken, 8U);
    EXPECT_FALSE(ring->put(packet_of(frame), whole));
    EXPECT_EQ(read_all(ring->oldest()).size(), 2U);
    ring->give_back();
    EXPECT_TRUE(ring->put(packet_of(frame), whole));
    // A chunk is never longer than it is: what does not fit at all is refused.
    const Frame long_frame(SaveRing::chunk_octets);
    EXPECT_FALSE(ring->put(packet_of(long_frame), ~std::uint32_t{0}));
}

TEST(SaveRing, knows_whether_any_burst_has_room) {
    const auto small = ring_of(4);
    const Frame frame(64);
    EXPECT_TRUE(small->has_room_for_burst());
    EXPECT_TRUE(small->put(packet_of(frame), whole));
    small->flush();
    EXPECT_FALSE(small->has_room_for_burst());  // the writer has not given the chunk back
    EXPECT_FALSE(small->oldest().empty());
    small->give_back();
    EXPECT_TRUE(small->has_room_for_burst());
}

// What a burst of the longest frames needs is there when has_room_for_burst() says so.
TEST(SaveRing, a_burst_of_longest_frames_fits_where_it_was_promised) {
    const auto ring = ring_of(128);
    const Frame frame(whole);
    for (int turn = 0; turn < 3; ++turn) {
        while (ring->has_room_for_burst()) {
            for (std::size_t i = 0; i < burst_packets_max; ++i) {
                ASSERT_TRUE(ring->put(packet_of(frame), whole));
            }
        }
        for (auto chunk = ring->oldest(); !chunk.empty(); chunk = ring->oldest()) {
            ring->give_back();
        }
    }
}

TEST(SaveRing, nothing_is_lost_or_changed_between_two_threads) {
    const auto ring = ring_of(4);
    constexpr std::uint32_t packets = 200'000;
    std::uint32_t refused = 0;
    std::jthread worker([&] {
        for (std::uint32_t number = 0; number < packets;) {
            const Frame frame(40 + number % 100, static_cast<std::byte>(number));
            if (ring->put(packet_of(frame, LinkType::ethernet, 1'000 + number), whole)) {
                ++number;
            } else {
                ++refused;
                std::this_thread::yield();
            }
        }
        ring->flush();
    });
    std::uint32_t next = 0;
    while (next < packets) {
        const auto chunk = ring->oldest();
        for (const Kept& kept : read_all(chunk)) {
            EXPECT_EQ(kept.head.wire_octets, 1'000 + next);
            EXPECT_EQ(kept.frame, Frame(40 + next % 100, static_cast<std::byte>(next)));
            ++next;
        }
        if (!chunk.empty()) {
            ring->give_back();
        }
    }
    SUCCEED() << refused << " had to wait";
}

}  // namespace
}  // namespace tapmeter
