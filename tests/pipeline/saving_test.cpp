#include "pipeline/saving.h"

#include <gtest/gtest.h>

#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using testing::Frame;
using testing::packet_of;

constexpr std::uint32_t whole = 262'144;

TEST(Saving, every_packet_is_handed_over_or_refused_by_name) {
    const auto ring = std::move(*SaveRing::make(4 * SaveRing::chunk_octets, false));
    Saving saving(*ring, whole);
    SavingBooks books;
    const Frame frame(200'000);
    const std::vector<Packet> packets(10, packet_of(frame));
    saving.take(packets, books);
    const Packet strange = packet_of(frame, LinkType::unknown);
    saving.take({&strange, 1}, books);

    EXPECT_EQ(books.wanted, (SavedTotals{11, 2'200'000}));
    EXPECT_EQ(books.handed, (SavedTotals{8, 1'600'000}));
    EXPECT_EQ(books.refused[index_of(NotWritten::ring_full)], (SavedTotals{2, 400'000}));
    EXPECT_EQ(books.refused[index_of(NotWritten::unknown_link_type)], (SavedTotals{1, 200'000}));
}

TEST(Saving, counts_octets_up_to_the_snap_length) {
    const auto ring = std::move(*SaveRing::make(4 * SaveRing::chunk_octets, false));
    Saving saving(*ring, 100);
    SavingBooks books;
    const Frame longer(101);
    const Frame shorter(99);
    const std::array packets{packet_of(longer), packet_of(shorter)};
    saving.take(packets, books);
    EXPECT_EQ(books.handed, (SavedTotals{2, 199}));
}

// What has waited is shown without a full chunk; the time is that of the machine.
TEST(Saving, shows_a_few_packets_soon) {
    const auto ring = std::move(*SaveRing::make(4 * SaveRing::chunk_octets, false));
    Saving saving(*ring, whole);
    SavingBooks books;
    const Frame frame(60);
    const Packet packet = packet_of(frame);
    saving.take({&packet, 1}, books);
    saving.show();
    EXPECT_TRUE(ring->oldest().empty());
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (ring->oldest().empty() && std::chrono::steady_clock::now() < deadline) {
        saving.show();
    }
    EXPECT_FALSE(ring->oldest().empty());
}

}  // namespace
}  // namespace tapmeter
