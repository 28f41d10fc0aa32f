#include "src/exporting/tls_channel.h"

#include <gtest/gtest.h>

#include <vector>

namespace tapmeter::exporting {
namespace {

// Keeps what goes out; nothing comes in.
class Wire final : public TlsChannel::Carrier {
public:
    std::ptrdiff_t carry_out(Bytes sealed) override {
        if (answer == 0) {
            sent.push_back(sealed.size());
            return static_cast<std::ptrdiff_t>(sealed.size());
        }
        return answer;
    }
    std::ptrdiff_t carry_in(std::span<std::byte>) override { return TlsChannel::not_now; }
    bool has_input() override { return false; }

    std::ptrdiff_t answer = 0;  // not 0: to all that should go out
    std::vector<std::size_t> sent;
};

constexpr auto both = {TlsChannel::Over::stream, TlsChannel::Over::datagrams};

std::unique_ptr<TlsChannel> made(TlsChannel::Over over, Wire& wire) {
    return TlsChannel::make(over, {"", "", "", "collector.test"}, wire).value();
}

TEST(TlsChannel, files_that_cannot_be_read_are_refused_with_their_names) {
    Wire wire;
    for (const auto over : both) {
        const auto authorities = TlsChannel::make(over, {"", "", "/nowhere/ca.pem", ""}, wire);
        ASSERT_FALSE(authorities);
        EXPECT_EQ(authorities.error().kind, Error::Kind::invalid_config);
        EXPECT_NE(authorities.error().message.find("/nowhere/ca.pem"), std::string::npos);
        const auto ours =
            TlsChannel::make(over, {"/nowhere/c.pem", "/nowhere/k.pem", "", ""}, wire);
        ASSERT_FALSE(ours);
        EXPECT_NE(ours.error().message.find("/nowhere/k.pem"), std::string::npos);
    }
}

TEST(TlsChannel, speaks_first_and_waits_for_an_answer) {
    for (const auto over : both) {
        Wire wire;
        const auto channel = made(over, wire);
        EXPECT_FALSE(channel->is_begun());
        EXPECT_FALSE(channel->wants_to_read());
        EXPECT_EQ(channel->shake_hands(), TlsChannel::not_now);
        EXPECT_TRUE(channel->is_begun());
        EXPECT_TRUE(over == TlsChannel::Over::datagrams || channel->wants_to_read());
        EXPECT_EQ(wire.sent.size(), 1U) << "ClientHello";
        EXPECT_EQ(channel->shake_hands(), TlsChannel::not_now);
        EXPECT_EQ(wire.sent.size(), 1U) << "nothing again before its time";
        channel->end();
        EXPECT_FALSE(channel->is_begun());
        EXPECT_EQ(channel->shake_hands(), TlsChannel::not_now);
        EXPECT_EQ(wire.sent.size(), 2U) << "a new session";
    }
}

TEST(TlsChannel, waits_for_room_and_says_what_broke) {
    for (const auto over : both) {
        Wire wire;
        const auto channel = made(over, wire);
        wire.answer = TlsChannel::not_now;
        EXPECT_EQ(channel->shake_hands(), TlsChannel::not_now);
        EXPECT_FALSE(over == TlsChannel::Over::stream && channel->wants_to_read());
        wire.answer = TlsChannel::broken;
        EXPECT_EQ(channel->shake_hands(), TlsChannel::broken);
        EXPECT_NE(channel->failure().find("TLS failed: "), std::string::npos) << channel->failure();
    }
}

TEST(TlsChannel, datagrams_of_the_handshake_keep_the_limit_and_come_again_in_a_second) {
    Wire wire;
    const auto channel = made(TlsChannel::Over::datagrams, wire);
    EXPECT_EQ(channel->limit_datagrams(200), 0U) << "there is no session yet";
    EXPECT_EQ(channel->retransmits_in(), std::chrono::milliseconds{0});
    EXPECT_EQ(channel->shake_hands(), TlsChannel::not_now);
    EXPECT_GT(wire.sent.size(), 1U) << "a ClientHello in pieces";
    for (const std::size_t octets : wire.sent) {
        EXPECT_LE(octets, 200U);
    }
    EXPECT_GT(channel->retransmits_in(), std::chrono::milliseconds{0});
    EXPECT_LE(channel->retransmits_in(), std::chrono::milliseconds{1'000});
}

}  // namespace
}  // namespace tapmeter::exporting
