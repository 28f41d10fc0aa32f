#pragma once

#include <optional>
#include <string>

#include "src/appliance/appliance.h"
#include "src/config/load.h"

namespace tapmeter::verbs {

// Loads the configuration, or prints every error to standard error and gives nothing.
std::optional<Loaded> load_or_explain(const LoadRequest& request);

// The effective configuration as one JSON object, for the control interface: of `fresh` what takes
// effect without a restart, of everything else what the process was started with.
std::string config_as_json(const Loaded& started, const Loaded& fresh);

// What a reload finds: reads `request` anew and compares it with `started`, the configuration that
// the process was started with: a restart stays needed however often somebody reloads.
// errors  invalid_config: every error of the new configuration, a line each
Result<Appliance::NewConfig> read_again(const LoadRequest& request, const Loaded& started);

// One line on standard error: "tapmeter: TEXT".
void complain(const std::string& text);

}  // namespace tapmeter::verbs
