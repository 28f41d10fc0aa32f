#include "pipeline/flow/fragments.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/support/flows.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using decode::Fragment;
using decode::Headers;
using Verdict = Fragments::Verdict;

constexpr Nanoseconds begin = 1'000s;

struct Part {
    std::uint32_t id = 1;
    std::uint32_t offset = 0;
    std::uint32_t octets = 1'480;
    bool last = false;
    std::uint8_t protocol = 17;
};

Headers headers_of(const Part& part, std::uint8_t host = 1) {
    Headers headers;
    headers.ip_version = 4;
    headers.protocol = part.protocol;
    headers.source[15] = host;
    headers.destination[15] = 200;
    headers.fragment = part.offset == 0 ? Fragment::first : Fragment::later;
    headers.part = {.id = part.id, .offset = part.offset, .octets = part.octets, .last = part.last};
    if (part.offset == 0 && part.protocol == 17) {
        headers.source_port = 5'000;
        headers.destination_port = 53;
    }
    return headers;
}

class FragmentsTest : public ::testing::Test {
protected:
    Verdict see(const Part& part, Nanoseconds at = begin, std::uint8_t host = 1) {
        return see(headers_of(part, host), at);
    }
    Verdict see(const Headers& headers, Nanoseconds at = begin) {
        packet = {};
        packet.sender = write_key(headers, true, key);
        packet.at = ObservedAt{at};
        packet.protocol = headers.protocol;
        return fragments.see(headers, key, packet, counts);
    }
    std::vector<Fragments::Waited> followers() {
        std::vector<Fragments::Waited> all;
        for (Fragments::Waited one; fragments.take_follower(one, counts);) {
            all.push_back(one);
        }
        return all;
    }
    std::vector<Fragments::Waited> due(Nanoseconds at) {
        std::vector<Fragments::Waited> all;
        for (Fragments::Waited one; fragments.take_due(ObservedAt{at}, one, counts);) {
            all.push_back(one);
        }
        return all;
    }

    Fragments fragments{{.datagrams_max = 64, .waiting_max = 16}, FlowHasher({1, 2})};
    FragmentCounts counts{};
    FlowKey key{};
    Observation packet{};
};

