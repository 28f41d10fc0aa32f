#include "pipeline/record_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <thread>
#include <tuple>

namespace tapmeter {
namespace {

struct Name {
    std::uint64_t of = 0;
    std::array<char, 40> text{};
};
struct Quality {
    std::uint64_t of = 0;
};
using TestRing = BasicRecordRing<Name, Quality>;
using Storage = std::array<TestRing::Parts, 8>;

flow::FlowRecord record(std::uint64_t id) {
    flow::FlowRecord made{};
    made.flow_id = id;
    return made;
}

TEST(RecordRing, parts_come_with_their_record_and_with_no_other) {
    TestRing ring(8, {8, 8});
    const Name name{.of = 2, .text = {}};
    const Quality quality_of_two{.of = 2};
    const Quality quality_of_three{.of = 3};
    TestRing::Parts both{&name, &quality_of_two};
    TestRing::Parts one{nullptr, &quality_of_three};
    ASSERT_TRUE(ring.push(record(1)));
    ASSERT_TRUE(ring.push(record(2), both));
    ASSERT_TRUE(ring.push(record(3), one));
    ring.publish();

    Storage storage;
    const auto batch = ring.readable(storage);
    ASSERT_EQ(batch.records.size(), 3U);
    EXPECT_EQ(batch.part_of<Name>(0), nullptr);
    EXPECT_EQ(batch.part_of<Quality>(0), nullptr);
    ASSERT_NE(batch.part_of<Name>(1), nullptr);
    EXPECT_EQ(batch.part_of<Name>(1)->of, 2U);
    EXPECT_EQ(batch.part_of<Quality>(1)->of, 2U);
    EXPECT_EQ(batch.part_of<Name>(2), nullptr);
    EXPECT_EQ(batch.part_of<Quality>(2)->of, 3U);
}

TEST(RecordRing, a_full_part_ring_costs_the_part_and_not_the_record) {
    TestRing ring(8, {1, 0});
    const Name name{};
    const Quality quality{};
    TestRing::Parts first{&name, &quality};
    TestRing::Parts second{&name, nullptr};
    ASSERT_TRUE(ring.push(record(1), first));
    ASSERT_TRUE(ring.push(record(2), second));
    EXPECT_NE(std::get<0>(first), nullptr);
    EXPECT_EQ(std::get<1>(first), nullptr) << "this kind is not kept";
    EXPECT_EQ(std::get<0>(second), nullptr) << "the ring of this kind is full";
    ring.publish();
    Storage storage;
    const auto batch = ring.readable(storage);
    ASSERT_EQ(batch.records.size(), 2U);
    EXPECT_NE(batch.part_of<Name>(0), nullptr);
    EXPECT_EQ(batch.part_of<Name>(1), nullptr);
}

TEST(RecordRing, a_full_ring_takes_neither_record_nor_part) {
    TestRing ring(1, {4, 4});
    const Name name{};
    TestRing::Parts parts{&name, nullptr};
    ASSERT_TRUE(ring.push(record(1)));
    EXPECT_FALSE(ring.push(record(2), parts));
    ring.publish();
    ring.consume(1);
    const Name next{.of = 3, .text = {}};
    TestRing::Parts of_next{&next, nullptr};
    ASSERT_TRUE(ring.push(record(3), of_next));
    ring.publish();
    Storage storage;
    EXPECT_EQ(ring.readable(storage).part_of<Name>(0)->of, 3U);
}

TEST(RecordRing, a_row_of_records_is_a_batch_without_parts) {
    const std::array records{record(1), record(2)};
    const TestRing::Batch batch = records;
    EXPECT_EQ(batch.records.size(), 2U);
    EXPECT_EQ(batch.part_of<Quality>(1), nullptr);
}

// Parts never get ahead of their records nor behind, across two cores and many turns of the rings.
TEST(RecordRing, parts_keep_step_between_two_threads) {
    constexpr std::uint64_t records = 100'000;
    TestRing ring(64, {16, 32});
    std::jthread producer([&ring] {
        for (std::uint64_t id = 0; id < records; ++id) {
            const Name name{.of = id, .text = {}};
            const Quality quality{.of = id};
            TestRing::Parts parts{id % 3 == 0 ? &name : nullptr, id % 2 == 0 ? &quality : nullptr};
            while (!ring.push(record(id), parts)) {
                ring.publish();
                std::this_thread::yield();
            }
            if (id % 7 == 0) {
                ring.publish();
            }
        }
        ring.publish();
    });
    std::uint64_t seen = 0;
    std::uint64_t names = 0;
    std::uint64_t qualities = 0;
    Storage storage;
    while (seen < records) {
        const auto batch = ring.readable(storage);
        for (std::size_t i = 0; i < batch.records.size(); ++i) {
            ASSERT_EQ(batch.records[i].flow_id, seen + i);
            if (const Name* const name = batch.part_of<Name>(i); name != nullptr) {
                ASSERT_EQ(name->of, seen + i);
                ++names;
            }
            if (const Quality* const quality = batch.part_of<Quality>(i); quality != nullptr) {
                ASSERT_EQ(quality->of, seen + i);
                ++qualities;
            }
        }
        seen += batch.records.size();
        ring.consume(batch.records.size());
    }
    EXPECT_GT(names, 0U);
    EXPECT_GT(qualities, 0U);
}

}  // namespace
}  // namespace tapmeter
