#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "src/config/config.h"
#include "src/config/origin.h"

namespace tapmeter {

inline constexpr std::string_view default_config_file = "/etc/tapmeter/tapmeter.toml";

// Everything that may say something about the configuration, from weak to strong: defaults in the
// code, `presets`, `file`, the files of conf.d beside it and of FILE.d, `environment`, and the
// command line.
struct LoadRequest {
    std::vector<std::string> presets;           // KEY=VALUE, what a verb wants if nobody objects
    std::optional<std::filesystem::path> file;  // none: no file is read
    std::optional<std::string> text;            // read instead of the file, under its name
    std::vector<std::string> environment;       // NAME=VALUE; see process_environment()
    std::vector<std::string> sources;           // -i: only these are captured
    std::vector<std::string> collectors;        // -n: only these are exported to
    std::vector<std::string> json_paths;        // --json: only these are written
    std::string filter;                         // of every capture, instead of its own
    std::vector<std::string> sets;              // --set KEY=VALUE
    std::optional<unsigned> user;               // whose file rights to apply; none: this process'
};

// One key with its effective value.
struct Setting {
    std::string path;   // as --set takes it: "flow.idle_timeout", "capture.p0.queues"
    std::string table;  // "[flow]", "[[capture]]", "[capture.prefilter]"
    std::string key;    // "idle_timeout"
    std::string value;  // as TOML spells it, which is also JSON: "\"30s\"", 4096, true
    ConfigOrigin origin;
    std::vector<config::Position> items;  // of a list in a file: where each item stands
    bool live = false;                    // takes effect at a reload without a restart
};

// A checked configuration, and where each of its values comes from.
struct Loaded {
    Config config;  // names and observation domain ids are filled in
    std::vector<Setting> settings;
    std::vector<std::filesystem::path> files;  // in the order in which they were read

    const Setting* find(std::string_view path) const;  // null: no such setting
};

// Reads, merges and checks; thread-compatible, touches nothing but the files.
// errors  everything that is wrong, not only the first; at most config::errors_max
tl::expected<Loaded, std::vector<ConfigError>> load_config(const LoadRequest& request);

// The variables of this process, for LoadRequest.
std::vector<std::string> process_environment();

// The effective configuration as a file that load_config() reads back to the same values; with
// origins, each line ends in a comment that says where its value comes from.
std::string dump(const Loaded& loaded, bool with_origins);

// The same for programs, one JSON object a line:
// {"key":"flow.idle_timeout","value":"30s","origin":{"kind":"file","where":"a.toml","line":3,...}}
std::string dump_json(const Loaded& loaded);

// The keys whose values differ between two configurations, by path; a block that is only in one
// counts with all its keys.
// live   true: those that a reload applies; false: those that need a restart
std::vector<std::string> changed_settings(const Loaded& before, const Loaded& after, bool live);

}  // namespace tapmeter
