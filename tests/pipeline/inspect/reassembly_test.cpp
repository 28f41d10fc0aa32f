#include "pipeline/inspect/reassembly.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "tests/pipeline/inspect/naive_stream.h"

namespace tapmeter::inspect {
namespace {

using testing::Consumer;
using testing::NaiveStream;
using testing::Story;

constexpr std::uint32_t first_sequence = 0xffff'fff0;  // wraps within a few octets

Segment segment_of(std::string_view text, std::uint32_t offset, std::uint16_t bits = tcp::ack) {
    return {.sequence = first_sequence + 1 + offset,
            .control_bits = bits,
            .wire_octets = static_cast<std::uint32_t>(text.size()),
            .payload = std::as_bytes(std::span{text})};
}

// A stream whose SYN was seen, and its consumer.
struct Bench {
    explicit Bench(Reassembly::Limits limits = {.window_octets = 256, .windows_max = 2})
        : reassembly(*Reassembly::reserve(limits)) {
        feed({.sequence = first_sequence, .control_bits = tcp::syn});
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() = default;

    void feed(const Segment& segment, std::size_t keep = 0) {
        EXPECT_TRUE(consumer.take(reassembly.feed(stream, segment), keep, story));
    }
    std::string told() const { return story.told(); }
    std::uint64_t count(StreamEvent event) const { return reassembly.count_of(event); }

    Reassembly reassembly;
    Stream stream{};
    Consumer consumer{reassembly, stream};
    Story story;
};

TEST(Reassembly, hands_octets_in_order_on_without_a_copy) {
    Bench bench;
    const std::string text = "hello";
    const auto step = bench.reassembly.feed(bench.stream, segment_of(text, 0));
    EXPECT_EQ(static_cast<const void*>(step.octets.data()), text.data());
    bench.reassembly.consumed(bench.stream, step, 5);
    EXPECT_EQ(bench.reassembly.windows_taken(), 0U);
    EXPECT_EQ(bench.count(StreamEvent::in_order), 1U);
}

TEST(Reassembly, waits_for_what_comes_late) {
    Bench bench;
    bench.feed(segment_of("cd", 2));
    bench.feed(segment_of("gh", 6));
    EXPECT_EQ(bench.told(), "");
    bench.feed(segment_of("ab", 0));
    EXPECT_EQ(bench.told(), "abcd");
    bench.feed(segment_of("ef", 4));
    EXPECT_EQ(bench.told(), "abcdefgh");
    EXPECT_EQ(bench.reassembly.windows_taken(), 0U);
}

TEST(Reassembly, shows_what_was_kept_in_front_of_what_comes) {
    Bench bench;
    bench.feed(segment_of("abc", 0), 2);
    EXPECT_EQ(bench.reassembly.windows_taken(), 1U);
    const auto step = bench.reassembly.feed(bench.stream, segment_of("de", 3));
    EXPECT_EQ(step.octets.size(), 4U);
    EXPECT_EQ(step.fresh_from, 2U);
    bench.reassembly.consumed(bench.stream, step, 4);
    EXPECT_EQ(bench.reassembly.windows_taken(), 0U);
}

TEST(Reassembly, the_first_octet_wins_and_others_are_counted) {
    Bench bench;
    bench.feed(segment_of("bbb", 2));
    bench.feed(segment_of("XXaYY", 0));
    EXPECT_EQ(bench.told(), "XXbbb");
    EXPECT_EQ(bench.count(StreamEvent::retransmitted), 3U);
    EXPECT_EQ(bench.count(StreamEvent::conflicting), 3U);
    bench.feed(segment_of("XXbbbc", 0));
    EXPECT_EQ(bench.told(), "XXbbbc");
}

TEST(Reassembly, a_keep_alive_is_old) {
    Bench bench;
    bench.feed(segment_of("abc", 0));
    bench.feed(segment_of("c", 2));
    bench.feed(segment_of("", 2));
    EXPECT_EQ(bench.told(), "abc");
    EXPECT_EQ(bench.count(StreamEvent::retransmitted), 1U);
}

TEST(Reassembly, a_syn_may_carry_octets) {
    Bench bench;
    Stream stream;
    Segment opening = segment_of("abc", 0, tcp::syn);
    opening.sequence -= 1;
    const auto step = bench.reassembly.feed(stream, opening);
    EXPECT_EQ(step.octets.size(), 3U);
    EXPECT_EQ(bench.count(StreamEvent::syn_with_data), 1U);
    bench.reassembly.consumed(stream, step, 3);
    EXPECT_EQ(bench.reassembly.feed(stream, segment_of("d", 3)).octets.size(), 1U);
}

TEST(Reassembly, a_stream_may_begin_in_its_midst) {
    Bench bench;
    Stream stream;
    EXPECT_EQ(bench.reassembly.feed(stream, segment_of("later", 900)).octets.size(), 5U);
    EXPECT_EQ(bench.count(StreamEvent::midstream), 1U);
}

TEST(Reassembly, ends_with_the_fin_even_where_it_overtook) {
    Bench bench;
    bench.feed(segment_of("cd", 2, tcp::fin));
    bench.feed(segment_of("abX", 0));
    EXPECT_EQ(bench.told(), "abcd<end>");
    bench.feed(segment_of("ef", 4));
    EXPECT_EQ(bench.told(), "abcd<end>");
    EXPECT_EQ(bench.reassembly.windows_taken(), 0U);
}

TEST(Reassembly, stops_at_its_limit_to_the_octet) {
    for (const std::size_t octets : {255U, 256U, 257U}) {
        Bench bench;
        const std::string text(octets, 'x');
        bench.feed(segment_of(text, 0));
        EXPECT_EQ(bench.told().ends_with("<end>"), octets >= 256);
        EXPECT_EQ(bench.count(StreamEvent::beyond_limit), octets == 257 ? 1U : 0U);
        bench.feed(segment_of("y", static_cast<std::uint32_t>(octets)));
        EXPECT_EQ(bench.told(), std::string(std::min<std::size_t>(octets, 256), 'x') +
                                    (octets == 255 ? "y<end>" : "<end>"));
    }
}

TEST(Reassembly, skips_a_gap_when_too_many_pieces_wait) {
    Bench bench;
    for (std::uint32_t piece = 1; piece <= pieces_max; ++piece) {
        bench.feed(segment_of("x", piece * 2));
    }
    EXPECT_EQ(bench.told(), "");
    bench.feed(segment_of("x", (pieces_max + 1) * 2));
    EXPECT_EQ(bench.told(), "<2 lost>x");
    EXPECT_EQ(bench.count(StreamEvent::gap_pieces), 1U);
    EXPECT_EQ(bench.count(StreamEvent::lost), 2U);
}

TEST(Reassembly, skips_a_gap_that_the_receiver_acknowledged) {
    Bench bench;
    bench.feed(segment_of("cd", 2));
    const auto acknowledge = [&](std::uint32_t offset) {
        bench.consumer.take(
            bench.reassembly.acknowledged(bench.stream, first_sequence + 1 + offset), 0,
            bench.story);
    };
    acknowledge(2);  // it may have overtaken its octets
    EXPECT_EQ(bench.told(), "");
    acknowledge(3);
    EXPECT_EQ(bench.told(), "<2 lost>cd");
    EXPECT_EQ(bench.count(StreamEvent::gap_acknowledged), 1U);
}

TEST(Reassembly, skips_what_a_snap_length_cut_off) {
    Bench bench;
    Segment cut = segment_of("ab", 0);
    cut.wire_octets = 10;
    bench.feed(cut);
    bench.feed(segment_of("cd", 10));
    EXPECT_EQ(bench.told(), "ab<8 lost>cd");
    EXPECT_EQ(bench.count(StreamEvent::gap_captured_short), 1U);
}

TEST(Reassembly, a_stream_without_a_window_is_given_up_and_others_live) {
    Bench bench{{.window_octets = 256, .windows_max = 1}};
    bench.feed(segment_of("cd", 2));
    Stream second;
    Consumer consumer{bench.reassembly, second};
    Story story;
    consumer.take(bench.reassembly.feed(second, segment_of("ab", 0)), 1, story);
    EXPECT_EQ(story.told(), "ab<end>");
    EXPECT_EQ(bench.count(StreamEvent::window_exhausted), 1U);
    bench.feed(segment_of("ab", 0));
    EXPECT_EQ(bench.told(), "abcd");
    Stream third;
    EXPECT_EQ(bench.reassembly.feed(third, segment_of("ab", 0)).octets.size(), 2U);
}

TEST(Reassembly, finish_tells_what_waits) {
    Bench bench;
    bench.feed(segment_of("ab", 0), 1);
    bench.feed(segment_of("ef", 4));
    bench.feed(segment_of("ij", 8));
    EXPECT_TRUE(bench.consumer.take(bench.reassembly.finish(bench.stream), 0, bench.story));
    EXPECT_EQ(bench.told(), "ab<2 lost>ef<2 lost>ij<end>");
    EXPECT_EQ(bench.reassembly.windows_taken(), 0U);
    EXPECT_FALSE(bench.reassembly.finish(bench.stream).happened());
}

TEST(Reassembly, refuses_limits_out_of_range) {
    const auto message = [](std::size_t octets, std::size_t windows) {
        const auto made = Reassembly::reserve({.window_octets = octets, .windows_max = windows});
        return made ? std::string{} : made.error().message;
    };
    EXPECT_EQ(message(255, 1), "inspect: window_octets = 255: must be 256 to 65,536");
    EXPECT_EQ(message(256, 1), "");
    EXPECT_EQ(message(65'536, 1), "");
    EXPECT_NE(message(65'537, 1), "");
    EXPECT_EQ(message(256, 0), "inspect: windows_max = 0: must be 1 to 1,048,576");
}

// Random streams, cut, shuffled, repeated, lied about: the same story as octet by octet.
TEST(Reassembly, tells_what_the_naive_stream_tells) {
    constexpr std::size_t limit = 512;
    auto reassembly = *Reassembly::reserve({.window_octets = limit, .windows_max = 1});
    std::mt19937 random{20'261'121};
    const auto below = [&](std::uint32_t bound) {
        return static_cast<std::uint32_t>(random() % bound);
    };
    for (int round = 0; round < 3'000; ++round) {
        Stream stream;
        Consumer consumer{reassembly, stream};
        NaiveStream naive{limit};
        Story told;
        Story expected;
        const std::uint32_t base = below(0xffff'ffff);
        const std::uint32_t spread = 8 + below(600);
        for (std::uint32_t packets = 1 + below(60); packets > 0; --packets) {
            const std::uint32_t offset = below(spread) - (below(8) == 0 ? 20 : 0);
            std::string text(below(below(4) == 0 ? 120 : 6), '.');
            for (std::size_t i = 0; i < text.size(); ++i) {
                text[i] = static_cast<char>('a' + (below(10) == 0 ? below(26) : (offset + i) % 26));
            }
            const Segment segment{
                .sequence = base + offset,
                .control_bits = static_cast<std::uint16_t>(below(40) == 0 ? tcp::fin : 0),
                .payload = std::as_bytes(std::span{text})};
            naive.feed(segment, expected);
            ASSERT_TRUE(consumer.take(reassembly.feed(stream, segment), below(12), told));
            if (below(10) == 0) {
                const std::uint32_t sequence = base + below(spread);
                naive.acknowledge(sequence, expected);
                ASSERT_TRUE(
                    consumer.take(reassembly.acknowledged(stream, sequence), below(3), told));
            }
            ASSERT_EQ(told.told(), expected.told()) << "round " << round;
        }
        naive.finish(expected);
        ASSERT_TRUE(consumer.take(reassembly.finish(stream), 0, told));
        ASSERT_EQ(told.told(), expected.told()) << "round " << round;
        reassembly.close(stream);
        ASSERT_EQ(reassembly.windows_taken(), 0U);
    }
}

}  // namespace
}  // namespace tapmeter::inspect
