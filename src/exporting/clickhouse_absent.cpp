// Stands for clickhouse_output.cpp where the program is built without ClickHouse.
#include <fmt/format.h>

#include "src/exporting/clickhouse_output.h"

namespace tapmeter::exporting {

namespace {

tl::unexpected<Error> absent(const Config::ClickHouse& config) {
    return failed(Error::Kind::invalid_config,
                  fmt::format("export.clickhouse '{}': this program was built without ClickHouse; "
                              "build it with -Dclickhouse=enabled, or take the block out of the "
                              "configuration",
                              config.name));
}

}  // namespace

Result<std::unique_ptr<Output>> open_clickhouse(const Config::ClickHouse& config,
                                                const Interfaces& /*interfaces*/, LogLine /*log*/,
                                                const inspect::ApplicationNames* /*names*/) {
    return absent(config);
}

Result<void> check_clickhouse(const Config::ClickHouse& config, const Interfaces& /*interfaces*/) {
    return absent(config);
}

}  // namespace tapmeter::exporting
