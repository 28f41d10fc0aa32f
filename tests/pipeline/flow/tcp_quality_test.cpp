#include "pipeline/flow/tcp_quality.h"

#include <gtest/gtest.h>

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;
using Opening = TcpQuality::Opening;

constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t ack = 0x10;
constexpr std::uint16_t rst = 0x04;
constexpr Sender client = Sender::low;
constexpr Sender server = Sender::high;

struct Given {
    Nanoseconds at;
    Sender sender;
    std::uint32_t sequence;
    std::uint32_t acknowledgement = 0;
    std::uint32_t octets = 0;
    std::uint16_t bits = ack;
    std::uint16_t window = 1'000;
};

class Quality : public ::testing::Test {
protected:
    void see(const Given& given) {
        quality.see({.at = ObservedAt{given.at},
                     .sequence = given.sequence,
                     .acknowledgement = given.acknowledgement,
                     .payload_octets = given.octets,
                     .window = given.window,
                     .control_bits = given.bits,
                     .sender = given.sender});
    }
    // 10 ms to the server, 4 ms to the client. Data of the client begins with 101, the server's
    // with 501.
    void open() {
        see({.at = 0ms, .sender = client, .sequence = 100, .bits = syn});
        see({.at = 10ms,
             .sender = server,
             .sequence = 500,
             .acknowledgement = 101,
             .bits = syn | ack});
        see({.at = 14ms, .sender = client, .sequence = 101, .acknowledgement = 501});
    }
    void send(Nanoseconds at, std::uint32_t sequence, std::uint32_t octets) {
        see({.at = at,
             .sender = client,
             .sequence = sequence,
             .acknowledgement = 501,
             .octets = octets});
    }
    void answer(Nanoseconds at, std::uint32_t acknowledgement, std::uint16_t window = 1'000) {
        see({.at = at,
             .sender = server,
             .sequence = 501,
             .acknowledgement = acknowledgement,
             .window = window});
    }
    TcpSideQuality of_client() const { return quality.side(client); }
    TcpSideQuality of_server() const { return quality.side(server); }

    TcpQuality quality;
};

