// A capture over several lives of its interface.
#include <gtest/gtest.h>

#include "tests/xdp/traffic.h"
#include "xdp/capture.h"

namespace tapmeter::xdp {
namespace {

using testing::expect_balanced;
using testing::has_seen;
using testing::number_in;
using testing::numbered;
using testing::open_or_fail;
using testing::options_for;
using testing::RawSender;
using testing::receive_all;
using testing::receive_once;
using testing::shell;
using testing::VethTest;
using testing::wait_until;

class XdpReturnsTest : public VethTest {};

// The interface goes, with packets still in the rings, and comes back with another number.
TEST_F(XdpReturnsTest, an_interface_that_comes_back_is_captured_again) {
    XdpOptions options = options_for("xdp_in");
    options.rules.denied_ports = {53};
    const auto capture = open_or_fail(options);
    ASSERT_NE(capture, nullptr);
    EXPECT_FALSE(capture->reopen().value()) << "nothing has changed";
    const auto send = [](std::uint32_t frames, std::uint32_t denied) {
        RawSender sender("xdp_out");
        for (std::uint32_t number = 0; number < frames; ++number) {
            ASSERT_TRUE(sender.send(numbered(number, 60, number < denied ? 53 : 4'000)));
        }
    };
    send(300, 0);
    ASSERT_TRUE(has_seen(*capture, 300));
    ASSERT_TRUE(shell("ip link del xdp_in"));
    EXPECT_FALSE(capture->reopen().value()) << "there is none yet";
    make_cable();
    send(20, 0);
    const auto reopened = capture->reopen();
    ASSERT_TRUE(reopened) << reopened.error().message;
    EXPECT_TRUE(*reopened);
    EXPECT_EQ(receive_all(*capture), 300U) << "what was received before is still there";

    send(500, 100);
    ASSERT_TRUE(has_seen(*capture, 820));
    std::size_t received = 0;
    while (received < 400) {
        const std::size_t more = receive_once(*capture, [](std::size_t, const Packet& packet) {
            EXPECT_GE(number_in(packet), 100U) << "rules go on";
        });
        ASSERT_NE(more, 0U) << received << " of 400 came";
        received += more;
    }
    const CaptureCounters books = capture->counters();
    EXPECT_TRUE(books.present);
    EXPECT_EQ(books.returns, 1U);
    EXPECT_EQ(books.offered.value, 820U);
    EXPECT_EQ(books.received.value, 700U);
    EXPECT_EQ(books.dropped[index_of(Dropped::not_attached)], 20U);
    EXPECT_EQ(books.ignored[index_of(Ignored::denied_port)], 100U);
    expect_balanced(books);
    EXPECT_FALSE(capture->reopen().value()) << "nothing has changed";
}

// Again and again, and each time with other queues; what has none on our side is named.
TEST_F(XdpReturnsTest, comes_back_with_other_queues) {
    const auto capture = open_or_fail(options_for("xdp_in"));
    ASSERT_NE(capture, nullptr);
    std::uint64_t sent = 0;
    for (const unsigned queues : {2U, 1U, 4U, 8U}) {
        ASSERT_TRUE(shell("ip link del xdp_in"));
        make_cable(queues);
        ASSERT_TRUE(wait_until([&] { return capture->reopen().value_or(false); }));
        RawSender sender("xdp_out");
        for (std::uint32_t number = 0; number < 200; ++number) {
            ASSERT_TRUE(sender.send(numbered(number)));
        }
        sent += 200;
        receive_all(*capture);  // the polling core goes over
        ASSERT_TRUE(has_seen(*capture, sent));
        receive_all(*capture);
        expect_balanced(capture->counters());
    }
    const CaptureCounters books = capture->counters();
    EXPECT_EQ(books.returns, 4U);
    EXPECT_EQ(books.received.value + books.dropped[index_of(Dropped::no_socket)], sent);
    EXPECT_TRUE(capture->describe().starts_with("xdp xdp_in: native, copying, 4 of 8"));
}

TEST_F(XdpReturnsTest, an_interface_that_comes_back_in_the_hands_of_another_says_so) {
    const auto capture = open_or_fail(options_for("xdp_in"));
    ASSERT_NE(capture, nullptr);
    ASSERT_TRUE(shell("ip link del xdp_in"));
    make_cable();
    auto theirs = open_or_fail(options_for("xdp_in"));
    ASSERT_NE(theirs, nullptr);
    const auto refused = capture->reopen();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("xdp_in"), std::string::npos) << refused.error().message;
    EXPECT_FALSE(capture->counters().present);
    theirs.reset();
    EXPECT_TRUE(wait_until([&] { return capture->reopen().value_or(false); }));
    ASSERT_TRUE(RawSender("xdp_out").send(numbered(1)));
    EXPECT_TRUE(has_seen(*capture, 1));
}

}  // namespace
}  // namespace tapmeter::xdp
