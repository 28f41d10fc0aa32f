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
