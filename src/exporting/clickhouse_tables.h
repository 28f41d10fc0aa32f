#pragma once

#include <cstdint>
#include <string>

namespace tapmeter::exporting {

// For whom the statements are written.
enum class ClickHouseServer : std::uint8_t {
    current,  // 22.8 and newer
    debian,   // 18.16, which Debian 12 ships: no DateTime64, no IPv6, no TTL, no codecs
};

struct ClickHouseNames {
    std::string database = "default";
    std::string table = "flows";
    std::string cluster = "tapmeter";  // of the Distributed table
};

// The statements that make what flow records are stored in, made from clickhouse_columns(). Each
// ends with ";\n"; they change nothing that is there already.

// The table that tapmeter writes into.
std::string clickhouse_flows(ClickHouseServer server, const ClickHouseNames& names);

// A Distributed table TABLE_all over those of a cluster's servers.
std::string clickhouse_distributed(ClickHouseServer server, const ClickHouseNames& names);

// Sums that ClickHouse keeps as rows come: by service and minute (TABLE_services_1m), by pair of
// addresses and hour (TABLE_pairs_1h), with the views that fill them.
std::string clickhouse_rollups(ClickHouseServer server, const ClickHouseNames& names);

// A name between back quotes.
std::string in_back_quotes(const std::string& name);

}  // namespace tapmeter::exporting
