#pragma once

#include <memory>
#include <vector>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output.h"

namespace tapmeter::verbs {

// Opens every output that the configuration names.
// errors  as the outputs give them
Result<std::vector<std::unique_ptr<exporting::Output>>> open_outputs(
    const Config& config, const exporting::Interfaces& interfaces, exporting::LogLine log);

}  // namespace tapmeter::verbs