TEST_F(FragmentsTest, later_ones_get_the_key_and_the_direction_of_their_first) {
    EXPECT_EQ(see({.offset = 0}), Verdict::meter);
    const FlowKey flow = key;
    const Sender sender = packet.sender;

    EXPECT_EQ(see({.offset = 1'480, .last = true}), Verdict::meter);

    EXPECT_EQ(key, flow);
    EXPECT_EQ(packet.sender, sender);
    EXPECT_EQ(counts, (FragmentCounts{.attributed = 1}));
}

TEST_F(FragmentsTest, the_one_that_makes_its_datagram_whole_is_told) {
    see({.offset = 0});
    EXPECT_FALSE(completes_datagram(packet));
    see({.offset = 2'960, .last = true});
    EXPECT_FALSE(completes_datagram(packet));
    see({.offset = 1'480});
    EXPECT_TRUE(completes_datagram(packet));
    see({.offset = 1'480});
    EXPECT_FALSE(completes_datagram(packet)) << "it was whole before";
    see({.id = 2, .offset = 1'480, .last = true});
    EXPECT_FALSE(completes_datagram(packet));
    see({.id = 2, .offset = 0});
    EXPECT_TRUE(completes_datagram(packet)) << "the first comes last";
}

TEST_F(FragmentsTest, that_come_first_wait_for_the_one_with_the_ports) {
    EXPECT_EQ(see({.offset = 2'960, .last = true}, begin), Verdict::wait);
    EXPECT_EQ(see({.offset = 1'480}, begin + 1ms), Verdict::wait);
    EXPECT_EQ(fragments.waiting(), 2U);

    EXPECT_EQ(see({.offset = 0}, begin + 2ms), Verdict::meter_then);
    const FlowKey flow = key;
    const auto waited = followers();

    ASSERT_EQ(waited.size(), 2U);
    EXPECT_EQ(waited[0].key, flow);
    EXPECT_EQ(waited[0].packet.at, ObservedAt{begin});
    EXPECT_EQ(waited[1].packet.at, ObservedAt{begin + 1ms});
    EXPECT_EQ(fragments.waiting(), 0U);
    EXPECT_EQ(fragments.next_due(), ObservedAt::max());
    EXPECT_EQ(counts, (FragmentCounts{.attributed = 2, .waited = 2}));
}

TEST_F(FragmentsTest, without_a_first_are_given_back_when_due_and_not_before) {
    EXPECT_EQ(see({.offset = 1'480}), Verdict::wait);
    EXPECT_EQ(fragments.next_due(), ObservedAt{begin + 500ms});
    EXPECT_TRUE(due(begin + 500ms - 1ns).empty());

    const auto orphans = due(begin + 500ms);

    ASSERT_EQ(orphans.size(), 1U);
    EXPECT_EQ(orphans[0].key.high_port, 0);
    EXPECT_EQ(orphans[0].due, ObservedAt{begin + 500ms});
    EXPECT_EQ(counts, (FragmentCounts{.orphaned = 1}));
    EXPECT_EQ(see({.offset = 0}, begin + 501ms), Verdict::meter) << "nobody waits any more";
    EXPECT_EQ(see({.offset = 2'960}, begin + 502ms), Verdict::meter);
    EXPECT_EQ(counts.attributed, 1U);
}

TEST_F(FragmentsTest, of_other_datagrams_are_told_apart) {
    see({.id = 1});
    EXPECT_EQ(see({.id = 2, .offset = 1'480}), Verdict::wait);
    EXPECT_EQ(see({.id = 1, .offset = 1'480}, begin, 2), Verdict::wait) << "another host";
    EXPECT_EQ(see({.id = 1, .offset = 1'480, .protocol = 6}), Verdict::wait);
    Headers tagged = headers_of({.id = 1, .offset = 1'480});
    tagged.vlan = 7;
    EXPECT_EQ(see(tagged), Verdict::wait);
    Headers back = headers_of({.id = 1, .offset = 1'480});
    std::swap(back.source, back.destination);
    EXPECT_EQ(see(back), Verdict::wait) << "the other direction";
}

TEST_F(FragmentsTest, of_protocols_without_ports_never_wait) {
    EXPECT_EQ(see({.offset = 1'480, .protocol = 1}), Verdict::meter);
    EXPECT_EQ(fragments.waiting(), 0U);
}

// The protocol of a datagram stands behind its extension headers, in the first fragment only.
TEST_F(FragmentsTest, of_ipv6_get_the_protocol_of_their_first) {
    Headers first = headers_of({});
    first.ip_version = 6;
    Headers later = headers_of({.offset = 1'448, .protocol = 60});
    later.ip_version = 6;

    EXPECT_EQ(see(later), Verdict::wait);
    EXPECT_EQ(see(first), Verdict::meter_then);
    const auto waited = followers();

    ASSERT_EQ(waited.size(), 1U);
    EXPECT_EQ(waited[0].key.protocol, 17);
    EXPECT_EQ(waited[0].packet.protocol, 17);
}

TEST_F(FragmentsTest, overlaps_and_duplicates_are_counted) {
    see({.offset = 0});
    see({.offset = 1'480});
    EXPECT_EQ(counts.overlapping, 0U);
    see({.offset = 1'480});
    see({.offset = 2'952});
    EXPECT_EQ(counts.overlapping, 2U);
    see({.offset = 2'960 + 1'472});
    EXPECT_EQ(counts.overlapping, 2U) << "it begins where the one before ends";
}

TEST_F(FragmentsTest, beyond_the_longest_datagram_are_counted) {
    see({.offset = 65'528, .octets = 7, .last = true, .protocol = 1});
    EXPECT_EQ(counts.beyond_end, 0U);
    see({.offset = 65'528, .octets = 8, .last = true, .protocol = 1});
    EXPECT_EQ(counts.beyond_end, 1U);
}

TEST_F(FragmentsTest, more_than_the_limit_of_one_datagram_no_longer_wait) {
    Fragments large{{.datagrams_max = 64, .waiting_max = 1'000}, FlowHasher({1, 2})};
    std::swap(large, fragments);
    for (std::uint32_t number = 1; number <= Fragments::fragments_per_datagram_max; ++number) {
        ASSERT_EQ(see({.offset = number * 8, .octets = 8}), Verdict::wait);
    }
    EXPECT_EQ(counts.too_many, 0U);
    EXPECT_EQ(see({.offset = 8'000, .octets = 8}), Verdict::meter);
    EXPECT_EQ(counts.too_many, 1U);
}

TEST_F(FragmentsTest, that_find_no_room_to_wait_are_metered_and_counted) {
    for (std::uint32_t id = 1; id <= 16; ++id) {
        ASSERT_EQ(see({.id = id, .offset = 1'480}), Verdict::wait);
    }
    EXPECT_EQ(see({.id = 17, .offset = 1'480}), Verdict::meter);
    EXPECT_EQ(counts.table_full, 1U);
    EXPECT_EQ(due(begin + 500ms).size(), 16U);
    EXPECT_EQ(see({.id = 18, .offset = 1'480}, begin + 501ms), Verdict::wait);
}

// One that waits for nothing does not keep the places of those that left.
TEST_F(FragmentsTest, a_place_is_free_as_soon_as_its_fragment_leaves) {
    EXPECT_EQ(see({.id = 1'000, .offset = 1'480}), Verdict::wait);
    for (std::uint32_t id = 1; id <= 100; ++id) {
        ASSERT_EQ(see({.id = id, .offset = 1'480}), Verdict::wait);
        ASSERT_EQ(see({.id = id}), Verdict::meter_then);
        ASSERT_EQ(followers().size(), 1U);
    }
    EXPECT_EQ(due(begin + 500ms).size(), 1U);
    EXPECT_EQ(fragments.next_due(), ObservedAt::max());
}

TEST_F(FragmentsTest, a_datagram_is_forgotten_after_its_time) {
    see({.id = 1});
    EXPECT_EQ(see({.id = 1, .offset = 1'480}, begin + 30s), Verdict::meter);
    EXPECT_EQ(counts.attributed, 1U);
    EXPECT_EQ(see({.id = 1, .offset = 1'480}, begin + 30s + 1ns), Verdict::wait);
}

TEST_F(FragmentsTest, a_full_bucket_forgets_who_was_heard_of_first_and_loses_no_packet) {
    Fragments tiny{{.datagrams_max = Fragments::ways, .waiting_max = 16}, FlowHasher({1, 2})};
    std::swap(tiny, fragments);
    EXPECT_EQ(see({.id = 100, .offset = 1'480}), Verdict::wait);
    for (std::uint32_t id = 1; id <= Fragments::ways; ++id) {
        see({.id = id}, begin + id * 1ms);
    }
    EXPECT_EQ(counts.table_full, 1U);
    EXPECT_EQ(see({.id = 100}, begin + 20ms), Verdict::meter) << "its datagram was forgotten";
    EXPECT_EQ(due(begin + 1s).size(), 1U) << "and yet it comes back";
}

TEST_F(FragmentsTest, an_identification_used_again_names_another_datagram) {
    see({.offset = 0, .octets = 16});
    see({.offset = 16, .octets = 16, .last = true});
    Headers again = headers_of({.offset = 0, .octets = 16});
    again.source_port = 6'000;
    EXPECT_EQ(see(again, begin + 1s), Verdict::meter);
    const FlowKey flow = key;
    see({.offset = 16, .octets = 16, .last = true}, begin + 1s);
    EXPECT_EQ(key, flow);
    EXPECT_EQ(counts.overlapping, 0U);
}

// Whatever comes in whatever order: each fragment is metered once, now or from the two ways back.
TEST_F(FragmentsTest, at_random_each_comes_back_once) {
    std::mt19937 random(20'261'121);
    const auto below = [&random](std::uint32_t count) {
        return std::uniform_int_distribution<std::uint32_t>(0, count - 1)(random);
    };
    std::size_t seen = 0;
    std::size_t metered = 0;
    Nanoseconds now = begin;
    for (; seen < 50'000; ++seen) {
        now += Nanoseconds{below(20'000'000)};
        metered += due(now).size();
        const Part part{.id = below(40),
                        .offset = below(4) * 1'480,
                        .last = below(4) == 0,
                        .protocol = static_cast<std::uint8_t>(below(5) == 0 ? 1 : 17)};
        const Verdict verdict = see(part, now, static_cast<std::uint8_t>(below(3)));
        metered += verdict == Verdict::wait ? 0U : 1U;
        const auto following = followers();
        metered += following.size();
        ASSERT_EQ(following.empty(), verdict != Verdict::meter_then);
        ASSERT_EQ(seen + 1, metered + fragments.waiting());
    }
    metered += due(now + 1s).size();
    EXPECT_EQ(metered, seen);
    EXPECT_EQ(fragments.waiting(), 0U);
    EXPECT_GT(counts.waited, 1'000U);
    EXPECT_GT(counts.orphaned, 1'000U);
}

}  // namespace
}  // namespace tapmeter::flow
