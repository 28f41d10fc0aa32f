#include "src/exporting/dtls_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "src/exporting/tcp_session.h"
#include "tests/support/dtls_collector.h"
#include "tests/support/own_network.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::Certificates;
using test_support::DtlsCollector;
using test_support::OwnNetwork;
using Clock = DtlsSession::Clock;
using Progress = StreamSession::Progress;

Bytes octets_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

// Of the other end of a session; both sides work in this thread.
class DtlsSessionTest : public testing::Test {
protected:
    static inline std::atomic<Clock::rep> ahead{0};
    static Clock::time_point now() { return Clock::now() + Clock::duration{ahead.load()}; }
    static void let_pass(Clock::duration time) { ahead += time.count(); }

    DtlsSessionTest() { ahead = 0; }

    DtlsSession::Setup setup() const {
        return {.host = "127.0.0.1",
                .port = collector.port(),
                .files = {files.pem("exporter"), files.key("exporter"), files.pem("authority"),
                          "collector.test"},
                .may_fragment = false,
                .renew = seconds{300},
                .now = now};
    }
    void make() { make(setup()); }
    void make(const DtlsSession::Setup& from) { session = DtlsSession::make(from).value(); }

    bool until(const std::function<bool()>& so) {
        const auto deadline = Clock::now() + seconds{10};
        while (!so()) {
            if (Clock::now() > deadline) {
                return false;
            }
            collector.serve();
        }
        return true;
    }
    // Goes on until it is open, or has failed.
    Progress open() {
        Progress progress = Progress::pending;
        EXPECT_TRUE(until([&] {
            progress = session->open(milliseconds{1});
            return progress != Progress::pending;
        }));
        return progress;
    }
    bool open_both() {
        return open() == Progress::done && until([&] { return collector.is_open(); });
    }
    Progress wait_for_change() {
        Progress progress = Progress::pending;
        EXPECT_TRUE(until([&] {
            progress = session->wait(false, milliseconds{1});
            return progress != Progress::pending;
        }));
        return progress;
    }
    bool arrives(const std::string& text) {
        return session->write(octets_of(text)) == Progress::done && until([&] {
                   return !collector.messages().empty() &&
                          std::ranges::equal(collector.messages().back(), octets_of(text));
               });
    }

    Certificates files;
    DtlsCollector collector{files};
    std::unique_ptr<StreamSession> session;
};

TEST_F(DtlsSessionTest, a_message_is_a_datagram_and_what_is_written_counts_as_delivered) {
    make();
    EXPECT_EQ(session->peer(), "dtls://127.0.0.1:" + std::to_string(collector.port()));
    ASSERT_TRUE(open_both()) << session->failure();
    std::uint64_t octets = 0;
    for (std::size_t index = 0; index < 100; ++index) {
        const std::string text(1 + index * 14, static_cast<char>('a' + index % 26));
        ASSERT_TRUE(arrives(text)) << index;
        octets += text.size();
    }
    EXPECT_EQ(collector.messages().size(), 100U);
    EXPECT_EQ(session->written(), octets);
    EXPECT_EQ(session->delivered(), octets);
    EXPECT_TRUE(session->may_lose());
    session->close();
    ASSERT_TRUE(until([&] { return collector.was_ended(); })) << "close_notify";
}

