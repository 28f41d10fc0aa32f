#pragma once

#include <memory>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/inspect/application_names.h"
#include "src/config/config.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output.h"

namespace tapmeter::verbs {

// Opens every output that the configuration names.
// names   what applications are called; outlives the outputs. Null: none is exported
// errors  as the outputs give them
Result<std::vector<std::unique_ptr<exporting::Output>>> open_outputs(
    const Config& config, const exporting::Interfaces& interfaces, exporting::LogLine log,
    const inspect::ApplicationNames* names = nullptr);

}  // namespace tapmeter::verbs
