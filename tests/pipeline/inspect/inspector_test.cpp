#include "pipeline/inspect/inspector.h"

#include <gtest/gtest.h>

#include <fstream>

#include "pipeline/flow/common_frame.h"
#include "tests/pipeline/inspect/conversations.h"
#include "tests/pipeline/inspect/inspecting_worker.h"

namespace tapmeter::inspect {
namespace {

using namespace std::chrono_literals;
using flow::Inspection;
using testing::few_seconds;
using testing::Frame;
using testing::InspectingWorker;
using testing::ReplaySource;
using testing::timed;
using testing::TimedFrame;

Inspector::Settings small() {
    return {.states_max = 64};
}

TEST(Inspector, labels_a_flow_and_frees_its_state) {
    ReplaySource source(timed(testing::http_conversation()));
    InspectingWorker worker(source, small());
    worker.run_to_the_end();
    EXPECT_EQ(worker.labels(), std::vector<std::string>{"HTTP"});
    const flow::Application label = worker.records().front().application;
    EXPECT_EQ(label.inspection, Inspection::decided);
    EXPECT_EQ(label.confidence, flow::Confidence::dissected);
    EXPECT_EQ(worker.books().flows, 1U);
    EXPECT_EQ(worker.books().undecided, 0U);
    EXPECT_EQ(worker.books().packets, label.packets);
    EXPECT_GT(worker.books().cycles, 0U);
}

TEST(Inspector, the_key_of_a_flow_is_the_same_with_and_without_a_state) {
    // Undecided all the time: its packets find their flow, and the record has the id of a flow
    // that is not inspected.
    ReplaySource source(
        timed({testing::segment(true, 0x02, {}, 7), testing::segment(false, 0x12, {}, 7),
               testing::segment(true, 0x10, {}, 7)}));
    InspectingWorker worker(source, small());
    worker.run_to_the_end();
    ASSERT_EQ(worker.records().size(), 1U);
    const flow::FlowRecord& record = worker.records().front();
    EXPECT_EQ(record.forward.packets.value + record.reverse.packets.value, 3U);
    flow::FlowKey key;
    flow::Observation observation;
    flow::read_common(testing::packet_of(testing::segment(true, 0x02, {}, 7)), true, key,
                      observation);
    EXPECT_EQ(record.flow_id, flow::flow_id_of(key, record.flow_start));
}

TEST(Inspector, stops_at_its_limit_of_packets) {
    std::vector<Frame> frames;
    for (unsigned packet = 0; packet < 40; ++packet) {
        frames.push_back(testing::segment(packet % 2 == 0, 0x18, "?", 9));
    }
    ReplaySource source(timed(frames));
    auto settings = small();
    settings.tcp_packets_max = 10;
    InspectingWorker worker(source, settings);
    worker.run_to_the_end();
    EXPECT_EQ(worker.books().packets, 10U);
    EXPECT_EQ(worker.records().front().application.packets, 10);
    EXPECT_EQ(worker.sum_of_ends(), 1U);
}

TEST(Inspector, a_burst_that_ends_a_flow_in_its_middle_changes_no_label) {
    // The second connection of the same ends begins in the burst that holds the whole first one.
    std::vector<Frame> frames = testing::http_conversation();
    frames.push_back(testing::segment(true, 0x11));
    frames.push_back(testing::segment(false, 0x11));
    const std::vector<Frame> again = frames;
    frames.insert(frames.end(), again.begin(), again.end());
    ReplaySource source(timed(frames));
    InspectingWorker worker(source, small());
    worker.run_to_the_end();
    EXPECT_EQ(worker.labels(), (std::vector<std::string>{"HTTP", "HTTP"}));
    EXPECT_EQ(worker.ended(Inspection::decided), 2U);
}

TEST(Inspector, a_flow_without_a_state_is_metered_and_counted) {
    std::vector<Frame> frames;
    for (std::uint16_t flow = 0; flow < 100; ++flow) {
        frames.push_back(
            testing::segment(true, 0x02, {}, 22, static_cast<std::uint16_t>(flow + 1)));
    }
    ReplaySource source(timed(frames));
    InspectingWorker worker(source, small());
    worker.run_to_the_end();
    EXPECT_EQ(worker.records().size(), 100U);
    EXPECT_EQ(worker.ended(Inspection::no_state), 36U) << "64 states";
    EXPECT_EQ(worker.ended(Inspection::guessed), 64U);
    EXPECT_EQ(worker.books().flows, 100U);
    std::size_t without = 0;
    for (const flow::FlowRecord& record : worker.records()) {
        without += record.application.inspection == Inspection::no_state ? 1U : 0U;
    }
    EXPECT_EQ(without, 36U);
}

TEST(Inspector, states_of_flows_that_ended_are_used_again) {
    std::vector<TimedFrame> frames;
    for (std::uint16_t flow = 0; flow < 500; ++flow) {  // ten at one time
        frames.push_back(
            {testing::segment(true, 0x02, {}, 22, static_cast<std::uint16_t>(flow + 1)),
             1'000s + 3s * flow});
    }
    ReplaySource source(frames);
    InspectingWorker worker(source, {.states_max = 80}, few_seconds, 256);  // and a burst
    worker.run_to_the_end();
    EXPECT_EQ(worker.ended(Inspection::no_state), 0U);
    EXPECT_EQ(worker.ended(Inspection::guessed), 500U);
}

// Flows that never get an answer do not keep others out.
TEST(Inspector, states_of_quiet_flows_go_to_others) {
    std::vector<TimedFrame> frames;
    for (std::uint16_t flow = 0; flow < 200; ++flow) {
        frames.push_back(
            {testing::segment(true, 0x02, {}, 22, static_cast<std::uint16_t>(flow + 1)),
             1'000s + 10ms * flow});
    }
    ReplaySource source(frames);
    InspectingWorker worker(source, {.states_max = 100});  // a second of flows
    worker.run_to_the_end();
    EXPECT_EQ(worker.books().reclaimed, 100U);
    EXPECT_EQ(worker.ended(Inspection::no_state), 0U);
    EXPECT_EQ(worker.ended(Inspection::guessed), 200U);

    for (TimedFrame& frame : frames) {
        frame.at = 1'000s;  // all at once: none of them is quiet
    }
    ReplaySource at_once(frames);
    InspectingWorker busy(at_once, {.states_max = 100});
    busy.run_to_the_end();
    EXPECT_EQ(busy.books().reclaimed, 0U);
    EXPECT_EQ(busy.ended(Inspection::no_state), 100U);
}

TEST(Inspector, a_record_that_is_cut_says_what_is_known_so_far) {
    std::vector<TimedFrame> frames;
    for (unsigned packet = 0; packet < 4; ++packet) {
        frames.push_back({testing::segment(true, 0x18, "?", 9), 1'000s + 25s * packet});
    }
    ReplaySource source(frames);
    InspectingWorker worker(source, small(), {.idle = 30s, .active = 60s, .tcp_end = 2s});
    worker.run_to_the_end();
    ASSERT_EQ(worker.records().size(), 2U);
    EXPECT_EQ(worker.records()[0].application.inspection, Inspection::undecided);
    EXPECT_EQ(worker.records()[0].end_reason, flow::FlowEndReason::active_timeout);
    EXPECT_NE(worker.records()[1].application.inspection, Inspection::undecided);
}

TEST(Inspector, the_place_of_a_flow_that_left_keeps_no_label) {
    // One bucket full of flows, over and over: every place is used again.
    std::vector<TimedFrame> frames;
    std::int64_t at = 0;
    for (const Frame& frame : testing::http_conversation()) {
        frames.push_back({frame, 1'000s + 1us * at++});
    }
    for (std::uint16_t flow = 0; flow < 3'000; ++flow) {
        frames.push_back(
            {testing::segment(true, 0x02, {}, 9'999, static_cast<std::uint16_t>(flow + 1)),
             1'000s + 1ms * at++});
    }
    ReplaySource source(frames);
    InspectingWorker worker(source, small(), {.idle = 1s, .active = 60s, .tcp_end = 1s}, 1'024);
    worker.run_to_the_end();
    std::size_t http = 0;
    for (const std::string& label : worker.labels()) {
        http += label == "HTTP" ? 1U : 0U;
    }
    EXPECT_EQ(http, 1U);
    EXPECT_EQ(worker.sum_of_ends(), 3'001U);
}

TEST(Inspector, other_rules_hold_for_flows_that_begin_after_them) {
    const std::string file = ::testing::TempDir() + "swap_rules";
    std::ofstream(file) << "tcp:8999@Shop\n";
    std::vector<TimedFrame> frames;
    for (std::int64_t packet = 0; packet < 64; ++packet) {  // one burst of the first flow
        frames.push_back(
            {testing::segment(packet % 2 == 0, 0x10, {}, 8'999, 1), 1'000s + 1us * packet});
    }
    for (std::int64_t packet = 0; packet < 64; ++packet) {  // and one of another
        frames.push_back(
            {testing::segment(packet % 2 == 0, 0x10, {}, 8'999, 2), 1'001s + 1us * packet});
    }
    ReplaySource source(frames);
    auto settings = small();
    settings.tcp_packets_max = 100;
    InspectingWorker worker(source, settings);
    worker.step();

    auto dissector = [&] {
        return std::move(
            *Dissector::load({.states_max = 64, .protocols_file = file}, worker.names()));
    };
    auto fresh = dissector();
    EXPECT_TRUE(worker.worker().swap_dissector(fresh));
    auto again = dissector();
    EXPECT_FALSE(worker.worker().swap_dissector(again)) << "not taken yet";
    worker.step();
    EXPECT_FALSE(worker.worker().swap_dissector(again)) << "the first flow is under way";
    worker.run_to_the_end();
    EXPECT_EQ(worker.labels(), (std::vector<std::string>{"Unknown", "Shop"}));
    worker.worker().step();
    EXPECT_TRUE(worker.worker().swap_dissector(again)) << "nobody has the old one any more";
}

TEST(Inspector, keeps_what_was_found_until_the_flow_leaves) {
    std::vector<Frame> frames;
    for (std::uint16_t flow = 0; flow < 300; ++flow) {
        frames.push_back(
            testing::dns_query("www.example.org", static_cast<std::uint16_t>(flow + 1)));
    }
    ReplaySource source(timed(frames, 1s));  // thirty at one time
    auto settings = small();
    settings.states_max = 100;  // and a burst
    InspectingWorker worker(source, settings, few_seconds, 256, 100);
    worker.run_to_the_end();
    EXPECT_EQ(worker.books().described, 300U);
    EXPECT_EQ(worker.books().metadata_refused, 0U);
}

TEST(Inspector, reads_no_contents_of_which_nobody_tells) {
    const auto frames = testing::http_conversation();
    for (const bool reads : {true, false}) {
        ReplaySource source(timed(frames));
        auto settings = small();
        settings.reads_contents = reads;
        InspectingWorker worker(source, settings, few_seconds);
        worker.run_to_the_end();
        EXPECT_EQ(worker.labels(), std::vector<std::string>{"HTTP"});
        EXPECT_EQ(worker.ended(flow::Inspection::decided), 1U);
        EXPECT_EQ(worker.books().described, reads ? 1U : 0U);
        EXPECT_EQ(worker.books().states, 0U);
    }
}

// A file's table grows: what is known of its flows, and what is under way, moves with them.
TEST(Inspector, goes_on_with_its_flows_in_a_table_that_grows) {
    constexpr std::uint16_t flows = 500;
    std::vector<Frame> frames;
    for (std::size_t packet = 0; packet < 5; ++packet) {  // all conversations at one time
        for (std::uint16_t flow = 0; flow < flows; ++flow) {
            frames.push_back(
                testing::http_conversation(80, static_cast<std::uint16_t>(flow + 40'000))[packet]);
        }
    }
    ReplaySource source(timed(frames));
    InspectingWorker worker(source, {.states_max = flows}, few_seconds, 16, flows, 4'096);
    worker.run_to_the_end();
    EXPECT_EQ(worker.labels(), std::vector<std::string>(flows, "HTTP"));
    EXPECT_EQ(worker.books().described, flows);
}

TEST(Inspector, counts_what_it_has_no_room_to_keep) {
    std::vector<Frame> frames;
    for (unsigned flow = 0; flow < 30; ++flow) {
        const auto packets =
            testing::http_conversation(80, static_cast<std::uint16_t>(flow + 40'000));
        frames.insert(frames.end(), packets.begin(), packets.end());
    }
    ReplaySource source(timed(frames));
    auto settings = small();
    InspectingWorker worker(source, settings, few_seconds, 256, 10);
    worker.run_to_the_end();
    EXPECT_GE(worker.books().described, 10U) << "room is used again when a flow has left";
    EXPECT_GT(worker.books().metadata_refused, 0U);
    EXPECT_EQ(worker.books().described + worker.books().metadata_refused, 30U);
    EXPECT_EQ(worker.ended(Inspection::decided), 30U) << "the label needs no room";
}

}  // namespace
}  // namespace tapmeter::inspect
