#include "pipeline/recall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/history.h"
#include "tests/support/frames.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FrameBuilder;
using Mark = SavedPacket::Mark;

// "tcp[0:2] = port" behind a bare link header, as bpf(4) says it; `more` instructions before it.
RecallFilter& from_port(RecallFilter& filter, std::uint16_t port, std::size_t more = 0) {
    constexpr std::uint16_t load_half = 0x28;
    constexpr std::uint16_t jump_if_equal = 0x15;
    constexpr std::uint16_t give = 0x06;
    std::vector<filter::Instruction> program(more, {load_half, 0, 0, 12});
    program.insert(program.end(), {{load_half, 0, 0, 34},
                                   {jump_if_equal, 0, 1, port},
                                   {give, 0, 0, 0xffff},
                                   {give, 0, 0, 0}});
    auto packets = std::make_unique<filter::PacketFilter>();
    packets->programs[static_cast<std::size_t>(LinkType::ethernet)] =
        *filter::Program::verified(program);
    filter.packets = std::move(packets);
    filter.users = 1;
    return filter;
}

// A history of TCP packets, a millisecond and an octet on the wire apart.
class ByFilter : public ::testing::Test {
protected:
    void come(std::uint16_t port, std::size_t times = 1) {
        const auto frame =
            FrameBuilder{}.ethernet().ipv4({.protocol = 6}).tcp(port, 80).padded(60).frame();
        for (std::size_t i = 0; i < times; ++i) {
            Packet packet = testing::packet_of(frame, LinkType::ethernet, frame.size() + packets_);
            packet.observed_at = ObservedAt{std::chrono::milliseconds(packets_++)};
            history_->take({&packet, 1});
        }
    }
    void serve() { history_->serve(ObservedAt{std::chrono::milliseconds(packets_)}); }
    bool ask(RecallFilter& filter) {
        return history_->ask({.filter = &filter, .number = 7, .of = Recall::Of::filter});
    }
    // Numbers of packets; -1 and -2: it begins, it ends.
    std::vector<int> written() {
        std::vector<int> numbers;
        ring_->flush();
        for (auto chunk = ring_->oldest(); !chunk.empty(); chunk = ring_->oldest()) {
            for_each_saved(chunk, [&](const SavedPacket& head, Bytes frame) {
                numbers.push_back(head.mark == Mark::recall_begins ? -1
                                  : head.mark == Mark::recall_ends
                                      ? -2
                                      : static_cast<int>(head.wire_octets - frame.size()));
            });
            ring_->give_back();
        }
        return numbers;
    }

    std::unique_ptr<SaveRing> ring_ = std::move(*SaveRing::make(0, false));
    std::unique_ptr<History> history_ = std::move(*History::make(
        {.snap_octets = 262'144, .after = 10ms, .packets_after_max = 1'000}, *ring_));
    std::int64_t packets_ = 0;
};

TEST_F(ByFilter, what_it_accepts_is_recalled_and_the_filter_is_let_go_of_at_the_end) {
    RecallFilter filter;
    come(1'000);
    come(1'001);
    come(1'000);
    ASSERT_TRUE(ask(from_port(filter, 1'000)));
    serve();
    come(1'001);
    come(1'000);
    serve();
    EXPECT_THAT(written(), ElementsAre(-1, 0, 2, 4));
    EXPECT_FALSE(filter.is_free());
    EXPECT_TRUE(history_->finish(ObservedAt{100ms}));
    EXPECT_THAT(written(), ElementsAre(-2));
    EXPECT_TRUE(filter.is_free());
}

TEST_F(ByFilter, a_long_one_has_fewer_looks_in_a_turn) {
    RecallFilter filter;
    come(1'001, 600);
    come(1'000);
    // 508 and 4 instructions cost nine looks: 57 packets a turn.
    ASSERT_TRUE(ask(from_port(filter, 1'000, History::filter_instructions_max - 4)));
    for (int turn = 0; turn < 10; ++turn) {
        serve();
    }
    EXPECT_THAT(written(), ElementsAre(-1));
    serve();
    EXPECT_THAT(written(), ElementsAre(600));
}

}  // namespace
}  // namespace tapmeter
