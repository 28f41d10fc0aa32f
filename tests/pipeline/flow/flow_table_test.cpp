#include "pipeline/flow/flow_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "pipeline/flow/flow_hash.h"
#include "tests/support/flows.h"

namespace tapmeter::flow {
namespace {

using testing::key_number;

FlowTable table_for(std::size_t flows_max, std::size_t beside_octets = 0) {
    auto table = FlowTable::make({.flows_max = flows_max,
                                  .pages = Region::Wanted::small,
                                  .populate = false,
                                  .beside_octets = beside_octets});
    EXPECT_TRUE(table);
    return std::move(*table);
}

FlowHash hash_of(const FlowKey& key) {
    static const FlowHasher hasher({11, 12});
    FlowHash hash{};
    hasher.hash({&key, 1}, {&hash, 1});
    return hash;
}

FlowIndex add(FlowTable& table, std::uint32_t number) {
    const FlowKey key = key_number(number);
    const FlowIndex index = table.insert(hash_of(key), 0);
    if (index != no_flow) {
        table.flow(index).key = key;
    }
    return index;
}

TEST(FlowTable, finds_what_it_holds_and_nothing_else) {
    FlowTable table = table_for(1'024);
    const FlowIndex index = add(table, 1);
    EXPECT_EQ(table.find(key_number(1), hash_of(key_number(1))), index);
    EXPECT_EQ(table.find(key_number(2), hash_of(key_number(2))), no_flow);
    EXPECT_EQ(table.flows(), 1U);
    table.erase(index, hash_of(key_number(1)));
    EXPECT_EQ(table.find(key_number(1), hash_of(key_number(1))), no_flow);
    EXPECT_EQ(table.flows(), 0U);
}

// Same hash, other key: the key decides.
TEST(FlowTable, compares_the_whole_key_on_every_hit) {
    FlowTable table = table_for(1'024);
    const FlowHash same{0x1234'5678'9abc'def0};
    const FlowIndex first = table.insert(same, 0);
    table.flow(first).key = key_number(1);
    EXPECT_EQ(table.find(key_number(2), same), no_flow);
    const FlowIndex second = table.insert(same, 0);
    table.flow(second).key = key_number(2);
    EXPECT_NE(first, second);
    EXPECT_EQ(table.find(key_number(1), same), first);
    EXPECT_EQ(table.find(key_number(2), same), second);
}

// An attacker who knew the secret could fill two buckets: 30 flows, then room must be made.
TEST(FlowTable, equal_hashes_fill_two_buckets_and_no_more) {
    FlowTable table = table_for(4'096);
    const FlowHash same{0x1111'1111'9999'9999};
    std::vector<FlowIndex> places;
    for (;;) {
        const FlowIndex index = table.insert(same, 0);
        if (index == no_flow) {
            break;
        }
        table.flow(index).key = key_number(static_cast<std::uint32_t>(places.size()));
        places.push_back(index);
    }
    EXPECT_EQ(places.size(), 2 * FlowBucket::ways);
    for (std::uint32_t number = 0; number < places.size(); ++number) {
        EXPECT_EQ(table.find(key_number(number), same), places[number]);
    }
    // The guests are found as long as they are there, also when the home has room again.
    table.erase(places[0], same);
    EXPECT_EQ(table.find(key_number(29), same), places[29]);
    table.erase(places[29], same);
    EXPECT_EQ(table.find(key_number(28), same), places[28]);
    EXPECT_EQ(table.find(key_number(29), same), no_flow);
}

TEST(FlowTable, flows_max_flows_fit_almost_without_eviction) {
    constexpr std::uint32_t flows = 100'000;
    FlowTable table = table_for(flows);
    std::uint32_t refused = 0;
    for (std::uint32_t number = 0; number < flows; ++number) {
        refused += add(table, number) == no_flow ? 1 : 0;
    }
    EXPECT_LT(refused, flows / 200) << "less than 0.5 %";
    EXPECT_LE(table.octets(), std::size_t{flows} * 256 + (2U << 20U)) << "256 octets a flow";
}

TEST(FlowTable, an_unanswered_flow_makes_room_before_an_answered_one) {
    FlowTable table = table_for(1'024);
    const FlowHash same{0x2222'2222'8888'8888};
    std::vector<FlowIndex> places;
    for (std::size_t i = 0; i < 2 * FlowBucket::ways; ++i) {
        places.push_back(table.insert(same, static_cast<Ticks>(1'000 + i)));
        ASSERT_NE(places.back(), no_flow);
        table.set_answered(places.back());
    }
    EXPECT_EQ(table.victim(same, 500), places[0]) << "the nearest deadline";
    EXPECT_EQ(table.victim(same, 2'000), places[0]) << "all overdue: the first";
    table.erase(places[20], same);
    const FlowIndex fresh = table.insert(same, 9'000);
    EXPECT_EQ(table.victim(same, 500), fresh) << "unanswered, although its deadline is far";
}

TEST(FlowTable, a_flow_of_one_packet_makes_room_before_one_of_several_before_an_answered_one) {
    FlowTable table = table_for(1'024);
    const FlowHash same{0x3333'3333'7777'7777};
    std::vector<FlowIndex> places;
    for (std::size_t i = 0; i < 2 * FlowBucket::ways; ++i) {
        places.push_back(table.insert(same, 1'000));
        table.set_several(places.back());
        table.set_answered(places.back());
    }
    EXPECT_TRUE(table.is_answered(places[3]));
    table.erase(places[20], same);
    const FlowIndex several = table.insert(same, 9'000);
    table.set_several(several);
    EXPECT_EQ(table.victim(same, 500), several);
    table.erase(places[9], same);
    const FlowIndex single = table.insert(same, 9'500);
    EXPECT_EQ(table.victim(same, 500), single) << "its place remembers nothing of who was there";
    table.erase(single, same);
    table.erase(several, same);
    table.insert(same, 1'000);
    table.insert(same, 1'000);
    for (const FlowIndex index : {several, single}) {
        table.set_answered(index);
    }
    table.set_ended(places[3]);
    EXPECT_EQ(table.victim(same, 500), places[3]) << "it only lingers";
    EXPECT_FALSE(table.is_answered(places[3]));
}

// Any sequence of operations, against a map that is obviously right.
TEST(FlowTable, behaves_like_a_map_under_random_use) {
    FlowTable table = table_for(2'000);
    std::map<std::uint32_t, FlowIndex> model;
    std::mt19937 random(7);
    for (int operation = 0; operation < 200'000; ++operation) {
        const auto number = static_cast<std::uint32_t>(random() % 3'000);
        const FlowKey key = key_number(number);
        const auto known = model.find(number);
        ASSERT_EQ(table.find(key, hash_of(key)), known == model.end() ? no_flow : known->second);
        if (known != model.end()) {
            table.erase(known->second, hash_of(key));
            model.erase(known);
        } else if (const FlowIndex index = add(table, number); index != no_flow) {
            model.emplace(number, index);
        }
        ASSERT_EQ(table.flows(), model.size());
    }
}

TEST(FlowTable, memory_beyond_reason_is_refused_with_a_cure) {
    const auto table = FlowTable::make(
        {.flows_max = std::size_t{1} << 31U, .pages = Region::Wanted::huge, .populate = false});
    ASSERT_FALSE(table);
    EXPECT_NE(table.error().message.find("nr_hugepages"), std::string::npos);
}

// A file's table grows: all that a flow is known by moves with it.
TEST(FlowTable, a_larger_table_takes_every_flow_over) {
    constexpr std::uint32_t flows = 1'000;
    const FlowHasher hasher({11, 12});
    FlowTable small = table_for(flows + flows / 4);
    for (std::uint32_t number = 0; number < flows; ++number) {
        const FlowKey key = key_number(number);
        const FlowIndex index = small.insert(hash_of(key), static_cast<Ticks>(number));
        ASSERT_NE(index, no_flow);
        small.flow(index) = Flow{.key = key, .last = ObservedAt{Nanoseconds{number}}};
        small.flow(index).key.attached = number % 5;  // no part of what it is found by
        small.origin(index) = {.flow_start = ObservedAt{Nanoseconds{number + 7}}};
        if (number % 2 == 0) {
            small.set_several(index);
        }
        if (number % 3 == 0) {
            small.set_answered(index);
        }
    }
    FlowTable large = table_for(4 * flows);
    std::vector<FlowIndex> moved(small.places());
    ASSERT_TRUE(large.take_over(small, hasher, moved));
    EXPECT_EQ(large.flows(), flows);
    EXPECT_EQ(small.flows(), flows) << "it stays as it was";
    EXPECT_EQ(large.flows_max(), 4 * flows);
    for (std::uint32_t number = 0; number < flows; ++number) {
        const FlowKey key = key_number(number);
        const FlowIndex index = large.find(key, hash_of(key));
        ASSERT_NE(index, no_flow) << number;
        EXPECT_EQ(moved[number_of(small.find(key, hash_of(key)))], index);
        const std::size_t way = number_of(index) % FlowBucket::ways;
        const FlowBucket& bucket = large.bucket(number_of(index) / FlowBucket::ways);
        EXPECT_EQ(large.flow(index).last, ObservedAt{Nanoseconds{number}});
        EXPECT_EQ(large.origin(index).flow_start, ObservedAt{Nanoseconds{number + 7}});
        EXPECT_EQ(bucket.deadlines[way], number);
        EXPECT_EQ((bucket.several >> way) & 1, number % 2 == 0 ? 1 : 0);
        EXPECT_EQ(large.is_answered(index), number % 3 == 0);
        large.erase(index, hash_of(key));
    }
    EXPECT_EQ(large.flows(), 0U) << "every guest found its home";
}

// The line behind a flow.
struct Beside {
    Flow flow;
    alignas(cache_line_octets) std::uint64_t number;
};
std::uint64_t& beside(FlowTable& table, FlowIndex index) {
    void* const first = &table.flow(index);
    return static_cast<Beside*>(first)->number;
}

TEST(FlowTable, what_is_kept_beside_a_flow_goes_with_it_and_is_forgotten_when_adopted) {
    constexpr std::uint32_t flows = 300;
    const FlowHasher hasher({11, 12});
    constexpr std::size_t flows_max = 2 * flows;
    FlowTable small = table_for(flows_max, cache_line_octets);
    EXPECT_EQ(small.beside_octets(), cache_line_octets);
    EXPECT_EQ(FlowTable::octets_for(flows_max, cache_line_octets),
              FlowTable::octets_for(flows_max) + small.places() * cache_line_octets);
    for (std::uint32_t number = 0; number < flows; ++number) {
        const FlowIndex index = add(small, number);
        ASSERT_NE(index, no_flow);
        EXPECT_EQ(beside(small, index), 0U);
        beside(small, index) = number;
        small.flow(index).key.ip_version = 4;
    }
    FlowTable large = table_for(4 * flows, cache_line_octets);
    std::vector<FlowIndex> moved(small.places());
    ASSERT_TRUE(large.take_over(small, hasher, moved));
    for (const FlowIndex index : moved) {
        if (index != no_flow) {
            const std::uint64_t number = beside(large, index);
            EXPECT_EQ(large.flow(index).key.low_port,
                      key_number(static_cast<std::uint32_t>(number)).low_port);
            EXPECT_EQ(large.flow(index).key.low,
                      key_number(static_cast<std::uint32_t>(number)).low);
        }
    }
    EXPECT_EQ(large.adopt(hasher).flows, flows);
    for (const FlowIndex index : moved) {
        EXPECT_TRUE(index == no_flow || beside(large, index) == 0);
    }
}

TEST(FlowTable, a_table_without_a_place_for_a_flow_takes_nothing_over) {
    const FlowHasher hasher({11, 12});
    FlowTable large = table_for(1'024);
    constexpr std::uint32_t flows = 700;
    for (std::uint32_t number = 0; number < flows; ++number) {
        ASSERT_NE(add(large, number), no_flow);
    }
    FlowTable small = table_for(64);
    std::vector<FlowIndex> moved(large.places());
    EXPECT_FALSE(small.take_over(large, hasher, moved));
    EXPECT_EQ(large.flows(), flows);
}

// What is foreseen for a new flow is what insert() and victim() would do then.
TEST(FlowTable, foresees_the_place_of_a_new_flow_and_who_leaves_for_it) {
    FlowTable table = table_for(64);
    std::uint32_t number = 0;
    const FlowKey first = key_number(1'000'000);
    const auto before = table.look_elsewhere(hash_of(first), 0);
    EXPECT_TRUE(before.is_free);
    EXPECT_FALSE(table.still_leaves(before, 0)) << "nobody need leave";
    EXPECT_EQ(table.insert(hash_of(first), 5), before.place);
    table.flow(before.place).key = first;

    while (add(table, number) != no_flow) {
        ++number;
    }
    const FlowHash hash = hash_of(key_number(number));
    const auto there = table.look_elsewhere(hash, 0);
    EXPECT_FALSE(there.is_free);
    EXPECT_EQ(there.place, table.victim(hash, 0));
    EXPECT_TRUE(table.still_leaves(there, 0));
    table.set_several(there.place);
    EXPECT_FALSE(table.still_leaves(there, 0)) << "it is worth more now";
    table.set_ended(there.place);
    EXPECT_TRUE(table.still_leaves(there, 0));
    table.set_deadline(there.place, 9);
    EXPECT_FALSE(table.still_leaves(there, 0)) << "another flow may be there";
    table.erase(there.place, hash_of(table.flow(there.place).key));
    EXPECT_FALSE(table.still_leaves(there, 0)) << "the place is free";
}

}  // namespace
}  // namespace tapmeter::flow
