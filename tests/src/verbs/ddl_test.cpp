#include "src/verbs/ddl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/verbs/said.h"

namespace tapmeter::verbs {
namespace {

using exporting::ClickHouseServer;
using tapmeter::testing::Said;
using tapmeter::testing::said_by;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Ddl, prints_the_wanted_parts) {
    const Said all = said_by([] { return ddl({}, {}, {}); });
    EXPECT_EQ(all.code, ExitCode::done);
    EXPECT_EQ(all.out, ddl_text({}, ClickHouseServer::current, {}));
    EXPECT_THAT(all.out, HasSubstr("CREATE TABLE IF NOT EXISTS `default`.`flows`\n"));
    EXPECT_THAT(all.out, HasSubstr("ENGINE = Distributed(`tapmeter`"));
    EXPECT_THAT(all.out, HasSubstr("CREATE MATERIALIZED VIEW"));

    DdlCommand command;
    command.parts = {"flows"};
    command.server = "18.16";
    command.table = "tap";
    const Said one = said_by([&] { return ddl(command, {}, {}); });
    EXPECT_THAT(one.out, HasSubstr("`default`.`tap`"));
    EXPECT_THAT(one.out, Not(HasSubstr("Distributed")));
    EXPECT_THAT(one.out, Not(HasSubstr("DateTime64")));
}

TEST(Ddl, of_the_blocks_of_a_configuration) {
    CommonOptions common;
    common.config = "tap.toml";
    LoadRequest request;
    request.file = common.config;
    request.text =
        "[[export.clickhouse]]\nurl = \"http://127.0.0.1:8123\"\ndatabase = \"net\"\n"
        "[[export.clickhouse]]\nurl = \"http://127.0.0.1:8123\"\ntable = \"second\"\n";
    const Said said = said_by([&] { return ddl({}, common, request); });
    EXPECT_THAT(said.out, HasSubstr("`net`.`flows`"));
    EXPECT_THAT(said.out, HasSubstr("`default`.`second`"));

    request.text = "[flow]\n";
    const Said none = said_by([&] { return ddl({}, common, request); });
    EXPECT_EQ(none.code, ExitCode::refused);
    EXPECT_THAT(none.err, HasSubstr("no [[export.clickhouse]]"));
    request.text = "[flw]\n";
    EXPECT_EQ(said_by([&] { return ddl({}, common, request); }).code, ExitCode::refused);
}

}  // namespace
}  // namespace tapmeter::verbs
