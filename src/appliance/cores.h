#pragma once

#include <string>
#include <vector>

#include "pipeline/base/result.h"

namespace tapmeter {

// Pins the calling thread to one CPU core and names it (15 characters at most) for top and perf.
// errors  invalid_config, naming the core and the cores that this process may use
Result<void> pin_this_thread(unsigned core);
void name_this_thread(const std::string& name);

// The cores that this process may run on.
std::vector<unsigned> usable_cores();

}  // namespace tapmeter
