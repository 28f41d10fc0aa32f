#include "src/verbs/table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tapmeter::verbs {
namespace {

Table sample() {
    return {.title = "top hosts",
            .columns = {{.name = "host"},
                        {.name = "octets", .scaled = true},
                        {.name = "flow_records", .heading = "flow records"}},
            .rows = {{std::string("10.0.0.1"), std::uint64_t{12'345}, std::uint64_t{7}},
                     {std::string("2001:db8::1"), std::uint64_t{5}, std::uint64_t{12}}},
            .remark = "2 of 9 hosts"};
}

TEST(Table, text_is_aligned_with_units_title_and_remark) {
    EXPECT_EQ(rendered(sample(), OutputFormat::text),
              "top hosts\n"
              "  host         octets  flow records\n"
              "  10.0.0.1     12.3 k             7\n"
              "  2001:db8::1       5            12\n"
              "  2 of 9 hosts\n");
}

TEST(Table, json_is_a_line_a_row_with_raw_numbers) {
    std::istringstream lines(rendered(sample(), OutputFormat::json));
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(line, R"({"host":"10.0.0.1","octets":12345,"flow_records":7})");
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(nlohmann::json::parse(line)["flow_records"], 12);
    EXPECT_FALSE(std::getline(lines, line)) << "neither title nor remark";
}

TEST(Table, csv_is_a_heading_and_raw_numbers) {
    EXPECT_EQ(rendered(sample(), OutputFormat::csv),
              "host,octets,flow_records\r\n10.0.0.1,12345,7\r\n2001:db8::1,5,12\r\n");
}

TEST(Table, without_rows_only_the_headings_remain) {
    const Table empty{.columns = {{.name = "name"}, {.name = "driver"}}};
    EXPECT_EQ(rendered(empty, OutputFormat::text), "  name  driver\n");
    EXPECT_EQ(rendered(empty, OutputFormat::json), "");
    EXPECT_EQ(rendered(empty, OutputFormat::csv), "name,driver\r\n");
}

TEST(Table, json_stays_valid_whatever_octets_a_name_has) {
    const Table table{.columns = {{.name = "name"}}, .rows = {{std::string("\xff\"\n\x01")}}};
    EXPECT_TRUE(nlohmann::json::accept(rendered(table, OutputFormat::json)));
}

TEST(CsvCell, is_quoted_where_rfc_4180_wants_it) {
    EXPECT_EQ(csv_cell("plain text"), "plain text");
    EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
    EXPECT_EQ(csv_cell("say \"hi\""), "\"say \"\"hi\"\"\"");
    EXPECT_EQ(csv_cell("two\nlines"), "\"two\nlines\"");
    EXPECT_EQ(csv_cell(""), "");
}

TEST(CsvCell, is_no_formula_to_a_spreadsheet) {
    EXPECT_EQ(csv_cell("=1+1"), "'=1+1");
    EXPECT_EQ(csv_cell("+1"), "'+1");
    EXPECT_EQ(csv_cell("-1"), "'-1");
    EXPECT_EQ(csv_cell("@SUM(A1)"), "'@SUM(A1)");
    EXPECT_EQ(csv_cell("\t=1"), "'\t=1");
    EXPECT_EQ(csv_cell("\r=1"), "\"'\r=1\"");
    EXPECT_EQ(csv_cell("=A1,\"x\""), "\"'=A1,\"\"x\"\"\"");
    EXPECT_EQ(csv_cell("1=1"), "1=1");
}

TEST(ScaledText, has_three_digits_and_a_prefix) {
    EXPECT_EQ(scaled_text(0), "0");
    EXPECT_EQ(scaled_text(999), "999");
    EXPECT_EQ(scaled_text(1'000), "1.00 k");
    EXPECT_EQ(scaled_text(9'994), "9.99 k");
    EXPECT_EQ(scaled_text(9'996), "10.0 k");
    EXPECT_EQ(scaled_text(99'940), "99.9 k");
    EXPECT_EQ(scaled_text(99'960), "100 k");
    EXPECT_EQ(scaled_text(999'499), "999 k");
    EXPECT_EQ(scaled_text(999'500), "1.00 M");
    EXPECT_EQ(scaled_text(1'230'000'000), "1.23 G");
    EXPECT_EQ(scaled_text(std::numeric_limits<std::uint64_t>::max()), "18.4 E");
}

}  // namespace
}  // namespace tapmeter::verbs
