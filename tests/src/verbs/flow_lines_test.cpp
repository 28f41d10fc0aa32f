#include "src/verbs/flow_lines.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "tests/src/verbs/records.h"

namespace tapmeter::verbs {
namespace {

using ::testing::ElementsAre;
using ::testing::internal::CaptureStdout;
using ::testing::internal::GetCapturedStdout;

const exporting::Interfaces interfaces{
    {.name = "=eth,0", .observation_domain_id = ObservationDomainId{1}}};

flow::FlowRecord ipv6_record() {
    flow::FlowRecord record = testing::record_between(1, 2, 1'000);
    record.ip_version = 6;
    record.source = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    record.destination = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
    record.protocol = 6;
    record.forward_tcp_control_bits = 0x1b;
    record.reverse_tcp_control_bits = 0x02;
    return record;
}

// What stands on standard output, line by line.
std::vector<std::string> printed(OutputFormat format) {
    CaptureStdout();
    {
        FlowLines lines(format, interfaces);
        const std::array records{testing::record_between(0x0a00'0001, 0x0a00'0002, 1'000),
                                 ipv6_record()};
        lines.take(records);
        lines.flush({});
    }
    std::istringstream output(GetCapturedStdout());
    std::vector<std::string> all;
    for (std::string line; std::getline(output, line);) {
        all.push_back(line);
    }
    return all;
}

std::vector<std::string> cells(const std::string& line) {
    std::istringstream text(line);
    std::vector<std::string> all;
    for (std::string cell; std::getline(text, cell, ',');) {
        all.push_back(cell);
    }
    return all;
}

TEST(FlowLines, text_has_a_line_a_record) {
    const auto lines = printed(OutputFormat::text);
    ASSERT_EQ(lines.size(), 2U);
    std::istringstream words(lines[0]);
    std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
    ASSERT_EQ(all.size(), 12U) << lines[0];
    EXPECT_EQ(all[0].substr(0, 19), "2026-01-01T00:00:00");
    all.erase(all.begin());
    EXPECT_THAT(all, ElementsAre("1.500", "s", "UDP", "10.0.0.1:40000", ">", "10.0.0.2:53", "10",
                                 "1000", "5", "500", "idle"));
    EXPECT_THAT(lines[1], ::testing::HasSubstr("[2001:db8::1]:40000 > [2001:db8::2]:53"));
}

TEST(FlowLines, json_is_an_eve_object_a_line) {
    const auto lines = printed(OutputFormat::json);
    ASSERT_EQ(lines.size(), 2U);
    const auto first = nlohmann::json::parse(lines[0]);
    EXPECT_EQ(first["src_ip"], "10.0.0.1");
    EXPECT_EQ(first["dest_port"], 53);
    EXPECT_EQ(first["flow"]["pkts_toserver"], 10);
    EXPECT_EQ(nlohmann::json::parse(lines[1])["src_ip"], "2001:db8::1");
}

TEST(FlowLines, csv_has_a_heading_and_as_many_cells_in_every_line) {
    const auto lines = printed(OutputFormat::csv);
    ASSERT_EQ(lines.size(), 3U);
    for (const std::string& line : lines) {
        EXPECT_TRUE(line.ends_with('\r'));
    }
    const auto heading = cells(lines[0].substr(0, lines[0].size() - 1));
    // The interface's name has a comma of its own, quoted, and begins like a formula.
    EXPECT_THAT(lines[1], ::testing::HasSubstr(",\"'=eth,0\","));
    auto row = cells(lines[2].substr(0, lines[2].size() - 1));
    ASSERT_EQ(row.size(), heading.size() + 1);
    row.erase(row.begin() + 3);
    const auto cell = [&](const std::string& name) {
        return row.at(static_cast<std::size_t>(std::ranges::find(heading, name) - heading.begin()));
    };
    EXPECT_EQ(cell("proto"), "TCP");
    EXPECT_EQ(cell("src_ip"), "2001:db8::1");
    EXPECT_EQ(cell("dest_port"), "53");
    EXPECT_EQ(cell("bytes_toserver"), "1000");
    EXPECT_EQ(cell("bytes_toclient"), "500");
    EXPECT_EQ(cell("tcp_flags_ts"), "1b");
    EXPECT_EQ(cell("tcp_flags_tc"), "02");
    EXPECT_EQ(cell("end_reason"), "idle");
    EXPECT_EQ(cell("flow_id"), "4711");
}

TEST(FlowLines, csv_of_nothing_is_its_heading) {
    CaptureStdout();
    FlowLines(OutputFormat::csv, interfaces).flush({});
    EXPECT_THAT(GetCapturedStdout(), ::testing::StartsWith("start,end,in_iface,"));
}

TEST(FlowLines, counts_what_was_written_and_what_standard_output_refused) {
    FlowLines lines(OutputFormat::json, interfaces);
    const std::array records{testing::record_between(1, 2, 1'000)};
    CaptureStdout();
    lines.take(records);
    lines.tick({});
    EXPECT_FALSE(GetCapturedStdout().empty());
    EXPECT_EQ(lines.counters().sent.records, 1U);

    std::fflush(stdout);
    const int before = ::dup(STDOUT_FILENO);
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    ::dup2(full, STDOUT_FILENO);
    lines.take(records);
    lines.take(records);
    lines.flush({});
    ::__fpurge(stdout);
    std::clearerr(stdout);
    ::dup2(before, STDOUT_FILENO);
    ::close(before);
    ::close(full);

    const exporting::OutputCounters counters = lines.counters();
    EXPECT_EQ(counters.taken.records, 3U);
    EXPECT_EQ(counters.sent.records, 1U);
    EXPECT_EQ(counters.sent.packets, 15U);
    const auto& refused =
        counters.dropped[static_cast<std::size_t>(exporting::RecordDropped::send_error)];
    EXPECT_EQ(refused.records, 2U);
    EXPECT_EQ(refused.packets, 30U);
}

}  // namespace
}  // namespace tapmeter::verbs
