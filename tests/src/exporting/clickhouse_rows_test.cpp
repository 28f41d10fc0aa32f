#include "src/exporting/clickhouse_rows.h"

#include <gtest/gtest.h>

#include <set>

#include "src/fields/table.h"
#include "tests/support/flow_records.h"
#include "tests/support/row_binary.h"

namespace tapmeter::exporting {
namespace {

using test_support::icmpv6_record;
using test_support::mixed_record;
using test_support::RowBinary;
using test_support::tcp_record;

using Row = std::map<std::string, std::string>;

const Interfaces points{{"eth1", ObservationDomainId{7}},
                        {std::string(300, 'n'), ObservationDomainId{0xFFFF'FFFF}}};

Row row_of(const flow::FlowRecord& record, const RecordRing::Parts& beside = {},
           const inspect::ApplicationNames* names = nullptr) {
    const ClickHouseRows rows(points, names);
    std::vector<std::byte> octets(rows.row_octets_max());
    octets.resize(rows.write(octets.data(), record, beside, 0xFEDC'BA98'7654'3210));
    RowBinary reader(octets);
    Row row = reader.row();
    EXPECT_TRUE(reader.at_end());
    return row;
}

// Every column of the field table is there, once, and every one has a type that rows can have.
TEST(ClickHouseRows, has_the_columns_of_the_table) {
    std::set<std::string_view> names;
    for (const ClickHouseColumn& column : clickhouse_columns()) {
        EXPECT_TRUE(names.insert(column.name).second) << column.name;
        EXPECT_FALSE(column.help.empty()) << column.name;
    }
    for (const fields::Field& field : fields::all_fields) {
        EXPECT_TRUE(field.column.empty() || names.contains(field.column)) << field.name;
    }
    EXPECT_EQ(names.size(), 53U);
}

TEST(ClickHouseRows, a_flow_of_tcp) {
    const Row row = row_of(tcp_record());
    const Row wanted{{"flow_start", "1763633729023456789"},
                     {"flow_end", "1763633733123456789"},
                     {"bytes_fwd", "4884"},
                     {"bytes_rev", "7392"},
                     {"pkts_fwd", "23"},
                     {"pkts_rev", "21"},
                     {"l2_bytes_fwd", "5206"},
                     {"l2_bytes_rev", "7686"},
                     {"flow_id", "1234567890123456"},
                     {"src_ip", "::ffff:10.1.2.3"},
                     {"dst_ip", "::ffff:93.184.216.34"},
                     {"src_port", "51234"},
                     {"dst_port", "443"},
                     {"icmp_type", "0"},
                     {"icmp_code", "0"},
                     {"proto", "6"},
                     {"ip_version", "4"},
                     {"tcp_flags_fwd", "27"},
                     {"tcp_flags_rev", "19"},
                     {"interface_id", "1"},
                     {"interface", "eth1"},
                     {"vlan", "120"},
                     {"customer_vlan", "7"},
                     {"tos_fwd", "40"},
                     {"tos_rev", "44"},
                     {"ttl_fwd", "63"},
                     {"ttl_rev", "51"},
                     {"end_reason", "3"},
                     {"direction", "1"},
                     {"src_prefix", "0"},
                     {"dst_prefix", "0"},
                     {"worker", "2"},
                     {"aggregated", "2"},
                     {"sampling", "1"},
                     {"odid", "7"},
                     {"insert_id", std::to_string(0xFEDC'BA98'7654'3210)},
                     {"app", ""},
                     {"host", ""}};
    for (const auto& [column, value] : wanted) {
        ASSERT_TRUE(row.contains(column)) << column;
        EXPECT_EQ(row.at(column), value) << column;
    }
    for (const auto& [column, value] : row) {
        EXPECT_TRUE(wanted.contains(column) || value == "0") << column;  // no report beside it
    }
}

TEST(ClickHouseRows, ports_and_types_stand_where_they_mean_something) {
    flow::FlowRecord record = icmpv6_record();
    record.source_port = 9;  // never shown: an ICMP flow has none
    record.forward_tcp_control_bits = 0xFF;
    record.observation_point = 1;
    Row row = row_of(record);
    EXPECT_EQ(row["src_ip"], "2001:db8::1");
    EXPECT_EQ(row["src_port"], "0");
    EXPECT_EQ(row["tcp_flags_fwd"], "0");
    EXPECT_EQ(row["icmp_type"], "128");
    EXPECT_EQ(row["interface_id"], "2");
    EXPECT_EQ(row["interface"], std::string(300, 'n'));
    EXPECT_EQ(row["odid"], "4294967295");
}

TEST(ClickHouseRows, aggregates_say_what_they_stand_for) {
    flow::FlowRecord record = tcp_record();
    record.aggregated = true;
    record.source_prefix_length = 24;
    record.destination_prefix_length = 0;
    record.sampling_exponent = 3;
    Row row = row_of(record);
    EXPECT_EQ(row["aggregated"], "1");
    EXPECT_EQ(row["src_prefix"], "24");
    EXPECT_EQ(row["sampling"], "8");
}

TEST(ClickHouseRows, numbers_and_times_at_their_limits) {
    flow::FlowRecord record = tcp_record();
    record.forward.octets = Octets{5ULL * 1'024 * 1'024 * 1'024 + 1};
    record.reverse.octets = Octets{~std::uint64_t{0}};
    record.start = ObservedAt{Nanoseconds{-1}};
    record.end = ObservedAt{Nanoseconds{std::numeric_limits<std::int64_t>::max()}};
    Row row = row_of(record);
    EXPECT_EQ(row["bytes_fwd"], "5368709121");
    EXPECT_EQ(row["bytes_rev"], "18446744073709551615");
    EXPECT_EQ(row["flow_start"], "-1");
    EXPECT_EQ(row["flow_end"], "9223372036854775807");
}

TEST(ClickHouseRows, what_stands_beside_the_record) {
    flow::TcpReport tcp{};
    tcp.client_round_trip_us = 11;
    tcp.server_response_us = 13;
    tcp.forward.seen.out_of_order = 3;
    tcp.reverse.seen.zero_windows = 5;
    flow::TunnelReport tunnel{};
    tunnel.innermost_id = 4'711;
    tunnel.innermost_kind = 2;
    inspect::Metadata metadata{};
    metadata.tls.sni = metadata.keep("example.\xff\n'", inspect::text_max::name);
    inspect::ApplicationNames names;
    names.name_protocol(91, "TLS");
    names.name_protocol(126, "Google");
    flow::FlowRecord record = tcp_record();
    record.application.master = 91;
    record.application.application = 126;
    record.application.inspection = flow::Inspection::decided;
    Row row = row_of(record, {&metadata, &tcp, &tunnel, nullptr, nullptr}, &names);
    EXPECT_EQ(row["rtt_client_us"], "11");
    EXPECT_EQ(row["server_latency_us"], "13");
    EXPECT_EQ(row["out_of_order_fwd"], "3");
    EXPECT_EQ(row["zero_windows_rev"], "5");
    EXPECT_EQ(row["tunnel_id"], "4711");
    EXPECT_EQ(row["tunnel_kind"], "2");
    EXPECT_EQ(row["app"], "TLS.Google");
    EXPECT_EQ(row["host"], "example.\xff\n'");
    metadata.http.host = metadata.keep(std::string(255, 'h'), inspect::text_max::name);
    EXPECT_EQ(row_of(record, {&metadata, nullptr, nullptr, nullptr, nullptr}, &names)["host"],
              std::string(255, 'h'));
}

TEST(ClickHouseRows, no_row_is_longer_than_it_says) {
    const ClickHouseRows rows(points);
    for (std::size_t index = 0; index < 100; ++index) {
        std::vector<std::byte> octets(rows.row_octets_max());
        const std::size_t length = rows.write(octets.data(), mixed_record(index, 2), {}, index);
        EXPECT_LT(length, octets.size());
        RowBinary reader(std::span{octets}.first(length));
        EXPECT_EQ(reader.row()["flow_id"], std::to_string(index + 1));
        EXPECT_TRUE(reader.at_end());
    }
}

TEST(ClickHouseTypes, are_the_same_octets_with_the_same_meaning) {
    EXPECT_TRUE(is_readable_as("UInt8", "UInt8"));
    EXPECT_TRUE(is_readable_as("UInt8", "Enum8('idle' = 1)"));
    EXPECT_TRUE(is_readable_as("UInt64", "Int64"));
    EXPECT_TRUE(is_readable_as("DateTime64(9)", "DateTime64(9, 'UTC')"));
    EXPECT_TRUE(is_readable_as("DateTime64(9)", "Int64"));
    EXPECT_TRUE(is_readable_as("IPv6", "FixedString(16)"));
    EXPECT_TRUE(is_readable_as("LowCardinality(String)", "String"));
    EXPECT_TRUE(is_readable_as("String", "LowCardinality(String)"));
    EXPECT_FALSE(is_readable_as("UInt8", "UInt16"));
    EXPECT_FALSE(is_readable_as("UInt8", "Nullable(UInt8)"));
    EXPECT_FALSE(is_readable_as("DateTime64(9)", "DateTime64(3)"));
    EXPECT_FALSE(is_readable_as("DateTime64(9)", "DateTime"));
    EXPECT_FALSE(is_readable_as("IPv6", "FixedString(15)"));
    EXPECT_FALSE(is_readable_as("IPv6", "String"));
    EXPECT_FALSE(is_readable_as("UInt32", "Float32"));
}

}  // namespace
}  // namespace tapmeter::exporting
