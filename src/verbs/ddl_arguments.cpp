#include "src/verbs/ddl_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

#include "src/config/address.h"
#include "src/config/check.h"
#include "src/config/nearest.h"
#include "src/verbs/option_checks.h"

namespace tapmeter::verbs {

namespace {

std::string part_fault(const std::string& text) {
    if (std::ranges::find(ddl_parts, text) != ddl_parts.end()) {
        return "";
    }
    return config::shortened(text) + ": must be one of flows, distributed, rollups" +
           config::did_you_mean(text, ddl_parts);
}

std::string name_fault(const std::string& text) {
    return config::is_name(text)
               ? ""
               : config::shortened(text) + ": must be a name of letters, digits and . _ : -";
}

}  // namespace

CLI::App& add_ddl(CLI::App& program, DdlCommand& draft) {
    CLI::App& verb = *program.add_subcommand("ddl", "print the tables that ClickHouse needs");
    verb.add_option("PARTS", draft.parts, "only these of flows, distributed, rollups")
        ->type_name("")
        ->check(part_fault);
    verb.add_option("--server", draft.server, "for whom: a current ClickHouse, or Debian 12's")
        ->type_name("current|18.16")
        ->check([](const std::string& text) { return choice_fault(ddl_servers, text); });
    verb.add_option("--database", draft.database, "where the tables are made")
        ->type_name("NAME")
        ->check(name_fault);
    verb.add_option("--table", draft.table, "name of the table of flow records")
        ->type_name("NAME")
        ->check(name_fault);
    verb.add_option("--cluster", draft.cluster, "of the Distributed table")
        ->type_name("NAME")
        ->check(name_fault);
    verb.footer("Example:\n  tapmeter ddl flows | clickhouse-client -n");
    return verb;
}

}  // namespace tapmeter::verbs