TEST_F(DtlsSessionTest, a_message_fits_what_the_path_carries) {
    OwnNetwork network;
    if (!network.ready()) {
        GTEST_SKIP() << network.why_not();
    }
    network.set_loopback_mtu(1'000);
    DtlsCollector here(files);
    DtlsSession::Setup from = setup();
    from.port = here.port();
    make(from);
    EXPECT_EQ(session->message_octets_max(), message_octets_unknown_path);
    const auto work = [&](const std::function<bool()>& so) {
        for (int turn = 0; turn < 2'000; ++turn) {
            if (so()) {
                return true;
            }
            here.serve();
        }
        return false;
    };
    ASSERT_TRUE(work([&] { return session->open(milliseconds{1}) == Progress::done; }))
        << session->failure();
    EXPECT_LE(here.longest_datagram(), 972U) << "of the handshake too";
    const std::size_t most = session->message_octets_max();
    EXPECT_GT(most, 900U);
    EXPECT_LT(most, 972U);
    EXPECT_EQ(session->write(octets_of(std::string(most, 'x'))), Progress::done);
    ASSERT_TRUE(work([&] { return here.messages().size() == 1; }));
    EXPECT_LE(here.longest_datagram(), 972U);

    // Of a time when the path carried more: in pieces, and whole on the other side.
    EXPECT_EQ(session->write(octets_of(std::string(1'420, 'y'))), Progress::done);
    ASSERT_TRUE(work([&] { return here.messages().size() == 2; }));
    EXPECT_EQ(here.messages()[1].size(), 1'420U);

    network.set_loopback_mtu(600);
    EXPECT_EQ(session->write(octets_of(std::string(most, 'z'))), Progress::done);
    ASSERT_TRUE(work([&] { return here.messages().size() == 3; }));
    let_pass(seconds{1});
    EXPECT_EQ(session->wait(false, milliseconds{0}), Progress::pending);
    EXPECT_LT(session->message_octets_max(), 572U) << "what is built from now on";
    network.set_loopback_mtu(550);
    let_pass(seconds{1});
    EXPECT_EQ(session->wait(false, milliseconds{0}), Progress::pending);
    EXPECT_EQ(session->message_octets_max(), message_octets_unknown_path) << "never less";
}

TEST_F(DtlsSessionTest, a_message_longer_than_a_record_is_refused) {
    make();
    ASSERT_TRUE(open_both()) << session->failure();
    EXPECT_TRUE(arrives(std::string(dtls_message_octets_max, 'x')));
    EXPECT_EQ(session->write(octets_of(std::string(16'385, 'x'))), Progress::failed);
}

// ---------------------------------------------------------------- who is who

TEST_F(DtlsSessionTest, nobody_is_exported_to_who_cannot_be_verified) {
    for (const auto& [authority, name] :
         {std::pair{"stranger", "collector.test"}, std::pair{"authority", "other.test"}}) {
        DtlsSession::Setup from = setup();
        from.files.authorities = files.pem(authority);
        from.files.name = name;
        make(from);
        EXPECT_EQ(open(), Progress::failed);
        EXPECT_NE(session->failure().find("certificate is refused for the name '"),
                  std::string::npos)
            << session->failure();
        EXPECT_FALSE(collector.is_open());
        session->close();
    }
}

TEST_F(DtlsSessionTest, the_name_is_that_of_the_host_unless_said_otherwise) {
    DtlsSession::Setup from = setup();
    from.files.name.clear();
    make(from);
    EXPECT_TRUE(open_both()) << session->failure() << ": 127.0.0.1 is in the certificate";
}

TEST_F(DtlsSessionTest, who_does_not_say_who_he_is_is_refused_by_a_collector_that_insists) {
    DtlsSession::Setup from = setup();
    from.files.certificate.clear();
    from.files.key.clear();
    make(from);
    EXPECT_EQ(open(), Progress::failed);
    EXPECT_NE(session->failure().find("the collector refuses DTLS: alert '"), std::string::npos)
        << session->failure();
    session->close();

    DtlsCollector easy(files, {.insists = false});
    from.port = easy.port();
    make(from);
    Progress progress = Progress::pending;
    for (int turn = 0; turn < 2'000 && progress == Progress::pending; ++turn) {
        progress = session->open(milliseconds{1});
        easy.serve();
    }
    EXPECT_EQ(progress, Progress::done) << session->failure();
}

TEST(DtlsSession, files_that_cannot_be_read_are_refused_with_their_names) {
    const auto refused = DtlsSession::make({.host = "h", .files = {"", "", "/nowhere/ca.pem", ""}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("/nowhere/ca.pem"), std::string::npos);
    EXPECT_TRUE(DtlsSession::make({.host = "h", .files = {}}));
}

// ---------------------------------------------------------------- what the network does

TEST_F(DtlsSessionTest, a_handshake_outlives_lost_datagrams) {
    collector.lose({1, 3});  // a ClientHello, and a part of what follows the ServerHello
    make();
    ASSERT_TRUE(open_both()) << session->failure();
    EXPECT_TRUE(arrives("whole"));
}

TEST_F(DtlsSessionTest, nobody_there_is_said) {
    std::uint16_t free_port = 0;
    {
        const DtlsCollector nobody(files);
        free_port = nobody.port();
    }
    DtlsSession::Setup from = setup();
    from.port = free_port;
    make(from);
    EXPECT_EQ(open(), Progress::failed);
    EXPECT_NE(session->failure().find("Connection refused"), std::string::npos)
        << session->failure();
    from.host = "name.invalid";
    make(from);
    EXPECT_EQ(session->open(milliseconds{1}), Progress::failed);
    EXPECT_NE(session->failure().find("'name.invalid' cannot be resolved"), std::string::npos);
}

TEST_F(DtlsSessionTest, a_collector_that_never_answers_is_not_waited_for) {
    collector.go_deaf();
    make();
    const auto begin = Clock::now();
    for (int turn = 0; turn < 5; ++turn) {
        EXPECT_EQ(session->open(milliseconds{10}), Progress::pending);
    }
    session->close();
    EXPECT_LT(Clock::now() - begin, seconds{1});
}

TEST_F(DtlsSessionTest, a_collector_that_was_killed_is_heard_of) {
    auto killed = std::make_unique<DtlsCollector>(files);
    DtlsSession::Setup from = setup();
    from.port = killed->port();
    make(from);
    Progress progress = Progress::pending;
    for (int turn = 0; turn < 2'000 && progress == Progress::pending; ++turn) {
        progress = session->open(milliseconds{1});
        killed->serve();
    }
    ASSERT_EQ(progress, Progress::done);
    killed.reset();
    EXPECT_EQ(session->write(octets_of("into the void")), Progress::done);
    EXPECT_EQ(wait_for_change(), Progress::failed);
    EXPECT_NE(session->failure().find("Connection refused"), std::string::npos)
        << session->failure();
}

TEST_F(DtlsSessionTest, what_others_send_changes_nothing) {
    make();
    ASSERT_TRUE(open_both()) << session->failure();
    const int third = ::socket(AF_INET, SOCK_DGRAM, 0);
    const sockaddr_in to = DtlsCollector::loopback(collector.port_of_peer());
    const std::string garbage(200, '\x16');
    ASSERT_EQ(::sendto(third, garbage.data(), garbage.size(), 0,
                       reinterpret_cast<const sockaddr*>(&to), sizeof to),
              200);
    ::close(third);
    EXPECT_EQ(session->wait(false, milliseconds{0}), Progress::pending);

    // As somebody who can forge the collector's address: noise, nothing, an end in clear, a record
    // under keys that nobody has.
    for (const std::string& forged :
         {garbage, std::string{}, std::string("\x15\xfe\xfd\0\0\0\0\0\0\0\x09\0\x02\x02\x28", 15),
          std::string("\x17\xfe\xfd\0\x01\0\0\0\0\0\x07\0\x20", 13) + std::string(32, 'x')}) {
        collector.send_in_clear(octets_of(forged));
        EXPECT_EQ(session->wait(false, milliseconds{10}), Progress::pending) << session->failure();
    }
    EXPECT_TRUE(arrives("still there"));
}

TEST_F(DtlsSessionTest, noise_does_not_keep_a_handshake) {
    make();
    EXPECT_EQ(session->open(milliseconds{0}), Progress::pending);
    collector.serve(milliseconds{10});  // from now on it knows where to send it
    const std::string noise(100, '\x80');
    bool done = false;
    ASSERT_TRUE(until([&] {
        collector.send_in_clear(octets_of(noise));
        done = done || session->open(milliseconds{1}) == Progress::done;
        return done && collector.is_open();
    })) << session->failure();
    EXPECT_TRUE(arrives("through"));
}

TEST_F(DtlsSessionTest, the_collector_ends_it) {
    make();
    ASSERT_TRUE(open_both()) << session->failure();
    collector.end();
    EXPECT_EQ(wait_for_change(), Progress::failed);
    EXPECT_EQ(session->failure(), "the collector ended the session");
}

TEST_F(DtlsSessionTest, who_talks_to_us_is_left) {
    make();
    ASSERT_TRUE(open_both()) << session->failure();
    for (std::size_t octets = 0; octets <= foreign_octets_max; octets += 1'000) {
        collector.say(1'000);
    }
    EXPECT_EQ(wait_for_change(), Progress::failed);
    EXPECT_EQ(session->failure(), too_much_said());
}

// ---------------------------------------------------------------- a session that one side lost

TEST_F(DtlsSessionTest, a_collector_that_was_restarted_and_answers_is_met_anew) {
    make();
    ASSERT_TRUE(open_both()) << session->failure();
    const std::uint16_t port_before = collector.port_of_peer();
    collector.forget();
    EXPECT_EQ(session->write(octets_of("lost")), Progress::done);
    collector.serve(milliseconds{10});
    EXPECT_EQ(session->wait(false, milliseconds{10}), Progress::pending)
        << "it may be a late answer of the handshake";

    let_pass(DtlsSession::renewal_min);
    EXPECT_EQ(session->write(octets_of("lost too")), Progress::done);
    collector.serve(milliseconds{10});
    EXPECT_EQ(wait_for_change(), Progress::renew);
    session->close();
    ASSERT_TRUE(open_both()) << session->failure();
    EXPECT_NE(collector.port_of_peer(), port_before) << "a Transport Session of its own";
    EXPECT_EQ(session->written(), 0U);
    EXPECT_EQ(session->wait(false, milliseconds{10}), Progress::pending);
    EXPECT_TRUE(arrives("heard again"));
}

TEST_F(DtlsSessionTest, one_that_was_restarted_and_is_silent_is_found_out_in_time) {
    make();
    ASSERT_TRUE(open_both()) << session->failure();
    collector.forget();
    collector.go_deaf();
    let_pass(seconds{299});
    EXPECT_EQ(session->write(octets_of("lost")), Progress::done);
    EXPECT_EQ(session->wait(false, milliseconds{10}), Progress::pending);
    let_pass(seconds{2});
    EXPECT_EQ(session->write(octets_of("not tried")), Progress::renew);
    session->close();
    EXPECT_EQ(session->open(milliseconds{10}), Progress::pending);
}

}  // namespace
}  // namespace tapmeter::exporting
