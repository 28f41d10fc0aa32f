#pragma once

#include "src/config/load.h"
#include "src/config/settings.h"

namespace tapmeter::config {

// Makes a Config of what was said: fills in names and ids, and checks what no single value shows:
// missing addresses, names and devices that appear twice, cores against workers.
// complete   false when parts of a file could not be read: then nothing is called missing
Config assemble(const Settings& settings, bool complete, ErrorList& errors);

// Every key with its value in `config` and its origin in `settings`.
std::vector<Setting> list_settings(const Settings& settings, const Config& config);

}  // namespace tapmeter::config
