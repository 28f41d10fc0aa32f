#include "pipeline/inspect/signature_threshold.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tapmeter::inspect {
namespace {

TEST(ThresholdTable, a_full_table_suppresses_nothing_and_says_so) {
    ThresholdTable table{16};
    rules::Rule rule;
    rule.sid = 1;
    rule.threshold =
        rules::Threshold{rules::Threshold::Kind::limit, rules::Threshold::Track::by_source, 1, 10};
    const ObservedAt start{std::chrono::seconds{100}};
    decode::Address source{};
    decode::Address other{};
    for (unsigned i = 0; i < 64; ++i) {
        source[15] = static_cast<std::uint8_t>(i);
        EXPECT_TRUE(table.admits({rule, source, other, 0, start}));
    }
    EXPECT_GT(table.not_tracked(), 0U);
    EXPECT_GE(table.not_tracked(), 64U - 16U);
    const std::uint64_t before = table.not_tracked();
    for (unsigned i = 0; i < 4; ++i) {
        source[15] = static_cast<std::uint8_t>(100 + i);
        EXPECT_TRUE(table.admits({rule, source, other, 0, start + std::chrono::seconds{10}}))
            << "windows that are over make room";
        EXPECT_FALSE(table.admits({rule, source, other, 0, start + std::chrono::seconds{11}}));
    }
    EXPECT_EQ(table.not_tracked(), before);
}

TEST(ThresholdTable, what_is_tracked_is_told_apart) {
    ThresholdTable table{256};
    const ObservedAt at{std::chrono::seconds{100}};
    decode::Address one{};
    decode::Address two{};
    two[15] = 2;
    for (const auto track :
         {rules::Threshold::Track::by_source, rules::Threshold::Track::by_destination,
          rules::Threshold::Track::by_both, rules::Threshold::Track::by_rule,
          rules::Threshold::Track::by_flow}) {
        rules::Rule rule;
        rule.sid = 10 + static_cast<std::uint32_t>(track);
        rule.threshold = rules::Threshold{rules::Threshold::Kind::limit, track, 1, 10};
        EXPECT_TRUE(table.admits({rule, one, one, 1, at}));
        EXPECT_FALSE(table.admits({rule, one, one, 1, at}));
        const bool by_source = track == rules::Threshold::Track::by_source ||
                               track == rules::Threshold::Track::by_both;
        EXPECT_EQ(table.admits({rule, two, one, 1, at}), by_source);
        const bool by_flow = track == rules::Threshold::Track::by_flow;
        EXPECT_EQ(table.admits({rule, one, one, 2, at}), by_flow);
    }
}

}  // namespace
}  // namespace tapmeter::inspect
