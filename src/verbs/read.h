#pragma once

#include <filesystem>
#include <vector>

#include "src/config/load.h"
#include "src/verbs/table.h"

namespace tapmeter::verbs {

// tapmeter read: meters capture files and prints what was in them.
struct ReadRequest {
    std::vector<std::filesystem::path> files;  // "-" is standard input
    LoadRequest config;                        // flow settings, -n and --json outputs, --set
    unsigned workers = 1;
    std::size_t top = 10;          // hosts shown
    bool flows = false;            // print every flow record instead of the summary
    bool strict = false;           // exit 3 when a packet was dropped or could not be decoded
    bool quiet = false;            // no progress, no books
    Format format = Format::text;  // text: the summary; json, csv: every flow record
};

// Returns the exit code.
int read(const ReadRequest& request);

}  // namespace tapmeter::verbs
