#pragma once

#include <string>

#include "pipeline/base/result.h"

namespace tapmeter::exporting {

// The whole of a small file without the line feed at its end: a password.
// errors  invalid_config
Result<std::string> read_secret(const std::string& path);

}  // namespace tapmeter::exporting
