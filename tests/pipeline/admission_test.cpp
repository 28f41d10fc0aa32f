#include "pipeline/admission.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using Verdict = Admission::Verdict;

constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t syn_ack = 0x12;
constexpr std::uint16_t ack = 0x10;
constexpr std::uint16_t rst_ack = 0x14;

flow::Observation packet(std::uint16_t control_bits, Nanoseconds at, std::uint8_t protocol = 6) {
    return {.at = ObservedAt{at}, .tcp_control_bits = control_bits, .protocol = protocol};
}

Admission in_a_flood(double flows_per_second) {
    Admission admission({.aggregates = true, .flood_flows = flows_per_second});
    admission.set(true, 0);
    return admission;
}

std::uint64_t let_in(Admission& admission, std::uint16_t control_bits, int count, Nanoseconds from,
                     Nanoseconds step) {
    std::uint64_t flows = 0;
    for (int i = 0; i < count; ++i) {
        const auto verdict = admission.judge(FlowHash{7}, packet(control_bits, from + step * i));
        flows += verdict == Verdict::flow ? 1U : 0U;
    }
    return flows;
}

TEST(Admission, is_open_until_told_otherwise) {
    Admission admission({.aggregates = true});
    EXPECT_TRUE(admission.open());
    admission.set(true, 0);
    EXPECT_FALSE(admission.open());
    admission.set(false, 3);
    EXPECT_FALSE(admission.open());
    admission.set(false, 0);
    EXPECT_TRUE(admission.open());
}

TEST(Admission, a_flood_changes_nothing_where_nothing_may_be_aggregated) {
    Admission admission({.aggregates = false});
    admission.set(true, 0);
    EXPECT_TRUE(admission.open());
}

// 10 M SYNs a second for a second against a limit of 1,000 flows: 1,000 and half of the 100 that
// may come at once.
TEST(Admission, lets_in_no_more_of_a_flood_than_its_limit_whatever_comes) {
    Admission admission = in_a_flood(1'000);
    const auto flows = let_in(admission, syn, 10'000'000, 1'000s, 100ns);
    EXPECT_LE(flows, 1'051U);
    EXPECT_GE(flows, 1'040U);
}

// A connection is told from a spoofed SYN by the packet that follows its handshake.
TEST(Admission, keeps_half_of_what_there_is_for_connections) {
    Admission admission = in_a_flood(1'000);
    EXPECT_EQ(let_in(admission, syn, 1'000, 1'000s, 0ns), 50U);
    EXPECT_EQ(let_in(admission, syn_ack, 1'000, 1'000s, 0ns), 0U);
    EXPECT_EQ(let_in(admission, rst_ack, 1'000, 1'000s, 0ns), 0U);
    EXPECT_EQ(admission.judge(FlowHash{7}, packet(ack, 1'000s, 17)), Verdict::aggregate)
        << "UDP has no handshake";
    EXPECT_EQ(let_in(admission, ack, 1'000, 1'000s, 0ns), 50U);
    EXPECT_EQ(let_in(admission, ack, 1'000, 1'000s, 0ns), 0U);
    EXPECT_EQ(let_in(admission, ack, 1'000, 1'001s, 0ns), 100U) << "a tenth of a second at once";
}

TEST(Admission, spoofed_syns_do_not_keep_connections_out) {
    Admission admission = in_a_flood(1'000);
    std::uint64_t connections = 0;
    for (int i = 0; i < 1'000'000; ++i) {  // one second; 500 connections among the SYNs
        const Nanoseconds at = 1'000s + 1us * i;
        admission.judge(FlowHash{7}, packet(syn, at));
        if (i % 2'000 == 0) {
            connections += admission.judge(FlowHash{7}, packet(ack, at)) == Verdict::flow ? 1 : 0;
        }
    }
    EXPECT_EQ(connections, 500U);
}

TEST(Admission, a_clock_that_goes_back_gives_nothing_away) {
    Admission admission = in_a_flood(1'000);
    let_in(admission, ack, 1'000, 1'000s, 0ns);
    EXPECT_EQ(let_in(admission, ack, 1'000, 999s, 0ns), 0U);
    EXPECT_EQ(let_in(admission, ack, 1'000, 1'000s, 0ns), 0U);
}

TEST(Admission, chooses_the_same_flows_always_and_nested) {
    std::mt19937_64 random(3);
    std::array<std::uint64_t, 6> chosen{};
    constexpr std::uint64_t hashes = 1 << 20;
    for (std::uint64_t i = 0; i < hashes; ++i) {
        const FlowHash hash{random()};
        for (unsigned exponent = 0; exponent < chosen.size(); ++exponent) {
            const bool is_chosen = Admission::chosen(hash, exponent);
            ASSERT_TRUE(!is_chosen || exponent == 0 || Admission::chosen(hash, exponent - 1));
            chosen[exponent] += is_chosen ? 1U : 0U;
        }
    }
    EXPECT_EQ(chosen[0], hashes);
    for (unsigned exponent = 1; exponent < chosen.size(); ++exponent) {
        const double expected = static_cast<double>(hashes >> exponent);
        EXPECT_NEAR(static_cast<double>(chosen[exponent]), expected, 5 * std::sqrt(expected));
    }
}

// The bits that place a flow in the table say nothing about whether it is chosen: else sampling
// would fill some buckets and leave others empty.
TEST(Admission, chooses_without_regard_to_bucket_and_tag) {
    for (const std::uint64_t fixed :
         {std::uint64_t{0xff00'0000'0000'0000}, std::uint64_t{0x0000'0000'ff00'0000},
          std::uint64_t{0x0000'007f'0000'007f}}) {
        std::mt19937_64 random(4);
        std::uint64_t chosen = 0;
        constexpr std::uint64_t hashes = 1 << 18;
        for (std::uint64_t i = 0; i < hashes; ++i) {
            chosen += Admission::chosen(FlowHash{random() | fixed}, 2) ? 1U : 0U;
        }
        EXPECT_NEAR(static_cast<double>(chosen), hashes / 4.0, 5 * std::sqrt(hashes / 4.0));
    }
}

TEST(Admission, a_flow_that_is_not_chosen_takes_no_place_of_a_flood) {
    Admission admission({.aggregates = true, .flood_flows = 1'000});
    admission.set(true, 4);
    std::mt19937_64 random(5);
    std::array<std::uint64_t, 3> verdicts{};
    for (int i = 0; i < 100'000; ++i) {
        const FlowHash hash{random()};
        const Verdict verdict = admission.judge(hash, packet(syn, 1'000s));
        ASSERT_EQ(verdict == Verdict::leave_out, !Admission::chosen(hash, 4));
        ++verdicts[static_cast<std::size_t>(verdict)];
    }
    EXPECT_EQ(verdicts[static_cast<std::size_t>(Verdict::flow)], 50U);
}

}  // namespace
}  // namespace tapmeter
