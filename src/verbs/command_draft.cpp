#include "src/verbs/command_draft.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "src/config/address.h"
#include "src/config/quantity.h"
#include "src/verbs/file_arguments.h"

namespace tapmeter::verbs {

namespace {

template <std::size_t Count>
std::size_t index_of(const std::array<std::string_view, Count>& words, const std::string& word) {
    return static_cast<std::size_t>(std::ranges::find(words, word) - words.begin());
}

CommonOptions common_of(const Draft& draft, bool no_color) {
    CommonOptions common = draft.common;
    common.output = static_cast<OutputFormat>(index_of(output_words, draft.output));
    common.color = static_cast<ColorMode>(index_of(color_words, draft.color));
    if (common.color == ColorMode::automatic && no_color) {
        common.color = ColorMode::never;
    }
    if (!draft.config.empty()) {
        common.config = draft.config;
    }
    return common;
}

VerbCommand command_of(std::string_view verb, const Draft& draft) {
    const auto duration = config::parse_duration(draft.duration);
    if (verb == "run") {
        RunCommand run = draft.run;
        std::ranges::transform(run.collectors, run.collectors.begin(), config::collector_url);
        run.duration = duration;
        return run;
    }
    if (verb == "read") {
        ReadCommand read = draft.read;
        std::ranges::transform(read.collectors, read.collectors.begin(), config::collector_url);
        const std::size_t files = files_among(read.files);
        const auto words = read.files.begin() + static_cast<std::ptrdiff_t>(files);
        read.packets.filter_words.assign(words, read.files.end());
        read.files.erase(words, read.files.end());
        return read;
    }
    if (verb == "ctl") {
        CtlCommand ctl = draft.ctl;
        ctl.socket = draft.socket.empty() ? std::nullopt
                                          : std::optional<std::filesystem::path>(draft.socket);
        return ctl;
    }
    if (verb == "bench") {
        return bench_command_of(draft.bench);
    }
    if (verb == "check") {
        return draft.check;
    }
    if (verb == "setup") {
        return draft.setup;
    }
    if (verb == "ddl") {
        return draft.ddl;
    }
    if (verb == "demo") {
        return DemoCommand{duration};
    }
    return DevicesCommand{};
}

}  // namespace

CommandLine command_line_of(const Draft& draft, std::string_view verb, bool no_color) {
    return {common_of(draft, no_color), command_of(verb, draft)};
}

LoadRequest load_request(const CommandLine& line, std::vector<std::string> environment) {
    LoadRequest request;
    request.file = line.common.config;
    request.sets = line.common.sets;
    request.environment = std::move(environment);
    if (const auto* run = std::get_if<RunCommand>(&line.verb); run != nullptr) {
        request.sources = run->sources;
        request.collectors = run->collectors;
        request.json_paths = run->json_paths;
        request.filter = run->packets.filter();
        const auto sets = run->packets.sets();
        request.sets.insert(request.sets.begin(), sets.begin(), sets.end());
        if (!request.file && run->sources.empty()) {
            request.file = default_config_file;
        }
    }
    if (const auto* read = std::get_if<ReadCommand>(&line.verb); read != nullptr) {
        request.collectors = read->collectors;
        request.json_paths = read->json_paths;
        const auto sets = read->packets.sets();
        request.sets.insert(request.sets.begin(), sets.begin(), sets.end());
    }
    if (const auto* check = std::get_if<CheckCommand>(&line.verb); check != nullptr) {
        request.sources = check->sources;
    }
    if (const auto* setup = std::get_if<SetupCommand>(&line.verb); setup != nullptr) {
        request.sources = setup->sources;
        std::error_code ignored;
        if (!request.file && setup->sources.empty() &&
            std::filesystem::exists(default_config_file, ignored)) {
            request.file = default_config_file;
        }
    }
    if (const auto* bench = std::get_if<BenchCommand>(&line.verb); bench != nullptr) {
        complete_request(*bench, request);
    }
    return request;
}

}  // namespace tapmeter::verbs
