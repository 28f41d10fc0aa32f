#include "src/verbs/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/src/verbs/records.h"

namespace tapmeter::verbs {
namespace {

using testing::record_between;

std::string text(const Table::Cell& cell) {
    return std::get<std::string>(cell);
}
std::uint64_t number(const Table::Cell& cell) {
    return std::get<std::uint64_t>(cell);
}

TEST(Summary, sums_what_each_host_sent_and_received) {
    Summary summary;
    const std::array records{record_between(0x0a00'0001, 0x0a00'0002, 1'000),
                             record_between(0x0a00'0003, 0x0a00'0001, 600)};
    summary.take(records);
    const Table hosts = summary.hosts(10);
    ASSERT_EQ(hosts.rows.size(), 3U);
    const auto& first = hosts.rows[0];  // host, octets, sent, received, packets, records
    EXPECT_EQ(text(first[0]), "10.0.0.1");
    EXPECT_EQ(number(first[1]), 1'500U + 900U);
    EXPECT_EQ(number(first[2]), 1'000U + 300U);
    EXPECT_EQ(number(first[3]), 500U + 600U);
    EXPECT_EQ(number(first[4]), 15U + 9U);
    EXPECT_EQ(number(first[5]), 2U);
    EXPECT_EQ(text(hosts.rows[1][0]), "10.0.0.2");
    EXPECT_EQ(number(hosts.rows[1][2]), 500U);
    EXPECT_EQ(text(hosts.rows[2][0]), "10.0.0.3");
    EXPECT_EQ(hosts.remark, "") << "all hosts are shown";
}

TEST(Summary, says_what_share_the_shown_hosts_have) {
    Summary summary;
    const std::array records{record_between(1, 2, 1'000), record_between(3, 4, 200)};
    summary.take(records);
    const Table hosts = summary.hosts(2);
    ASSERT_EQ(hosts.rows.size(), 2U);
    // 1,500 and 300 octets, and each octet has two hosts: 3,000 of 3,600.
    EXPECT_EQ(hosts.remark, "2 of 4 hosts have 83.3 % of all octets");
}

TEST(Summary, hosts_with_as_many_octets_stand_in_the_order_of_their_addresses) {
    Summary summary;
    const std::array records{record_between(9, 3, 100), record_between(7, 1, 100)};
    summary.take(records);
    std::vector<std::string> hosts;
    for (const auto& row : summary.hosts(10).rows) {
        hosts.push_back(text(row[0]));
    }
    EXPECT_THAT(hosts, ::testing::ElementsAre("0.0.0.1", "0.0.0.3", "0.0.0.7", "0.0.0.9"));
}

flow::PayloadReport rtp_report(std::uint32_t source, std::uint32_t packets,
                               std::uint32_t jitter_us) {
    flow::PayloadReport report{.has_rtp = true};
    report.directions[0] = {.rtp_source = source,
                            .rtp_packets = packets,
                            .rtp_lost = 1,
                            .rtp_jitter_us = 1,
                            .rtp_jitter_mean_us = jitter_us,
                            .rtp_jitter_max_us = 2 * jitter_us,
                            .rtp_clock = 8'000,
                            .is_rtp = true};
    return report;
}
void take(Summary& summary, const flow::FlowRecord& record, const flow::PayloadReport& report) {
    const std::array parts{RecordBatch::Parts{nullptr, nullptr, nullptr, nullptr, &report}};
    summary.take({std::span{&record, 1}, parts});
}

TEST(Summary, shows_rtp_streams_by_their_jitter) {
    Summary summary;
    flow::FlowRecord record = record_between(0x0a00'0001, 0x0a00'0002, 1'000);
    take(summary, record, rtp_report(7, 100, 900));
    take(summary, record, rtp_report(7, 300, 500));  // the next record of the same flow
    record.flow_id = 4'712;
    flow::PayloadReport both = rtp_report(8, 10, 700);
    both.directions[1] = rtp_report(9, 10, 0).directions[0];
    both.directions[1].rtp_clock = 0;
    take(summary, record, both);
    take(summary, record, {.has_dns = true});

    const Table streams = summary.streams(2);
    ASSERT_EQ(streams.rows.size(), 2U);
    EXPECT_EQ(text(streams.rows[0][0]), "10.0.0.1:40000");
    EXPECT_EQ(text(streams.rows[0][1]), "10.0.0.2:53");
    EXPECT_EQ(number(streams.rows[0][2]), 8U);
    EXPECT_EQ(number(streams.rows[0][6]), 700U);
    EXPECT_EQ(number(streams.rows[1][2]), 7U);
    EXPECT_EQ(number(streams.rows[1][4]), 400U);
    EXPECT_EQ(number(streams.rows[1][5]), 2U);
    EXPECT_EQ(number(streams.rows[1][6]), 600U) << "by packets";
    EXPECT_EQ(number(streams.rows[1][7]), 1'800U);
    EXPECT_EQ(streams.remark, "2 of 3 streams");

    const Table all = summary.streams(10);
    ASSERT_EQ(all.rows.size(), 3U);
    EXPECT_EQ(text(all.rows[2][0]), "10.0.0.2:53") << "the other way";
    EXPECT_EQ(text(all.rows[2][6]), "clock?");
    EXPECT_EQ(all.remark, "");
}

TEST(Summary, counts_so_many_rtp_streams_and_no_more) {
    Summary summary;
    flow::FlowRecord record = record_between(1, 2, 1'000);
    for (std::size_t i = 0; i <= summary_streams_max; ++i) {
        record.flow_id = i;
        take(summary, record, rtp_report(1, 10, static_cast<std::uint32_t>(i)));
    }
    const Table streams = summary.streams(1);
    EXPECT_EQ(number(streams.rows[0][6]), summary_streams_max - 1);
    EXPECT_EQ(streams.remark, "1 of more than 65536 streams");
}

TEST(Summary, shows_protocols_by_octets_with_their_share) {
    Summary summary;
    std::array records{record_between(1, 2, 1'000), record_between(1, 2, 1'000),
                       record_between(3, 4, 8'000)};
    records[2].protocol = 6;
    summary.take(records);
    const Table protocols = summary.protocols();
    ASSERT_EQ(protocols.rows.size(), 2U);
    EXPECT_EQ(text(protocols.rows[0][0]), "TCP");
    EXPECT_EQ(number(protocols.rows[0][1]), 12'000U);
    EXPECT_EQ(text(protocols.rows[0][2]), "80.0 %");
    EXPECT_EQ(text(protocols.rows[1][0]), "UDP");
    EXPECT_EQ(text(protocols.rows[1][2]), "20.0 %");
    EXPECT_EQ(number(protocols.rows[1][3]), 30U);
    EXPECT_EQ(number(protocols.rows[1][4]), 2U);
}

TEST(Summary, is_empty_before_the_first_record) {
    const Summary summary;
    EXPECT_TRUE(summary.hosts(10).rows.empty());
    EXPECT_TRUE(summary.protocols().rows.empty());
    EXPECT_EQ(summary.hosts(10).remark, "");
}

TEST(Summary, counts_all_that_it_took_as_sent) {
    Summary summary;
    const std::array records{record_between(1, 2, 1'000)};
    summary.take(records);
    summary.take(records);
    const exporting::OutputCounters counters = summary.counters();
    EXPECT_EQ(counters.taken.records, 2U);
    EXPECT_EQ(counters.sent.records, 2U);
    EXPECT_EQ(counters.sent.packets, 30U);
    EXPECT_EQ(counters.sent.octets, 3'000U);
}

TEST(Summary, beyond_its_limit_hosts_are_summed_as_others) {
    Summary summary;
    std::vector<flow::FlowRecord> records;
    constexpr std::uint32_t servers = 8;
    constexpr auto hosts_max = static_cast<std::uint32_t>(summary_hosts_max);
    for (std::uint32_t host = 0; host < hosts_max; ++host) {  // servers and these: 8 too many
        records.push_back(record_between(0x0a00'0000 + host, host % servers, 100));
    }
    summary.take(records);
    EXPECT_THAT(summary.hosts(servers).remark,
                ::testing::StartsWith("8 of more than 262144 hosts have "));
    EXPECT_EQ(summary.hosts(1'000'000).rows.size(), summary_hosts_max);
    EXPECT_EQ(summary.counters().taken.records, hosts_max);
    EXPECT_EQ(number(summary.protocols().rows[0][1]), hosts_max * 150ULL) << "nothing is lost";
}

}  // namespace
}  // namespace tapmeter::verbs
