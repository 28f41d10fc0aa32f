#include "src/exporting/record_choice.h"

#include <gtest/gtest.h>

#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using test_support::mixed_record;
using test_support::tcp_record;

TEST(RecordChoice, takes_all_by_itself) {
    const RecordChoice all;
    EXPECT_FALSE(all.leaves_out(tcp_record()));
    EXPECT_FALSE(all.samples());
    EXPECT_EQ(all.sampled(tcp_record()).sampling_exponent, 0);
}

TEST(RecordChoice, filters) {
    const auto choice = RecordChoice::of("dst port 443 and bytes > 1k", 1).value();
    flow::FlowRecord record = tcp_record();
    EXPECT_FALSE(choice.leaves_out(record));
    record.destination_port = 444;
    EXPECT_TRUE(choice.leaves_out(record));
}

TEST(RecordChoice, samples_whole_flows_and_says_so) {
    const auto choice = RecordChoice::of("", 8).value();
    std::size_t taken = 0;
    for (std::size_t flow = 0; flow < 8'000; ++flow) {
        flow::FlowRecord record = mixed_record(flow);
        const bool left_out = choice.leaves_out(record);
        record.forward.packets = Packets{1};
        EXPECT_EQ(choice.leaves_out(record), left_out);  // another record of the same flow
        taken += left_out ? 0U : 1U;
    }
    EXPECT_GT(taken, 850U);
    EXPECT_LT(taken, 1'150U);
    EXPECT_TRUE(choice.samples());
    const flow::FlowRecord sampled = choice.sampled(tcp_record());
    EXPECT_EQ(sampled.sampling_exponent, 3);
    EXPECT_EQ(sampled.source_prefix_length, 32);
}

TEST(RecordChoice, refuses_what_means_nothing) {
    EXPECT_FALSE(RecordChoice::of("dst prot 443", 1));
    EXPECT_FALSE(RecordChoice::of("", 0));
    EXPECT_FALSE(RecordChoice::of("", 3));
    EXPECT_TRUE(RecordChoice::of("", 65'536));
    EXPECT_FALSE(RecordChoice::of("", 131'072));
}

}  // namespace
}  // namespace tapmeter::exporting