TEST_F(Quality, the_handshake_is_split_at_the_observation_point) {
    open();
    EXPECT_EQ(quality.opening(), Opening::established);
    EXPECT_EQ(quality.server_round_trip_us(), 10'000);
    EXPECT_EQ(quality.client_round_trip_us(), 4'000);
    EXPECT_EQ(quality.initial_round_trip(), 14ms);
    EXPECT_EQ(quality.client(), client);
    EXPECT_EQ(of_client(), TcpSideQuality{});
    EXPECT_EQ(of_server(), TcpSideQuality{});
}

TEST_F(Quality, connections_that_do_not_come_about_are_told_apart) {
    EXPECT_EQ(quality.opening(), Opening::unknown);
    see({.at = 0ms, .sender = client, .sequence = 100, .bits = syn});
    EXPECT_EQ(quality.opening(), Opening::unanswered);
    TcpQuality before = quality;
    see({.at = 1ms, .sender = server, .sequence = 0, .acknowledgement = 101, .bits = rst | ack});
    EXPECT_EQ(quality.opening(), Opening::refused);
    quality = before;
    see({.at = 1ms, .sender = server, .sequence = 9, .acknowledgement = 101, .bits = syn | ack});
    EXPECT_EQ(quality.opening(), Opening::half_open);
    see({.at = 2ms, .sender = client, .sequence = 101, .acknowledgement = 10, .bits = rst | ack});
    EXPECT_EQ(quality.opening(), Opening::half_open) << "a reset is no handshake";
}

TEST_F(Quality, octets_sent_again_late_are_a_retransmission) {
    open();
    send(20ms, 101, 10);
    send(320ms, 101, 10);
    EXPECT_EQ(of_client(), (TcpSideQuality{.retransmissions = 1}));
}

TEST_F(Quality, octets_sent_again_behind_duplicate_acks_are_a_fast_retransmission) {
    open();
    send(20ms, 101, 10);
    answer(21ms, 111);
    send(22ms, 121, 10);
    answer(23ms, 111);
    answer(24ms, 111);
    send(43ms, 111, 10);
    EXPECT_EQ(of_client(), (TcpSideQuality{.fast_retransmissions = 1, .lost_segments = 1}));
    EXPECT_EQ(of_server(), (TcpSideQuality{.duplicate_acks = 2}));
}

TEST_F(Quality, too_few_duplicates_or_too_late_is_no_fast_retransmission) {
    open();
    send(20ms, 101, 10);
    answer(21ms, 111);
    send(22ms, 121, 10);
    answer(23ms, 111);
    answer(24ms, 111);
    send(44ms, 111, 10);  // 20 ms behind the last
    EXPECT_EQ(of_client(), (TcpSideQuality{.retransmissions = 1, .lost_segments = 1}));
}

TEST_F(Quality, octets_that_had_been_acknowledged_are_a_spurious_retransmission) {
    open();
    send(20ms, 101, 10);
    answer(30ms, 111);
    send(40ms, 101, 10);
    EXPECT_EQ(of_client(), (TcpSideQuality{.spurious_retransmissions = 1}));
}

// Within the first round trip, 14 ms here, of the newest octets.
TEST_F(Quality, octets_that_were_overtaken_are_out_of_order) {
    open();
    send(20ms, 111, 10);
    send(34ms - 1ns, 101, 5);
    EXPECT_EQ(of_client(), (TcpSideQuality{.out_of_order = 1, .lost_segments = 1}));
    send(34ms, 106, 4);
    EXPECT_EQ(of_client(),
              (TcpSideQuality{.retransmissions = 1, .out_of_order = 1, .lost_segments = 1}));
}

TEST_F(Quality, an_ack_of_octets_that_were_not_seen_is_counted_until_they_are) {
    open();
    answer(20ms, 141);
    answer(21ms, 141);
    EXPECT_EQ(of_server().unseen_acknowledged, 2U) << "nothing was seen meanwhile";
}

TEST_F(Quality, a_window_of_zero_counts_but_for_resets) {
    open();
    answer(20ms, 101, 0);
    see({.at = 21ms, .sender = server, .sequence = 501, .bits = rst, .window = 0});
    EXPECT_EQ(of_server().zero_windows, 1U);
}

TEST_F(Quality, one_octet_before_the_next_is_a_keep_alive_and_no_retransmission) {
    open();
    send(20ms, 101, 10);
    answer(21ms, 111);
    send(30s, 110, 1);
    EXPECT_EQ(of_client(), (TcpSideQuality{.keep_alives = 1}));
    answer(30s + 1ms, 111);
    EXPECT_EQ(of_server(), TcpSideQuality{}) << "its answer is no duplicate";
}

TEST_F(Quality, round_trips_are_timed_unless_sent_again) {
    open();
    EXPECT_EQ(quality.round_trips(server).samples, 1U) << "the handshake";
    send(20ms, 101, 10);
    answer(50ms, 111);
    EXPECT_EQ(quality.round_trips(server).max, 30ms);
    EXPECT_EQ(quality.round_trips(server).min, 10ms);
    EXPECT_EQ(quality.round_trips(server).mean(), 20ms);
    send(60ms, 111, 10);
    send(600ms, 111, 10);
    answer(610ms, 121);
    EXPECT_EQ(quality.round_trips(server).samples, 2U);
}

TEST_F(Quality, the_server_responds_with_its_first_octets) {
    open();
    send(20ms, 101, 10);
    answer(30ms, 111);
    EXPECT_EQ(quality.server_response_us(), 0);
    see({.at = 90ms, .sender = server, .sequence = 501, .acknowledgement = 111, .octets = 9});
    EXPECT_EQ(quality.server_response_us(), 70'000);
}

TEST_F(Quality, a_syn_with_another_number_opens_another_connection) {
    open();
    send(20ms, 101, 10);
    send(320ms, 101, 10);
    see({.at = 1s, .sender = client, .sequence = 90'000, .bits = syn});
    EXPECT_EQ(quality.opening(), Opening::unanswered);
    EXPECT_EQ(of_client(), (TcpSideQuality{.retransmissions = 1}));
}

TEST_F(Quality, sequence_numbers_wrap) {
    see({.at = 0ms, .sender = client, .sequence = 0xffff'fff0, .octets = 16});
    see({.at = 1ms, .sender = client, .sequence = 0, .octets = 16});
    EXPECT_EQ(of_client(), TcpSideQuality{});
    see({.at = 1s, .sender = client, .sequence = 0xffff'fff0, .octets = 16});
    EXPECT_EQ(of_client(), (TcpSideQuality{.retransmissions = 1}));
}

}  // namespace
}  // namespace tapmeter::flow
