#pragma once

#include <string>
#include <vector>

#include "src/config/config.h"

namespace tapmeter::verbs {

// One thing that was looked at before a start.
struct Finding {
    enum class Verdict : unsigned char { ok, warning, blocker };

    std::string what;   // "capture \"p0\"", "flow table"
    std::string found;  // "veth, 4 queues, link up"
    Verdict verdict = Verdict::ok;
    std::string cure;  // a command or a setting; empty where nothing is to be done
};

// Looks at everything that a start with this configuration would need: interfaces, files, rights,
// cores, memory, collectors. Opens no capture and sends nothing.
std::vector<Finding> check_machine(const Config& config);

}  // namespace tapmeter::verbs
