#include "src/exporting/clickhouse_tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "src/exporting/clickhouse_rows.h"

namespace tapmeter::exporting {
namespace {

constexpr std::array servers{ClickHouseServer::current, ClickHouseServer::debian};

struct Shipped {
    std::string name;
    std::string (*text)(ClickHouseServer, const ClickHouseNames&);
};
const std::array shipped{Shipped{"flows.sql", &clickhouse_flows},
                         Shipped{"flows_distributed.sql", &clickhouse_distributed},
                         Shipped{"flows_rollups.sql", &clickhouse_rollups}};

// TAPMETER_WRITE_PAGES=1 writes them anew, after a change of the columns.
TEST(ClickHouseTables, are_those_that_are_shipped) {
    for (const ClickHouseServer server : servers) {
        const auto folder = std::filesystem::path(CONF_FOLDER) / "clickhouse" /
                            (server == ClickHouseServer::current ? "" : "18.16");
        for (const Shipped& one : shipped) {
            const std::string text = one.text(server, {});
            if (std::getenv("TAPMETER_WRITE_PAGES") != nullptr) {
                std::filesystem::create_directories(folder);
                std::ofstream(folder / one.name) << text;
            }
            std::ifstream file(folder / one.name);
            const std::string there{std::istreambuf_iterator<char>(file), {}};
            EXPECT_EQ(there, text) << one.name << ": run it again with TAPMETER_WRITE_PAGES=1";
        }
    }
}

TEST(ClickHouseTables, have_every_column_with_a_type_that_rows_fit) {
    for (const ClickHouseServer server : servers) {
        const std::string text = clickhouse_flows(server, {});
        for (const ClickHouseColumn& column : clickhouse_columns()) {
            const std::size_t at = text.find("\n    " + std::string(column.name) + " ");
            ASSERT_NE(at, std::string::npos) << column.name;
            const std::size_t from = at + 6 + column.name.size();
            const std::string type = text.substr(from, text.find_first_of(", \n", from) - from);
            EXPECT_TRUE(is_readable_as(column.type, type)) << column.name << " " << type;
        }
    }
}

TEST(ClickHouseTables, the_old_server_is_spared_what_it_does_not_know) {
    for (const Shipped& one : shipped) {
        const std::string text =
            std::regex_replace(one.text(ClickHouseServer::debian, {}), std::regex("--[^\n]*"), "");
        for (const char* const word :
             {"DateTime64", "IPv6,", "IPv6 ", "LowCardinality", "CODEC", "TTL ", "SETTINGS"}) {
            EXPECT_EQ(text.find(word), std::string::npos) << one.name << " " << word;
        }
    }
}

TEST(ClickHouseTables, are_named_as_wanted) {
    const ClickHouseNames names{"net", "tap`s", "west"};
    const std::string flows = clickhouse_flows(ClickHouseServer::current, names);
    EXPECT_NE(flows.find("CREATE TABLE IF NOT EXISTS `net`.`tap\\`s`\n"), std::string::npos);
    const std::string distributed = clickhouse_distributed(ClickHouseServer::current, names);
    EXPECT_NE(distributed.find("Distributed(`west`, `net`, `tap\\`s`, "), std::string::npos);
    const std::string rollups = clickhouse_rollups(ClickHouseServer::current, names);
    EXPECT_NE(rollups.find("`net`.`tap\\`s_pairs_1h`"), std::string::npos);
    EXPECT_NE(rollups.find("FROM `net`.`tap\\`s`\n"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::exporting
