#include "src/exporting/sctp_trace.h"

#include <gtest/gtest.h>

#include <vector>

namespace tapmeter::exporting {
namespace {

class SctpPacket {
public:
    explicit SctpPacket(std::uint32_t tag) : octets_(12, 0) { put32(4, tag); }

    // A chunk whose first words are these; padded as RFC 9260 section 3.2 has it.
    SctpPacket& chunk(std::uint8_t type, const std::vector<std::uint32_t>& words,
                      std::size_t octets_more = 0) {
        const std::size_t at = octets_.size();
        const std::size_t octets = 4 + 4 * words.size() + octets_more;
        octets_.resize(at + (octets + 3) / 4 * 4, 0);
        octets_[at] = type;
        octets_[at + 2] = static_cast<std::uint8_t>(octets >> 8U);
        octets_[at + 3] = static_cast<std::uint8_t>(octets);
        for (std::size_t index = 0; index < words.size(); ++index) {
            put32(at + 4 + 4 * index, words[index]);
        }
        return *this;
    }
    Bytes bytes() const { return std::as_bytes(std::span{octets_}); }
    Bytes cut(std::size_t octets) const { return bytes().first(octets); }

private:
    void put32(std::size_t at, std::uint32_t value) {
        for (std::size_t index = 0; index < 4; ++index) {
            octets_[at + index] = static_cast<std::uint8_t>(value >> (24U - 8U * index));
        }
    }

    std::vector<std::uint8_t> octets_;
};

constexpr std::uint8_t init = 1;
constexpr std::uint8_t sack = 3;
constexpr std::uint8_t heartbeat = 4;
constexpr std::uint8_t shutdown = 7;
constexpr std::uint32_t tag = 0x1234'5678;

// tag, window, streams, first TSN
SctpPacket init_with(std::uint32_t tsn) {
    return SctpPacket{0}.chunk(init, {tag, 65'536, 0x0001'0001, tsn});
}
SctpPacket sack_of(std::uint32_t tsn) {
    return SctpPacket{tag}.chunk(sack, {tsn, 65'536, 0});
}

TEST(SctpTrace, counts_what_is_confirmed_in_a_row) {
    SctpTrace trace;
    trace.sent(init_with(1'000).bytes());
    EXPECT_EQ(trace.confirmed(), 0U);
    trace.received(sack_of(999).bytes());  // nothing yet
    EXPECT_EQ(trace.confirmed(), 0U);
    trace.received(sack_of(1'000).bytes());
    EXPECT_EQ(trace.confirmed(), 1U);
    trace.received(sack_of(1'009).bytes());
    EXPECT_EQ(trace.confirmed(), 10U);
    trace.received(sack_of(1'004).bytes());  // an older packet that was overtaken
    EXPECT_EQ(trace.confirmed(), 10U);
}

TEST(SctpTrace, numbers_wrap) {
    SctpTrace trace;
    trace.sent(init_with(0xffff'fffe).bytes());
    trace.received(sack_of(0xffff'ffff).bytes());
    EXPECT_EQ(trace.confirmed(), 2U);
    trace.received(sack_of(2).bytes());
    EXPECT_EQ(trace.confirmed(), 5U);
}

TEST(SctpTrace, an_init_sent_again_changes_nothing) {
    SctpTrace trace;
    trace.sent(init_with(1'000).bytes());
    trace.received(sack_of(1'004).bytes());
    trace.sent(init_with(7).bytes());
    trace.received(sack_of(1'005).bytes());
    EXPECT_EQ(trace.confirmed(), 6U);
}

TEST(SctpTrace, finds_the_chunk_behind_others_and_a_shutdown) {
    SctpTrace trace;
    trace.sent(init_with(1).bytes());
    trace.received(SctpPacket{tag}.chunk(heartbeat, {1}, 3).chunk(sack, {4, 0, 0}).bytes());
    EXPECT_EQ(trace.confirmed(), 4U);
    trace.received(SctpPacket{tag}.chunk(shutdown, {6}).bytes());
    EXPECT_EQ(trace.confirmed(), 6U);
}

TEST(SctpTrace, another_tag_confirms_nothing) {
    SctpTrace trace;
    trace.received(sack_of(5).bytes());  // before anything was sent
    trace.sent(init_with(1).bytes());
    trace.received(SctpPacket{tag + 1}.chunk(sack, {5, 0, 0}).bytes());
    EXPECT_EQ(trace.confirmed(), 0U);
}

TEST(SctpTrace, cut_and_lying_packets_are_left_at_their_end) {
    SctpTrace trace;
    const SctpPacket whole = init_with(1);
    for (std::size_t octets = 0; octets < whole.bytes().size(); ++octets) {
        trace.sent(whole.cut(octets));
    }
    trace.received(sack_of(3).bytes());
    EXPECT_EQ(trace.confirmed(), 0U);  // none of them was an INIT
    trace.sent(whole.bytes());
    const SctpPacket answer = sack_of(3);
    for (std::size_t octets = 0; octets < answer.bytes().size(); ++octets) {
        trace.received(answer.cut(octets));
    }
    EXPECT_EQ(trace.confirmed(), 0U);
    trace.received(SctpPacket{tag}.chunk(heartbeat, {}, 0x8000).cut(16));  // longer than there is
    trace.received(SctpPacket{tag}.chunk(sack, {}).bytes());               // without its number
    EXPECT_EQ(trace.confirmed(), 0U);
    trace.received(answer.bytes());
    EXPECT_EQ(trace.confirmed(), 3U);
}

}  // namespace
}  // namespace tapmeter::exporting
