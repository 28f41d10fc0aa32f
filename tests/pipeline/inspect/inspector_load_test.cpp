// More than inspection can take: what it gives up, and that metering does not notice.
#include <gtest/gtest.h>

#include "tests/pipeline/inspect/conversations.h"
#include "tests/pipeline/inspect/inspecting_worker.h"

namespace tapmeter::inspect {
namespace {

using flow::Inspection;
using testing::few_seconds;
using testing::Frame;
using testing::InspectingWorker;
using testing::ReplaySource;
using testing::timed;
using testing::TimedFrame;

TEST(InspectorLoad, sheds_when_there_are_no_cycles_and_the_laws_hold) {
    std::vector<Frame> frames;
    for (std::uint16_t flow = 0; flow < 200; ++flow) {
        frames.push_back(
            testing::dns_query("www.example.org", static_cast<std::uint16_t>(flow + 1)));
    }
    ReplaySource source(timed(frames));
    auto settings = Inspector::Settings{.states_max = 1'024};
    settings.budget = {.share_percent = 1, .kept_cycles = 100};
    InspectingWorker worker(source, settings);
    worker.run_to_the_end();
    EXPECT_EQ(worker.records().size(), 200U) << "metering loses nothing";
    EXPECT_GT(worker.ended(Inspection::shed), 0U);
    EXPECT_EQ(worker.sum_of_ends(), 200U);
    for (const flow::FlowRecord& record : worker.records()) {
        EXPECT_NE(record.application.inspection, Inspection::off);
        EXPECT_NE(record.application.inspection, Inspection::undecided);
    }
}

struct Played {
    WorkerBooks books{};
    std::uint64_t records = 0;
    std::uint64_t packets = 0;  // in the records
};
Played play(const std::vector<TimedFrame>& frames, const CycleBudget::Settings& budget) {
    ReplaySource source(frames);
    InspectingWorker worker(source, {.states_max = 4'096, .budget = budget}, few_seconds, 16'384);
    worker.run_to_the_end();
    Played played{.books = worker.worker().books(), .records = worker.records().size()};
    for (const flow::FlowRecord& record : worker.records()) {
        played.packets += record.forward.packets.value + record.reverse.packets.value;
        EXPECT_NE(record.application.inspection, Inspection::off);
        EXPECT_NE(record.application.inspection, Inspection::undecided);
    }
    return played;
}

// A worker without a free cycle, and a share of its cycles for inspection in which half of what is
// offered can be looked into. Who runs this may lose its core in the middle, which costs cycles
// that nobody had: one round of five has to be undisturbed. What must hold, holds in each.
TEST(InspectorLoad, at_twice_the_load_that_it_can_take_metering_loses_nothing) {
    constexpr unsigned flows = 4'000;
    std::vector<Frame> frames;
    for (unsigned flow = 0; flow < flows; ++flow) {
        const auto conversation =
            testing::http_conversation(80, static_cast<std::uint16_t>(1'024 + flow));
        frames.insert(frames.end(), conversation.begin(), conversation.end());
    }
    const auto offered = timed(frames);
    bool undisturbed = false;
    for (unsigned round = 0; round < 5 && !undisturbed; ++round) {
        const Played all = play(offered, {});
        ASSERT_EQ(all.books.inspection.fully(), flows);
        // Half of what it took, as a share of a worker that spends no more than that on it.
        const double rest = static_cast<double>(all.books.busy_cycles) -
                            static_cast<double>(all.books.inspection.cycles);
        const double half = static_cast<double>(all.books.inspection.cycles) / 2;
        const auto share = static_cast<std::uint32_t>(100 * half / (rest + half));
        const Played some = play(offered, {.share_percent = share, .kept_cycles = 200'000});

        const InspectionBooks& books = some.books.inspection;
        EXPECT_EQ(some.books.received_packets, frames.size());
        EXPECT_EQ(some.packets, frames.size()) << "every packet is in a record";
        EXPECT_EQ(some.records, flows);
        EXPECT_EQ(books.flows, flows);
        EXPECT_EQ(books.undecided, 0U);
        EXPECT_EQ(books.over(), flows);
        EXPECT_EQ(books.fully() + books.ended[static_cast<std::size_t>(Inspection::shed)], flows);
        undisturbed = books.fully() > flows / 4 && books.fully() < flows * 3 / 4;
    }
    EXPECT_TRUE(undisturbed) << "about half of the flows fit";
}

}  // namespace
}  // namespace tapmeter::inspect
