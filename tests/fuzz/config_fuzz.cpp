// Any text is a configuration, a --set and a variable. What is accepted is written as a file and
// must be read back to the same values.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/config/load.h"

namespace {

using namespace tapmeter;

void check_round_trip(const Loaded& loaded) {
    LoadRequest again;
    again.text = dump(loaded, true);
    const auto reloaded = load_config(again);
    if (!reloaded || dump(*reloaded, false) != dump(loaded, false)) {
        std::abort();
    }
}

void check_errors(const std::vector<ConfigError>& errors) {
    if (errors.empty() || errors.size() > config::errors_max) {
        std::abort();
    }
    for (const ConfigError& error : errors) {
        if (error.message.empty() || error.to_text().size() > 65'536) {
            std::abort();
        }
    }
}

void check(const LoadRequest& request) {
    const auto loaded = load_config(request);
    if (loaded) {
        check_round_trip(*loaded);
        return;
    }
    check_errors(loaded.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    LoadRequest file;
    file.text = text;
    check(file);

    // The first line is an override of a configuration that has one block of each kind.
    const std::string line = text.substr(0, text.find('\n'));
    LoadRequest overrides;
    overrides.sources = {"eth0"};
    overrides.collectors = {"192.0.2.7"};
    overrides.json_paths = {"-"};
    overrides.sets = {line};
    check(overrides);
    overrides.sets.clear();
    overrides.environment = {"TAPMETER_" + line};
    check(overrides);
    return 0;
}
