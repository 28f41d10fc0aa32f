#include "src/exporting/clickhouse_tables.h"

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "src/exporting/clickhouse_rows.h"

namespace tapmeter::exporting {
namespace {

constexpr std::string_view day_kept = "90";  // days; the operator changes it in the statement

bool is_current(ClickHouseServer server) noexcept {
    return server == ClickHouseServer::current;
}

std::string full_name(const ClickHouseNames& names, std::string_view suffix = {}) {
    return in_back_quotes(names.database) + "." + in_back_quotes(names.table + std::string(suffix));
}

// What version 18.16 calls a type that has the same octets.
std::string_view type_of(ClickHouseServer server, std::string_view type) noexcept {
    if (is_current(server)) {
        return type;
    }
    return type.starts_with("DateTime64")     ? "Int64"
           : type == "IPv6"                   ? "FixedString(16)"
           : type == "LowCardinality(String)" ? "String"
                                              : type;
}

// Numbers that rise from row to row take next to nothing as differences.
std::string_view codec_of(ClickHouseServer server, const ClickHouseColumn& column) noexcept {
    const bool rises = column.type.starts_with("DateTime64") || column.name == "insert_id";
    return is_current(server) && rises ? " CODEC(Delta, ZSTD(1))" : "";
}

// An expression for the time of a row in whole seconds, of type DateTime.
std::string_view second_of_row(ClickHouseServer server) noexcept {
    return is_current(server) ? "toDateTime(flow_end, 'UTC')"
                              : "toDateTime(intDiv(flow_end, 1000000000), 'UTC')";
}

struct Rollup {
    std::string_view suffix;
    std::string_view what;
    std::string_view time;      // its column
    std::string_view rounding;  // function that makes it
    std::vector<std::string_view> keys;
};
const std::vector<Rollup>& rollups() {
    static const std::vector<Rollup> all{
        {"_services_1m",
         "What each service carried, by minute.",
         "minute",
         "toStartOfMinute",
         {"interface", "ip_version", "proto", "dst_port", "app"}},
        {"_pairs_1h",
         "What each pair of addresses spoke of, by hour.",
         "hour",
         "toStartOfHour",
         {"src_ip", "dst_ip"}},
    };
    return all;
}

constexpr std::array<std::string_view, 4> sums{"pkts_fwd", "pkts_rev", "bytes_fwd", "bytes_rev"};

std::string_view type_of_column(ClickHouseServer server, std::string_view name) {
    for (const ClickHouseColumn& column : clickhouse_columns()) {
        if (column.name == name) {
            return type_of(server, column.type);
        }
    }
    return {};
}

std::string joined(const std::vector<std::string_view>& words) {
    std::string text;
    for (const std::string_view word : words) {
        text.append(text.empty() ? "" : ", ").append(word);
    }
    return text;
}

std::string rollup_table(ClickHouseServer server, const ClickHouseNames& names,
                         const Rollup& rollup) {
    std::string text = fmt::format("-- {}\nCREATE TABLE IF NOT EXISTS {}\n(\n    {} {},\n",
                                   rollup.what, full_name(names, rollup.suffix), rollup.time,
                                   is_current(server) ? "DateTime('UTC')" : "DateTime");
    for (const std::string_view key : rollup.keys) {
        text += fmt::format("    {} {},\n", key, type_of_column(server, key));
    }
    text += "    records UInt64";
    for (const std::string_view sum : sums) {
        text += fmt::format(",\n    {} UInt64", sum);
    }
    return text + fmt::format(
                      "\n)\nENGINE = SummingMergeTree((records, {}))\nPARTITION BY "
                      "toYYYYMM({})\nORDER BY ({}, {});\n",
                      joined({sums.begin(), sums.end()}), rollup.time, rollup.time,
                      joined(rollup.keys));
}

std::string rollup_view(ClickHouseServer server, const ClickHouseNames& names,
                        const Rollup& rollup) {
    std::string added;
    for (const std::string_view sum : sums) {
        added += fmt::format(",\n    sum({0}) AS {0}", sum);
    }
    return fmt::format(
        "CREATE MATERIALIZED VIEW IF NOT EXISTS {} TO {} AS\nSELECT\n    {}({}) AS {},\n    "
        "{},\n    count() AS records{}\nFROM {}\nGROUP BY {}, {};\n",
        full_name(names, std::string(rollup.suffix) + "_view"), full_name(names, rollup.suffix),
        rollup.rounding, second_of_row(server), rollup.time, joined(rollup.keys), added,
        full_name(names), rollup.time, joined(rollup.keys));
}

}  // namespace

std::string in_back_quotes(const std::string& name) {
    std::string quoted = "`";
    for (const char c : name) {
        quoted += c == '`' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return quoted + "`";
}

std::string clickhouse_flows(ClickHouseServer server, const ClickHouseNames& names) {
    std::string text =
        "-- Flow records, a row each; tapmeter-fields(7) says more of the columns.\n";
    if (!is_current(server)) {
        text +=
            "-- Times are nanoseconds since 1970-01-01 UTC; addresses are those of IPv6, and "
            "IPv4 ones\n-- are mapped into it: IPv6NumToString(src_ip) shows both.\n";
    }
    text += "CREATE TABLE IF NOT EXISTS " + full_name(names) + "\n(\n";
    const auto& columns = clickhouse_columns();
    for (const ClickHouseColumn& column : columns) {
        const std::string_view comma = &column == &columns.back() ? "" : ",";
        text += fmt::format("    {} {}{}{}  -- {}\n", column.name, type_of(server, column.type),
                            codec_of(server, column), comma, column.help);
    }
    if (!is_current(server)) {
        return text +
               "    , flow_date Date MATERIALIZED toDate(intDiv(flow_end, 1000000000), 'UTC')\n"
               ")\nENGINE = MergeTree\nPARTITION BY toYYYYMM(flow_date)\n"
               "ORDER BY (intDiv(flow_end, 3600000000000), src_ip, dst_ip, flow_end);\n";
    }
    return text + fmt::format(
                      ")\nENGINE = MergeTree\nPARTITION BY toYYYYMM(flow_end)\n"
                      "ORDER BY (toStartOfHour(toDateTime(flow_end, 'UTC')), src_ip, dst_ip, "
                      "flow_end)\nTTL toDateTime(flow_end, 'UTC') + INTERVAL {} DAY\n"
                      "SETTINGS non_replicated_deduplication_window = 1000;\n",
                      day_kept);
}

std::string clickhouse_distributed(ClickHouseServer /*server*/, const ClickHouseNames& names) {
    return fmt::format(
        "-- The same table of every server of a cluster, as one. To write into it, set\n"
        "-- insert_distributed_sync = 1 for tapmeter's user: sent means stored, then.\n"
        "CREATE TABLE IF NOT EXISTS {} AS {}\n"
        "ENGINE = Distributed({}, {}, {}, cityHash64(flow_id));\n",
        full_name(names, "_all"), full_name(names), in_back_quotes(names.cluster),
        in_back_quotes(names.database), in_back_quotes(names.table));
}

std::string clickhouse_rollups(ClickHouseServer server, const ClickHouseNames& names) {
    std::string text =
        "-- Rows of a roll-up are added up when ClickHouse merges them: ask with sum().\n";
    for (const Rollup& rollup : rollups()) {
        text +=
            "\n" + rollup_table(server, names, rollup) + "\n" + rollup_view(server, names, rollup);
    }
    return text;
}

}  // namespace tapmeter::exporting
