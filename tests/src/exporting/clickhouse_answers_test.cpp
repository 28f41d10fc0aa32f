#include "src/exporting/clickhouse_answers.h"

#include <gtest/gtest.h>

namespace tapmeter::exporting {
namespace {

TEST(ClickHouseAnswers, have_the_number_of_their_exception) {
    EXPECT_EQ(exception_code("Code: 60, e.displayText() = DB::Exception: Table"), 60);
    EXPECT_EQ(exception_code("Code: 241. DB::Exception"), 241);
    EXPECT_EQ(exception_code("nothing"), 0);
    EXPECT_EQ(exception_code("Code: x"), 0);
}

TEST(ClickHouseAnswers, are_for_good_or_for_a_while) {
    EXPECT_TRUE(is_for_good("Code: 33. DB::Exception: Cannot read all data"));
    EXPECT_TRUE(is_for_good("Code: 252. Too many partitions for single INSERT block"));
    EXPECT_FALSE(is_for_good("Code: 252. Too many parts. Merges are processing slower"));
    EXPECT_FALSE(is_for_good("Code: 241. Memory limit exceeded"));
    EXPECT_FALSE(is_for_good(""));
}

TEST(ClickHouseAnswers, have_our_columns_or_say_which_not) {
    const std::string ours = columns_text();
    EXPECT_EQ(columns_fault(ours, ours), "");
    EXPECT_EQ(columns_fault("more\tString\n" + ours, ours), "");
    EXPECT_NE(columns_fault("flow_start\tDateTime\n", ours).find("flow_start is DateTime and not"),
              std::string::npos);
    EXPECT_NE(columns_fault("", ours).find("no column flow_start"), std::string::npos);
    EXPECT_EQ(columns_fault(ours, "flow_start\tDateTime64(9)\n"), "") << "what a run before had";
    EXPECT_EQ(columns_fault("", ""), "");
}

TEST(ClickHouseAnswers, are_taken_to_pieces) {
    const Columns columns = columns_of("a\tUInt8\nno tab\nb\tString");
    ASSERT_EQ(columns.size(), 2U);
    EXPECT_EQ(columns[0].second, "UInt8");
    EXPECT_EQ(columns[1].first, "b");
    const auto rows = rows_of("18446744073709551615\t3\n7\t12\n");
    EXPECT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows.at(18'446'744'073'709'551'615U), 3U);
    EXPECT_EQ(rows.at(7), 12U);
    EXPECT_TRUE(rows_of("").empty());
}

}  // namespace
}  // namespace tapmeter::exporting
