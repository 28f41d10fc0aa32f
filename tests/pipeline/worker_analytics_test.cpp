// What a worker finds in packets beside the counts, and which packets it leaves out as copies.

#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/worker.h"
#include "src/generator/conversation.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using flow::SegmentSkipped;
using flow::TcpOpening;
using testing::broken_law;
using testing::Frame;
using testing::FrameBuilder;
using testing::ReplaySource;
using testing::TimedFrame;
using testing::WorkerBench;
using testing::WorkerSetup;

constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t ack = 0x10;
constexpr std::uint32_t client = 0x0a00'0001;
constexpr std::uint32_t server = 0x0a00'0002;

struct Segment {
    bool from_client = true;
    std::uint16_t bits = ack;
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgement = 0;
    std::size_t octets = 0;
    std::uint16_t client_port = 40'000;
};

FrameBuilder& tcp(FrameBuilder& builder, const Segment& s) {
    return builder
        .ipv4({.protocol = 6,
               .source = s.from_client ? client : server,
               .destination = s.from_client ? server : client})
        .be16(s.from_client ? s.client_port : std::uint16_t{80})
        .be16(s.from_client ? std::uint16_t{80} : s.client_port)
        .be32(s.sequence)
        .be32(s.acknowledgement)
        .be16(static_cast<std::uint16_t>(0x5000U | s.bits))
        .be16(1'000)
        .be32(0)
        .fill(s.octets, 0x41);
}
Frame tcp_frame(const Segment& s) {
    FrameBuilder builder;
    return tcp(builder.ethernet(), s).frame();
}

// 10 ms to the server, 4 ms to the client; a request sent twice, its answer after 50 ms.
std::vector<TimedFrame> connection(Nanoseconds at = 1'000s) {
    return {{tcp_frame({.bits = syn, .sequence = 100}), at},
            {tcp_frame({false, syn | ack, 500, 101}), at + 10ms},
            {tcp_frame({true, ack, 101, 501}), at + 14ms},
            {tcp_frame({true, ack, 101, 501, 20}), at + 20ms},
            {tcp_frame({true, ack, 101, 501, 20}), at + 320ms},
            {tcp_frame({false, ack, 501, 121, 300}), at + 370ms},
            {tcp_frame({true, ack, 121, 801}), at + 374ms}};
}

WorkerSetup with(flow::Analytics::Settings analytics) {
    WorkerSetup setup;
    setup.analytics = analytics;
    return setup;
}

TEST(WorkerAnalytics, a_connection_fares_as_its_segments_did) {
    ReplaySource source(connection());
    WorkerBench bench(source, with({.tcp = true}));
    bench.run_to_the_end();
    ASSERT_EQ(bench.records().size(), 1);
    ASSERT_TRUE(bench.tcp_reports()[0].has_value());
    const flow::TcpReport& report = *bench.tcp_reports()[0];
    EXPECT_EQ(report.opening, TcpOpening::established);
    EXPECT_EQ(report.server_round_trip_us, 10'000);
    EXPECT_EQ(report.client_round_trip_us, 4'000);
    EXPECT_EQ(report.initial_round_trip_us, 14'000);
    EXPECT_EQ(report.server_response_us, 350'000);
    EXPECT_EQ(report.forward.seen.retransmissions, 1);
    EXPECT_EQ(report.reverse.seen.retransmissions, 0);
    EXPECT_TRUE(report.complete);
    EXPECT_FALSE(bench.tunnel_reports()[0].has_value());
    EXPECT_EQ(bench.books().analytics.segments_seen, 7);
    EXPECT_EQ(bench.books().analytics.tcp.retransmissions, 1);
    EXPECT_EQ(bench.books().analytics.connections[4], 1);
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(WorkerAnalytics, nothing_is_reported_where_no_group_is_on) {
    ReplaySource source(connection());
    WorkerBench bench(source, {});
    bench.run_to_the_end();
    EXPECT_FALSE(bench.tcp_reports()[0].has_value());
    EXPECT_EQ(bench.books().analytics.segments, 0);
}

TEST(WorkerAnalytics, the_same_in_every_frame_that_a_segment_comes_in) {
    const auto built = [](auto link) {
        std::vector<TimedFrame> frames;
        const std::array<Segment, 7> segments{{{true, syn, 100, 0},
                                               {false, syn | ack, 500, 101},
                                               {true, ack, 101, 501},
                                               {true, ack, 101, 501, 20},
                                               {true, ack, 101, 501, 20},
                                               {false, ack, 501, 121, 300},
                                               {true, ack, 121, 801}}};
        constexpr std::array<Nanoseconds, 7> times{0ms, 10ms, 14ms, 20ms, 320ms, 370ms, 374ms};
        for (std::size_t i = 0; i < segments.size(); ++i) {
            FrameBuilder builder;
            link(builder);
            frames.push_back({tcp(builder, segments[i]).frame(), 1'000s + times[i]});
        }
        ReplaySource source(std::move(frames));
        WorkerBench bench(source, with({.tcp = true}));
        bench.run_to_the_end();
        EXPECT_EQ(bench.books().analytics.segments_seen, 7);
        return bench.tcp_reports().at(0)->forward.seen.retransmissions;
    };
    EXPECT_EQ(built([](FrameBuilder& b) { b.ethernet(); }), 1);
    EXPECT_EQ(built([](FrameBuilder& b) { b.ethernet().vlan(7); }), 1);
    EXPECT_EQ(built([](FrameBuilder& b) { b.ethernet().qinq(7, 8); }), 1);
    EXPECT_EQ(built([](FrameBuilder& b) { b.ethernet(0x8847).mpls(17); }), 1);
    EXPECT_EQ(built([](FrameBuilder& b) { b.ethernet().ipv4({.protocol = 4}); }), 1);
}

// A file's table grows, and all that is known of its flows moves with them.
TEST(WorkerAnalytics, is_the_same_in_a_table_that_grows) {
    static constexpr std::uint16_t connections = 500;
    const auto known_of_flows = [](std::size_t flows_max, std::size_t grows_to) {
        std::vector<TimedFrame> frames;
        for (Segment segment : {Segment{true, syn, 100, 0},
                                {false, syn | ack, 500, 101},
                                {true, ack, 101, 501, 20},
                                {true, ack, 101, 501, 20}}) {
            for (std::uint16_t port = 1; port <= connections; ++port) {
                segment.client_port = port;
                FrameBuilder builder;
                builder.ethernet(port % 3 == 0 ? 0x8847 : 0x0800);
                if (port % 3 == 0) {
                    builder.mpls(17);
                }
                frames.push_back({tcp(builder, segment).frame(),
                                  1'000s + 1us * static_cast<std::int64_t>(frames.size())});
            }
        }
        ReplaySource source(std::move(frames));
        WorkerSetup setup =
            with({.tcp = true, .tunnels = true, .behaviour = true, .tunnels_max = connections});
        setup.flows_max = flows_max;
        setup.grows_to = grows_to;
        WorkerBench bench(source, setup);
        bench.run_to_the_end();
        EXPECT_EQ(bench.books().flows_created, connections);
        EXPECT_EQ(broken_law(bench.books()), "");
        std::map<std::uint64_t, std::vector<std::uint64_t>> known;
        for (std::size_t i = 0; i < bench.records().size(); ++i) {
            const auto& tcp = bench.tcp_reports()[i];
            const auto& behaviour = bench.behaviour_reports()[i];
            EXPECT_TRUE(tcp.has_value() && behaviour.has_value());
            known[bench.records()[i].flow_id] = {
                tcp->forward.seen.retransmissions, tcp->initial_round_trip_us,
                bench.tunnel_reports()[i].has_value() ? 1U : 0U, behaviour->first_packets};
        }
        return known;
    };
    const auto whole = known_of_flows(4'096, 0);
    EXPECT_EQ(whole.size(), connections);
    EXPECT_EQ(known_of_flows(16, 4'096), whole);
}

TEST(WorkerAnalytics, a_cut_reports_what_was_counted_and_the_connection_goes_on) {
    auto frames = connection();
    frames.push_back({tcp_frame({true, ack, 121, 801, 20}), 1'061s});
    frames.push_back({tcp_frame({true, ack, 121, 801, 20}), 1'062s});
    ReplaySource source(std::move(frames));
    WorkerSetup setup = with({.tcp = true, .behaviour = true});
    setup.timeouts.idle = 100s;
    WorkerBench bench(source, setup);
    bench.run_to_the_end();
    ASSERT_EQ(bench.records().size(), 2);
    EXPECT_EQ(bench.tcp_reports()[0]->forward.seen.retransmissions, 1);
    EXPECT_EQ(bench.tcp_reports()[1]->forward.seen.retransmissions, 1);
    EXPECT_EQ(bench.tcp_reports()[1]->server_round_trip_us, 10'000) << "of the flow, in each";
    EXPECT_EQ(bench.books().analytics.connections[4], 1);
    EXPECT_EQ(bench.behaviour_reports()[0]->directions[0].sizes[0], 5);
    EXPECT_EQ(bench.behaviour_reports()[1]->directions[0].sizes[0], 2);
    EXPECT_EQ(bench.behaviour_reports()[1]->first_packets, 9);
}

TEST(WorkerAnalytics, every_segment_that_is_not_looked_at_has_a_reason) {
    auto fragment = FrameBuilder{}
                        .ethernet()
                        .ipv4({.fragment = 0x2000, .protocol = 6})
                        .tcp(1, 2)
                        .fill(20)
                        .frame();
    const auto orphan =
        FrameBuilder{}.ethernet().ipv4({.fragment = 9, .protocol = 6}).fill(40).frame();
    ReplaySource source({{fragment, 1'000s}, {orphan, 1'001s}, {tcp_frame({}), 1'005s}});
    WorkerBench bench(source, with({.tcp = true}));
    bench.run_to_the_end();
    const auto& books = bench.books().analytics;
    const auto skipped = [&](SegmentSkipped why) {
        return books.segments_skipped[static_cast<std::size_t>(why)];
    };
    EXPECT_EQ(books.segments, 3);
    EXPECT_EQ(books.segments_seen, 1);
    EXPECT_EQ(skipped(SegmentSkipped::unreadable) + skipped(SegmentSkipped::not_here), 2);
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(WorkerAnalytics, conversations_of_all_kinds_balance) {
    std::vector<TimedFrame> frames;
    for (std::uint64_t number = 0; number < 200; ++number) {
        generator::Conversation conversation(number);
        while (!conversation.finished()) {
            std::array<std::byte, generator::frame_octets_max> octets{};
            const std::size_t size = conversation.next(octets);
            const auto at = 1'000s + 1us * static_cast<std::int64_t>(frames.size());
            frames.push_back({Frame(octets.begin(), octets.begin() + size), at});
        }
    }
    ReplaySource source(std::move(frames));
    WorkerSetup setup = with({.tcp = true, .tunnels = true, .behaviour = true, .tunnels_max = 8});
    setup.flows_max = 128;  // far too few: flows leave for others
    setup.admission.aggregates = true;
    WorkerBench bench(source, setup);
    bench.run_to_the_end();
    EXPECT_GT(bench.books().analytics.segments, 1'000);
    EXPECT_EQ(broken_law(bench.books()), "");
    EXPECT_EQ(bench.books().analytics.tunnels_in_use, 0);
    EXPECT_EQ(bench.books().reports_refused, 0);
}

TEST(WorkerAnalytics, what_stands_around_the_first_packet_travels_beside_the_record) {
    const auto tunnelled = FrameBuilder{}
                               .ethernet()
                               .vlan(9)
                               .ipv4({.type_of_service = 4,
                                      .protocol = 4,
                                      .source = 0xc0a8'0001,
                                      .destination = 0xc0a8'0002})
                               .ipv4({.protocol = 17})
                               .udp(1'000, 2'000)
                               .frame();
    const auto plain = FrameBuilder{}.ethernet().ipv4({}).udp(7, 9).frame();
    const auto labelled =
        FrameBuilder{}.ethernet(0x8847).mpls(17, false).mpls(18).ipv4({}).udp(5, 6).frame();
    ReplaySource source(std::vector<Frame>{tunnelled, plain, labelled});
    WorkerBench bench(source, with({.tunnels = true, .tunnels_max = 8}));
    bench.run_to_the_end();
    ASSERT_EQ(bench.records().size(), 3);
    std::size_t with_report = 0;
    for (std::size_t i = 0; i < bench.records().size(); ++i) {
        const auto& report = bench.tunnel_reports()[i];
        with_report += report.has_value() ? 1 : 0;
        if (bench.records()[i].source_port == 1'000) {
            ASSERT_TRUE(report.has_value());
            EXPECT_EQ(report->layers, 1);
            EXPECT_EQ(report->layer[0].kind, decode::Encapsulation::ip_in_ip);
            EXPECT_EQ(report->ip_version, 4);
            EXPECT_EQ(report->type_of_service, 4);
            EXPECT_EQ(report->vlan, 9);
            EXPECT_EQ(report->source[15], 1);
            EXPECT_EQ(report->destination[15], 2);
        } else if (bench.records()[i].source_port == 5) {
            ASSERT_TRUE(report.has_value());
            EXPECT_EQ(report->layers, 0);
            EXPECT_EQ(report->mpls_labels, 2);
            EXPECT_EQ(report->mpls_stack[0] >> 4U, 17);
            EXPECT_EQ(report->mpls_stack[1] >> 4U, 18);
        }
    }
    EXPECT_EQ(with_report, 2);
    EXPECT_EQ(bench.books().analytics.tunnels_kept, 2);
    EXPECT_EQ(bench.books().analytics.tunnels_in_use, 0);
}

TEST(WorkerAnalytics, a_full_pool_of_tunnels_refuses_and_is_given_back) {
    std::vector<TimedFrame> frames;
    for (std::uint16_t port = 1; port <= 3; ++port) {
        frames.push_back(
            {FrameBuilder{}.ethernet().ipv4({.protocol = 4}).ipv4({}).udp(port, 2'000).frame(),
             1'000s + port * (port == 3 ? 40s : 1s)});
    }
    ReplaySource source(std::move(frames));
    WorkerBench bench(source, with({.tunnels = true, .tunnels_max = 1}));
    while (!bench.worker().exhausted()) {
        bench.worker().step();
        bench.collect();
    }
    bench.drain({});
    EXPECT_EQ(bench.books().analytics.tunnels_kept + bench.books().analytics.tunnels_refused, 3);
    EXPECT_GE(bench.books().analytics.tunnels_refused, 1);
    EXPECT_EQ(bench.books().analytics.tunnels_in_use, 0);
}

TEST(WorkerDuplicates, a_doubled_capture_gives_the_flows_of_the_single_one) {
    const auto single = connection();
    std::vector<TimedFrame> doubled;
    for (const TimedFrame& timed : single) {
        doubled.push_back(timed);
        doubled.push_back({timed.frame, timed.at + 1ms});
    }
    std::ranges::sort(doubled, {}, &TimedFrame::at);
    ReplaySource once(single);
    ReplaySource twice(doubled);
    WorkerSetup setup = with({.tcp = true});
    WorkerBench expected(once, setup);
    setup.duplicates.windows = {2ms};
    WorkerBench bench(twice, setup);
    expected.run_to_the_end();
    bench.run_to_the_end();
    ASSERT_EQ(bench.records().size(), 1);
    EXPECT_EQ(bench.records()[0].forward.packets, expected.records()[0].forward.packets);
    EXPECT_EQ(bench.records()[0].forward.octets, expected.records()[0].forward.octets);
    EXPECT_EQ(bench.records()[0].reverse.octets, expected.records()[0].reverse.octets);
    EXPECT_EQ(bench.tcp_reports()[0]->forward.seen, expected.tcp_reports()[0]->forward.seen);
    const Traffic copies = bench.books().ignored[index_of(LeftOut::duplicate)];
    EXPECT_EQ(copies.packets, single.size());
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(WorkerDuplicates, copies_inside_tunnels_and_of_fragments_are_copies) {
    const auto inner = FrameBuilder{}.ethernet().ipv4({.protocol = 4}).ipv4({}).udp(1, 2).frame();
    const auto other = FrameBuilder{}
                           .ethernet()
                           .ipv4({.protocol = 4, .source = 0xc0a8'0001})
                           .ipv4({.time_to_live = 63})
                           .udp(1, 2)
                           .frame();
    const auto fragment = FrameBuilder{}.ethernet().ipv4({.fragment = 9}).fill(40).frame();
    ReplaySource source(std::vector<Frame>{inner, other, fragment, fragment});
    WorkerSetup setup;
    setup.duplicates.windows = {1ms};
    WorkerBench bench(source, setup);
    bench.run_to_the_end();
    EXPECT_EQ(bench.books().ignored[index_of(LeftOut::duplicate)].packets, 2);
    EXPECT_EQ(bench.books().metered.packets, 2);
    EXPECT_EQ(broken_law(bench.books()), "");
}

}  // namespace
}  // namespace tapmeter
