#include "src/verbs/ddl.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "src/verbs/configuration.h"
#include "src/verbs/ddl_arguments.h"

namespace tapmeter::verbs {

namespace {

using exporting::ClickHouseNames;
using exporting::ClickHouseServer;

ClickHouseNames with_options(ClickHouseNames names, const DdlCommand& command) {
    names.database = command.database.value_or(names.database);
    names.table = command.table.value_or(names.table);
    names.cluster = command.cluster;
    return names;
}

}  // namespace

std::string ddl_text(const std::vector<std::string>& parts, ClickHouseServer server,
                     const ClickHouseNames& names) {
    constexpr std::array makers{&exporting::clickhouse_flows, &exporting::clickhouse_distributed,
                                &exporting::clickhouse_rollups};
    static_assert(makers.size() == ddl_parts.size());
    std::string text;
    for (std::size_t part = 0; part < makers.size(); ++part) {
        if (parts.empty() || std::ranges::find(parts, ddl_parts[part]) != parts.end()) {
            text += (text.empty() ? "" : "\n") + makers[part](server, names);
        }
    }
    return text;
}

ExitCode ddl(const DdlCommand& command, const CommonOptions& common, const LoadRequest& config) {
    std::vector<ClickHouseNames> tables;
    if (common.config) {
        const auto loaded = load_or_explain(config);
        if (!loaded) {
            return ExitCode::refused;
        }
        for (const Config::ClickHouse& one : loaded->config.clickhouse) {
            tables.push_back({.database = one.database, .table = one.table});
        }
        if (tables.empty()) {
            complain(common.config->string() +
                     " has no [[export.clickhouse]]; add one, or leave "
                     "-c out for a table of the default name");
            return ExitCode::refused;
        }
    } else {
        tables.emplace_back();
    }
    const ClickHouseServer server = command.server == ddl_servers.front()
                                        ? ClickHouseServer::current
                                        : ClickHouseServer::debian;
    std::string text;
    for (const ClickHouseNames& names : tables) {
        text += (text.empty() ? "" : "\n") +
                ddl_text(command.parts, server, with_options(names, command));
    }
    std::fwrite(text.data(), 1, text.size(), stdout);
    return ExitCode::done;
}

}  // namespace tapmeter::verbs
