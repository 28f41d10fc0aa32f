#include "src/verbs/ddl_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tapmeter::verbs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DdlArguments, say_what_for_whom_and_how_named) {
    const auto line = parse_command_line({"ddl", "rollups", "flows", "--server", "18.16",
                                          "--database", "net", "--table", "tap", "--cluster", "c"},
                                         false);
    ASSERT_TRUE(line) << line.error().error;
    const auto& ddl = std::get<DdlCommand>(line->verb);
    EXPECT_THAT(ddl.parts, ElementsAre("rollups", "flows"));
    EXPECT_EQ(ddl.server, "18.16");
    EXPECT_EQ(ddl.database, "net");
    EXPECT_EQ(ddl.table, "tap");
    EXPECT_EQ(ddl.cluster, "c");
}

TEST(DdlArguments, need_not_be_there) {
    const auto line = parse_command_line({"ddl"}, false);
    ASSERT_TRUE(line);
    const auto& ddl = std::get<DdlCommand>(line->verb);
    EXPECT_TRUE(ddl.parts.empty());
    EXPECT_EQ(ddl.server, "current");
    EXPECT_FALSE(ddl.database);
}

TEST(DdlArguments, are_refused_where_they_mean_nothing) {
    const auto part = parse_command_line({"ddl", "flow"}, false);
    ASSERT_FALSE(part);
    EXPECT_THAT(part.error().error, HasSubstr("did you mean \"flows\""));
    EXPECT_FALSE(parse_command_line({"ddl", "--server", "19"}, false));
    EXPECT_FALSE(parse_command_line({"ddl", "--table", "a b"}, false));
}

}  // namespace
}  // namespace tapmeter::verbs
