#pragma once

#include <string>
#include <vector>

#include "src/config/load.h"
#include "src/exporting/clickhouse_tables.h"
#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

// `tapmeter ddl`: prints the statements that make the tables of [[export.clickhouse]]; with -c
// those of its blocks, else of the default names.
ExitCode ddl(const DdlCommand& command, const CommonOptions& common, const LoadRequest& config);

// The statements of the wanted parts, of words of ddl_parts; none: all of them.
std::string ddl_text(const std::vector<std::string>& parts, exporting::ClickHouseServer server,
                     const exporting::ClickHouseNames& names);

}  // namespace tapmeter::verbs
