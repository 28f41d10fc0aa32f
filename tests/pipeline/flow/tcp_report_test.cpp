#include "pipeline/flow/tcp_report.h"

#include <gtest/gtest.h>

#include "pipeline/flow/tcp_quality.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t ack = 0x10;

TcpQuality opened(Nanoseconds to_server, Nanoseconds to_client) {
    TcpQuality quality;
    const ObservedAt at{1s};
    quality.see({.at = at,
                 .sequence = 100,
                 .control_bits = syn,
                 .sender = Sender::high,
                 .window_scale = 7,
                 .segment_octets_max = 1'460});
    quality.see({.at = at + to_server,
                 .sequence = 500,
                 .acknowledgement = 101,
                 .window = 1'000,
                 .control_bits = syn | ack,
                 .sender = Sender::low});
    quality.see({.at = at + to_server + to_client,
                 .sequence = 101,
                 .acknowledgement = 501,
                 .window = 1'000,
                 .control_bits = ack,
                 .sender = Sender::high});
    return quality;
}

TEST(TcpReport, the_initiator_is_forward_whichever_end_it_is) {
    const TcpQuality quality = opened(10ms, 4ms);
    const TcpReport report = report_of(quality, Sender::high);
    EXPECT_EQ(report.forward.segment_octets_max, 1'460);
    EXPECT_TRUE(report.forward.has_window_scale);
    EXPECT_EQ(report.forward.window_scale, 7);
    EXPECT_FALSE(report.reverse.has_window_scale);
    EXPECT_EQ(report.reverse.segment_octets_max, 0);
    // A round trip of a forward segment is one to the responder.
    EXPECT_EQ(report.forward.round_trips, 1);
    EXPECT_EQ(report.forward.round_trip_max_us, 10'000);
    EXPECT_EQ(report.reverse.round_trip_min_us, 4'000);
    EXPECT_EQ(report_of(quality, Sender::low).forward.round_trip_mean_us, 4'000);
    EXPECT_EQ(report.opening, TcpQuality::Opening::established);
    EXPECT_TRUE(report.complete);
}

TEST(TcpReport, less_than_a_microsecond_is_one_and_not_seen_is_none) {
    const TcpReport report = report_of(opened(1ns, 999ns), Sender::high);
    EXPECT_EQ(report.server_round_trip_us, 1);
    EXPECT_EQ(report.client_round_trip_us, 1);
    EXPECT_EQ(report.initial_round_trip_us, 1);
    EXPECT_EQ(report.server_response_us, 0);
    EXPECT_EQ(report_of(TcpQuality{}, Sender::low).initial_round_trip_us, 0);
}

TEST(TcpReport, times_that_no_word_holds_are_the_most_that_it_can) {
    const TcpReport report = report_of(opened(2h, 1ms), Sender::high);
    EXPECT_EQ(report.server_round_trip_us, 0xffff'ffff);
    EXPECT_EQ(report.forward.round_trip_max_us, 0xffff'ffff);
}

TEST(TcpReport, segments_that_were_skipped_make_it_incomplete_and_no_loss) {
    TcpQuality quality = opened(10ms, 4ms);
    quality.skip();
    quality.see({.at = ObservedAt{2s},
                 .sequence = 90'000,
                 .acknowledgement = 70'000,
                 .payload_octets = 10,
                 .window = 1'000,
                 .control_bits = ack,
                 .sender = Sender::high});
    const TcpReport report = report_of(quality, Sender::high);
    EXPECT_FALSE(report.complete);
    EXPECT_EQ(report.forward.seen, TcpSideQuality{});
}

TEST(TcpReport, pauses_are_noticed_once_each) {
    TcpQuality quality;
    quality.begin(3);
    quality.catch_up(3);
    EXPECT_TRUE(quality.complete());
    quality.catch_up(4);
    EXPECT_FALSE(quality.complete());
}

TEST(TcpReport, cleared_counts_leave_the_connection_as_it_is) {
    TcpQuality quality = opened(10ms, 4ms);
    quality.clear_counts();
    const TcpReport report = report_of(quality, Sender::high);
    EXPECT_EQ(report.forward.round_trips, 0);
    EXPECT_EQ(report.forward.round_trip_min_us, 0);
    EXPECT_EQ(report.server_round_trip_us, 10'000);
    EXPECT_EQ(report.forward.segment_octets_max, 1'460);
}

}  // namespace
}  // namespace tapmeter::flow
