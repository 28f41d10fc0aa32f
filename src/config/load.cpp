#include "src/config/load.h"

#include <unistd.h>
#include <algorithm>
#include <utility>

#include "src/config/assemble.h"
#include "src/config/config_file.h"
#include "src/config/overrides.h"
#include "src/config/toml_file.h"

namespace tapmeter {

namespace {

namespace fs = std::filesystem;
using config::ErrorList;
using config::Settings;
using Kind = ConfigOrigin::Kind;

// Collects what the files say.
class FileReader {
public:
    FileReader(Settings& settings, ErrorList& errors) : settings_(settings), errors_(errors) {}

    void read(const fs::path& file, config::Reader reader) {
        const auto text = config::read_config_file(file, reader);
        if (!text) {
            refuse(file, text.error());
            return;
        }
        take(file, *text);
    }

    void read_parts(const fs::path& file, config::Reader reader) {
        const auto parts = config::config_parts(file);
        if (!parts) {
            refuse(file, parts.error());
            return;
        }
        for (const fs::path& part : *parts) {
            read(part, reader);
        }
    }

    void take(const fs::path& file, const std::string& text) {
        files.push_back(file);
        const config::TomlFile toml = config::parse_toml(text);
        for (const config::Fault& fault : toml.faults) {
            errors_.add({Kind::file, file.string(), fault.at}, fault.message);
        }
        complete = complete && !toml.incomplete;
        config::merge(settings_, config::read_document(toml.root, file.string(), errors_));
    }

    std::vector<fs::path> files;
    bool complete = true;

private:
    void refuse(const fs::path& file, const std::string& why) {
        errors_.add({Kind::file, file.string(), {}}, why);
        complete = false;
    }

    Settings& settings_;
    ErrorList& errors_;
};

}  // namespace

tl::expected<Loaded, std::vector<ConfigError>> load_config(const LoadRequest& request) {
    Settings settings;
    ErrorList errors;
    config::apply_sets(settings, request.presets, Kind::built_in, errors);

    FileReader files(settings, errors);
    const config::Reader reader{request.user.value_or(config::Reader::this_process().user)};
    if (request.text) {
        files.take(request.file.value_or("configuration"), *request.text);
    } else if (request.file) {
        files.read(*request.file, reader);
        files.read_parts(*request.file, reader);
    }

    using config::Group;
    config::use_addresses(settings, Group::captures, request.sources, errors);
    config::use_addresses(settings, Group::ipfix, request.collectors, errors);
    config::use_addresses(settings, Group::json, request.json_paths, errors);
    config::use_filter(settings, request.filter, errors);
    config::apply_environment(settings, request.environment, errors);
    config::apply_sets(settings, request.sets, Kind::command_line, errors);

    Loaded loaded;
    loaded.config = config::assemble(settings, files.complete, errors);
    if (!errors.empty()) {
        return tl::unexpected(errors.take());
    }
    loaded.settings = config::list_settings(settings, loaded.config);
    loaded.files = std::move(files.files);
    return loaded;
}

std::vector<std::string> process_environment() {
    std::vector<std::string> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return variables;
}

const Setting* Loaded::find(std::string_view path) const {
    const auto found = std::ranges::find(settings, path, &Setting::path);
    return found == settings.end() ? nullptr : &*found;
}

}  // namespace tapmeter
