#pragma once

#include <vector>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/service_totals.h"

namespace tapmeter {

// The services of [[kpi.service]], told by filters of flow records.
// errors  invalid_config, naming the service
Result<std::vector<exporting::Service>> make_services(const Config& config);

}  // namespace tapmeter
