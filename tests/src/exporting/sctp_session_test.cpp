#include "src/exporting/sctp_session.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "src/exporting/sctp.h"
#include "src/exporting/sctp_stack.h"
#include "src/exporting/tcp_session.h"
#include "tests/support/sctp_peer.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using test_support::SctpPeer;
using Progress = StreamSession::Progress;

Bytes octets_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

class SctpSessionTest : public testing::Test {
protected:
    // Both sides work until it is so.
    bool until(const std::function<bool()>& so) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!so()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            peer.serve();
        }
        return true;
    }
    bool open() {
        return until([this] {
                   progress = session.open(milliseconds{1});
                   return progress != Progress::pending;
               }) &&
               progress == Progress::done;
    }
    bool hears_of_the_end() {
        return until([this] {
            progress = session.wait(false, milliseconds{1});
            return progress == Progress::failed;
        });
    }

    SctpPeer peer;
    SctpSession session{"127.0.0.1", SctpPeer::port, peer.udp_port()};
    Progress progress = Progress::pending;
};

TEST_F(SctpSessionTest, messages_arrive_whole_and_in_order_and_are_confirmed) {
    ASSERT_TRUE(open()) << session.failure();
    EXPECT_EQ(session.peer(), "sctp://127.0.0.1:4739");
    std::vector<std::string> sent;
    for (std::size_t index = 0; index < 100; ++index) {
        sent.emplace_back(1 + index * 14, static_cast<char>('a' + index % 26));
    }
    std::uint64_t octets = 0;
    for (const std::string& message : sent) {
        ASSERT_TRUE(until([&] { return session.write(octets_of(message)) == Progress::done; }));
        octets += message.size();
    }
    EXPECT_EQ(session.written(), octets);
    ASSERT_TRUE(until([&] {
        session.wait(false, milliseconds{1});
        return session.delivered() == octets;
    })) << session.delivered();
    EXPECT_EQ(peer.messages(), sent);
}

TEST_F(SctpSessionTest, the_longest_message_fits_and_a_longer_one_is_refused) {
    ASSERT_TRUE(open()) << session.failure();
    EXPECT_EQ(session.write(octets_of(std::string(sctp_message_octets_max, 'x'))), Progress::done);
    ASSERT_TRUE(until([&] {
        session.wait(false, milliseconds{1});
        return session.delivered() == sctp_message_octets_max;
    }));
    EXPECT_EQ(session.write(octets_of(std::string(1'500, 'x'))), Progress::failed);
    EXPECT_NE(session.failure().find("too long"), std::string::npos) << session.failure();
}

TEST_F(SctpSessionTest, the_collector_ends_it) {
    ASSERT_TRUE(open()) << session.failure();
    peer.end();
    ASSERT_TRUE(hears_of_the_end());
    EXPECT_EQ(session.failure(), "the collector ended the association");
}

TEST_F(SctpSessionTest, opens_again_and_counts_anew) {
    ASSERT_TRUE(open()) << session.failure();
    EXPECT_EQ(session.write(octets_of("first")), Progress::done);
    peer.end();
    ASSERT_TRUE(hears_of_the_end());
    session.close();
    ASSERT_TRUE(open()) << session.failure();
    EXPECT_EQ(session.written(), 0U);
    EXPECT_EQ(session.delivered(), 0U);
    EXPECT_EQ(session.write(octets_of("second")), Progress::done);
    EXPECT_TRUE(until([&] {
        session.wait(false, milliseconds{1});
        return session.delivered() == 6;
    }));
}

TEST_F(SctpSessionTest, who_talks_to_us_is_left) {
    ASSERT_TRUE(open()) << session.failure();
    for (std::size_t octets = 0; octets <= foreign_octets_max; octets += 1'000) {
        peer.say(std::string(1'000, '?'));
    }
    ASSERT_TRUE(hears_of_the_end());
    EXPECT_NE(session.failure().find("more than 4096 octets"), std::string::npos)
        << session.failure();
}

TEST(SctpSession, nobody_takes_it) {
    std::uint16_t free_port = 0;
    {
        const SctpPeer nobody;
        free_port = nobody.udp_port();
    }
    SctpSession session("127.0.0.1", SctpPeer::port, free_port);
    Progress progress = Progress::pending;
    for (int tries = 0; tries < 1'000 && progress == Progress::pending; ++tries) {
        progress = session.open(milliseconds{10});
    }
    EXPECT_EQ(progress, Progress::failed);
    EXPECT_NE(session.failure().find("nobody takes SCTP there"), std::string::npos)
        << session.failure();
}

TEST(SctpSession, a_name_that_is_none) {
    SctpSession session("name.invalid", SctpPeer::port, 9'899);
    EXPECT_EQ(session.open(milliseconds{1}), Progress::failed);
    EXPECT_NE(session.failure().find("'name.invalid' cannot be resolved"), std::string::npos);
}

TEST(SctpSession, a_collector_that_is_silent_delays_the_end_a_little_only) {
    SctpPeer silent;  // it never serves
    SctpSession session("127.0.0.1", SctpPeer::port, silent.udp_port());
    EXPECT_EQ(session.open(milliseconds{20}), Progress::pending);
    const auto begin = std::chrono::steady_clock::now();
    session.close();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace tapmeter::exporting
