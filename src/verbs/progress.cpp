#include "src/verbs/progress.h"

#include <fmt/format.h>

#include <cstdio>

#include "src/verbs/table.h"

namespace tapmeter::verbs {

void Progress::show(const capture_files::Progress& progress) {
    if (!wanted_) {
        return;
    }
    const std::string line =
        progress.octets_total.value != 0
            ? fmt::format("\r{:3} % of {}B",
                          progress.octets_read.value * 100 / progress.octets_total.value,
                          scaled_text(progress.octets_total.value))
            : fmt::format("\r{}B", scaled_text(progress.octets_read.value));
    std::fwrite(line.data(), 1, line.size(), stderr);
    shown_ = true;
}

void Progress::clear() {
    if (shown_) {
        std::fputs("\r\033[K", stderr);
        shown_ = false;
    }
}

}  // namespace tapmeter::verbs
