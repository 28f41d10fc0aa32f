#pragma once

#include <string>

namespace tapmeter {

// One thing that was looked at before a start.
struct Finding {
    enum class Verdict : unsigned char { ok, warning, blocker };

    std::string what;   // "capture \"p0\"", "flow table"
    std::string found;  // "veth, 4 queues, link up"
    Verdict verdict = Verdict::ok;
    std::string cure;  // a command or a setting; empty where nothing is to be done
};

}  // namespace tapmeter
