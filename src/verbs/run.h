#pragma once

#include <chrono>

#include "src/config/load.h"

namespace tapmeter::verbs {

// tapmeter run: meters live traffic and exports flow records until told to stop.
struct RunRequest {
    LoadRequest config;
    std::chrono::milliseconds duration{0};  // 0: until SIGINT, SIGTERM or `ctl stop`
    bool quiet = false;                     // no books at the end
};

// Returns the exit code.
int run(const RunRequest& request);

}  // namespace tapmeter::verbs
