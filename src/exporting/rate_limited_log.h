#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "src/exporting/interfaces.h"

namespace tapmeter::exporting {

// Passes at most one line a second on; what happens more often is in the counters. One thread.
class RateLimitedLog {
public:
    explicit RateLimitedLog(LogLine log) : log_(std::move(log)) {}

    // make_line()  gives the text; called only when the line is passed on
    template <class MakeLine>
    void operator()(MakeLine&& make_line) {
        const auto now = std::chrono::steady_clock::now();
        if (log_ && (never_ || now - last_ >= std::chrono::seconds{1})) {
            never_ = false;
            last_ = now;
            log_(make_line());
        }
    }

private:
    LogLine log_;
    bool never_ = true;
    std::chrono::steady_clock::time_point last_{};
};

}  // namespace tapmeter::exporting
