// A worker goes on with what another one has left: flows, labels, books.
#include <gtest/gtest.h>

#include <numeric>
#include <optional>

#include "pipeline/inspect/inspector.h"
#include "pipeline/worker.h"
#include "tests/pipeline/inspect/conversations.h"
#include "tests/support/replay_source.h"

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;
using flow::Inspection;
using testing::Frame;
using testing::ReplaySource;
using testing::TimedFrame;

std::vector<TimedFrame> timed(const std::vector<Frame>& frames, Nanoseconds from) {
    std::vector<TimedFrame> result;
    for (const Frame& frame : frames) {
        result.push_back({frame, from + 1us * static_cast<std::int64_t>(result.size())});
    }
    return result;
}

// Workers that follow one another on the same memory. Each ends without a word.
class Generations {
public:
    struct Left {
        WorkerBooks books;
        std::vector<flow::FlowRecord> records;
    };
    // Meters the frames; with `drain` to the last record.
    Left meter(const std::vector<TimedFrame>& frames, bool drain) {
        ReplaySource source(frames);
        RecordRing ring(1'024);
        Worker worker(parts(source, ring));
        Left left;
        while (!worker.exhausted()) {
            worker.step();
        }
        while (drain && !worker.drain({})) {
        }
        for (auto some = ring.readable(); !some.empty(); some = ring.readable()) {
            left.records.insert(left.records.end(), some.begin(), some.end());
            ring.consume(some.size());
        }
        left.books = worker.books();
        adopt_ = true;
        return left;
    }
    std::vector<flow::FlowKey> quarantined;
    CrashSlot slot;
    std::uint64_t hash_seed = 1;
    const KeptMemory& table() const { return table_; }

private:
    Worker::Parts parts(PacketSource& source, RecordRing& ring) {
        auto table = std::move(*flow::FlowTable::make({.flows_max = 4'096,
                                                       .pages = Region::Wanted::small,
                                                       .kept = &table_,
                                                       .adopt = adopt_}));
        Inspector::Settings settings{.states_max = 64};
        settings.flow_places = table.places();
        settings.slot = &slot;
        settings.kept_labels = &labels_;
        settings.adopt = adopt_;
        settings.quarantined = quarantined;
        auto dissector = std::move(*Dissector::load({.states_max = 64}, names_));
        auto content = std::move(*ContentReader::make(
            {.states_max = 64,
             .extractor = {.streams = {.windows_max = 16}, .metadata_max = 1'024}},
            nullptr));
        return {.source = source,
                .ring = ring,
                .table = std::move(table),
                .hash_key = {hash_seed, 2},
                .timeouts = {.idle = 30s, .active = 60s, .tcp_end = 2s},
                .flows_max = 4'096,
                .inspector =
                    std::move(*Inspector::make(settings, std::move(dissector), std::move(content))),
                .adopt = adopt_};
    }

    ApplicationNames names_;
    KeptMemory table_;
    KeptMemory labels_;
    bool adopt_ = false;
};

std::uint64_t ended(const WorkerBooks& books, Inspection how) {
    return books.inspection.ended[static_cast<std::size_t>(how)];
}

// Every law of the books that speaks of flows.
void expect_balance(const WorkerBooks& books) {
    const auto sum = [](const auto& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    };
    EXPECT_EQ(books.metered.packets + books.adopted.packets,
              books.emitted.packets + books.refused.packets + books.in_table.packets);
    EXPECT_EQ(books.metered.octets + books.adopted.octets,
              books.emitted.octets + books.refused.octets + books.in_table.octets);
    EXPECT_EQ(books.flows_created + books.flows_adopted,
              books.flows_active + sum(books.flows_ended));
    EXPECT_EQ(books.inspection.flows, books.inspection.undecided + sum(books.inspection.ended));
}

TEST(Adoption, flows_go_on_with_their_counters_and_labels) {
    Generations generations;
    const auto conversation = testing::http_conversation();
    const auto first = generations.meter(timed(conversation, 1'000s), false);
    EXPECT_EQ(first.books.in_table.packets, conversation.size());

    const auto more = testing::segment(true, 0x10, "x");
    const auto second = generations.meter(timed({more, more}, 1'001s), true);
    ASSERT_EQ(second.records.size(), 1U);
    const flow::FlowRecord& record = second.records.front();
    EXPECT_EQ(record.forward.packets.value + record.reverse.packets.value, conversation.size() + 2);
    EXPECT_EQ(record.start, ObservedAt{1'000s});
    EXPECT_EQ(record.application.inspection, Inspection::decided);
    EXPECT_EQ(second.books.adopted, first.books.in_table);
    EXPECT_EQ(second.books.flows_adopted, 1U);
    EXPECT_EQ(second.books.flows_created, 0U);
    expect_balance(second.books);
}

TEST(Adoption, an_undecided_flow_is_interrupted_and_a_quarantined_one_left_alone) {
    Generations generations;
    const auto query = testing::segment(true, 0x02, {}, 443, 40'001);
    const auto other = testing::segment(true, 0x02, {}, 443, 40'002);
    generations.meter(timed({query, other}, 1'000s), false);
    // As it stands in the slot of a worker that did not come back.
    EXPECT_EQ(generations.slot.key.high_port == 40'002 || generations.slot.key.low_port == 40'002,
              true);
    EXPECT_EQ(generations.slot.doing.load(), Doing::nothing);
    generations.quarantined = {bare(generations.slot.key)};

    const auto second = generations.meter(timed({query, other}, 1'001s), true);
    EXPECT_EQ(ended(second.books, Inspection::interrupted), 1U);
    EXPECT_EQ(ended(second.books, Inspection::quarantined), 1U);
    EXPECT_EQ(second.books.inspection.packets, 0U) << "neither is looked into again";
    expect_balance(second.books);

    // It ended, and begins again: it is still left alone.
    const auto third = generations.meter(timed({other}, 2'000s), true);
    EXPECT_EQ(ended(third.books, Inspection::quarantined), 1U);
    EXPECT_EQ(third.books.inspection.packets, 0U);
    expect_balance(third.books);
}

TEST(Adoption, what_does_not_agree_is_let_go_of) {
    Generations generations;
    generations.meter(timed(testing::http_conversation(), 1'000s), false);
    {
        auto table = std::move(*flow::FlowTable::make({.flows_max = 4'096,
                                                       .pages = Region::Wanted::small,
                                                       .kept = &generations.table(),
                                                       .adopt = true}));
        for (std::size_t place = 0; place < table.places(); ++place) {
            table.flow(flow::FlowIndex{static_cast<std::uint32_t>(place)}).key.low_port ^= 1U;
        }
    }
    const auto damaged = generations.meter({}, true);
    EXPECT_EQ(damaged.books.flows_adopted, 0U);
    EXPECT_EQ(damaged.books.flows_unsound, 1U);
    EXPECT_EQ(damaged.books.adopted, Traffic{});
    expect_balance(damaged.books);
}

TEST(Adoption, another_key_of_the_hash_finds_no_flow) {
    Generations generations;
    generations.meter(timed(testing::http_conversation(), 1'000s), false);
    generations.hash_seed = 77;
    const auto second = generations.meter(timed(testing::http_conversation(), 1'001s), true);
    EXPECT_EQ(second.books.flows_adopted, 0U);
    EXPECT_EQ(second.books.flows_unsound, 1U);
    EXPECT_EQ(second.books.flows_created, 1U);
    expect_balance(second.books);
}

}  // namespace
}  // namespace tapmeter::inspect
