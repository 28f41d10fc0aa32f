#include "src/verbs/read.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "pipeline/flow/own_sessions.h"
#include "src/appliance/appliance.h"
#include "src/capture_files/file_capture.h"
#include "src/config/quantity.h"
#include "src/metrics/books_text.h"
#include "src/verbs/configuration.h"
#include "src/verbs/flow_lines.h"
#include "src/verbs/outputs.h"
#include "src/verbs/progress.h"
#include "src/verbs/read_ipfix.h"
#include "src/verbs/signals.h"
#include "src/verbs/summary.h"

namespace tapmeter::verbs {

namespace {

using namespace std::chrono_literals;

void print(std::FILE* file, const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), file);
}

std::string name_of(const std::vector<std::string>& files) {
    const std::string first =
        files.front() == "-" ? "stdin" : std::filesystem::path(files.front()).filename().string();
    return files.size() == 1 ? first : first + " and " + std::to_string(files.size() - 1) + " more";
}

// One Observation Point for all files: they are read as one stream of packets.
Config config_for(const ReadCommand& command, const Loaded& loaded) {
    Config config = loaded.config;
    Config::Capture capture;
    capture.name = name_of(command.files);
    capture.source = "pcap:" + command.files.front();
    capture.flow_key =
        command.flow_key == "outer" ? Config::FlowKeyLayer::outer : Config::FlowKeyLayer::inner;
    capture.dedup = config::parse_duration(command.dedup).value_or(std::chrono::milliseconds{0});
    capture.filter = command.packets.filter();
    config.captures = {capture};
    config.workers.count = command.workers;
    return config;
}

struct Outputs {
    std::vector<std::unique_ptr<exporting::Output>> all;
    Summary* summary = nullptr;  // in `all`; null where every flow record is printed
};

// True where standard output gets every flow record instead of the summary.
bool prints_records(const ReadCommand& command, const CommonOptions& common) {
    return command.flows || common.output != OutputFormat::text;
}

Result<Outputs> open_all_outputs(const ReadCommand& command, const CommonOptions& common,
                                 const Config& config, const inspect::ApplicationNames& names) {
    const auto interfaces = interfaces_of(config);
    auto opened = open_outputs(config, interfaces, complain, &names);
    flow::own_sessions.enable(false);  // what was recorded is no export of this process
    if (!opened) {
        return tl::unexpected<Error>(std::move(opened.error()));
    }
    Outputs outputs{.all = std::move(*opened)};
    if (prints_records(command, common)) {
        outputs.all.push_back(std::make_unique<FlowLines>(common.output, interfaces, &names));
    } else {
        auto summary = std::make_unique<Summary>(command.top != 0, &names);
        outputs.summary = summary.get();
        outputs.all.push_back(std::move(summary));
    }
    return outputs;
}

std::uint64_t sum(const auto& counts) {
    std::uint64_t total = 0;
    for (const std::uint64_t count : counts) {
        total += count;
    }
    return total;
}

bool something_is_missing(const metrics::Snapshot& books) {
    std::uint64_t missing = 0;
    for (const auto& interface : books.interfaces) {
        missing += sum(interface.counters.dropped);
    }
    for (const auto& worker : books.workers) {
        missing += sum(worker.books.undecoded) + worker.books.records_refused;
    }
    for (const auto& output : books.outputs) {
        for (const auto& dropped : output.counters.dropped) {
            missing += dropped.records;
        }
    }
    return missing != 0;
}

// The last words, and the exit code that they amount to.
ExitCode conclude(const metrics::Snapshot& books, const Result<void>& file_status, bool strict) {
    if (!file_status) {
        complain(file_status.error().message);
        return ExitCode::failed;
    }
    const bool balanced = metrics::balanced(metrics::laws(books));
    return !balanced || (strict && something_is_missing(books)) ? ExitCode::answer_no
                                                                : ExitCode::done;
}

void print_summary(const Summary& summary, unsigned top, const Config& config) {
    print(stdout, rendered(summary.protocols(), OutputFormat::text) + "\n");
    if (top == 0) {
        return;
    }
    if (config.dpi.enabled) {
        print(stdout, rendered(summary.applications(top), OutputFormat::text) + "\n");
    }
    if (wants_signatures(config.signatures)) {
        print(stdout, rendered(summary.signatures(top), OutputFormat::text) + "\n");
    }
    if (config.analytics.rtp) {
        print(stdout, rendered(summary.streams(top), OutputFormat::text) + "\n");
    }
    print(stdout, rendered(summary.hosts(top), OutputFormat::text) + "\n");
}

// What keeps packets from being written, or filtered, as they are to be.
std::optional<std::string> writing_fault(const ReadCommand& command, const Config& config) {
    const std::string& to = config.write.file;
    if (to == "-") {
        return "packets cannot be written to standard output, which carries the results; name a "
               "file";
    }
    const bool of_packets = !to.empty() || !config.captures.front().filter.empty();
    if (of_packets && any_is_ipfix(command.files)) {
        return "files of IPFIX hold flow records: there are no packets to filter or to write";
    }
    std::error_code error;
    for (const std::string& file : command.files) {
        if (!to.empty() && std::filesystem::equivalent(file, to, error)) {
            return to + " is being read: it cannot be written at the same time; name another file";
        }
    }
    return std::nullopt;
}

// Flow records that somebody metered already.
ExitCode read_records(const ReadCommand& command, const CommonOptions& common,
                      const Config& config) {
    // Nothing was inspected, so there are no names.
    const inspect::ApplicationNames names;
    auto outputs = open_all_outputs(command, common, config, names);
    if (!outputs) {
        complain(outputs.error().message);
        return ExitCode::refused;
    }
    const ExitCode done = read_ipfix(command.files, outputs->all, common.quiet);
    if (outputs->summary != nullptr) {
        Config plain = config;
        plain.dpi.enabled = false;
        plain.signatures = {};
        print_summary(*outputs->summary, command.top, plain);
    }
    return done;
}

ExitCode read_files(const ReadCommand& command, const CommonOptions& common, const Config& config) {
    auto file = capture_files::open({.paths = {command.files.begin(), command.files.end()},
                                     .observation_point = 0,
                                     .keep_pages = config.workers.count > 1,
                                     .buffered = config.workers.count == 1 &&
                                                 command.files.size() <= capture_files::pipes_max});
    if (!file) {
        complain(file.error().message);
        return ExitCode::refused;
    }
    capture_files::FileCapture& capture = **file;
    inspect::ApplicationNames names;
    auto outputs = open_all_outputs(command, common, config, names);
    if (!outputs) {
        complain(outputs.error().message);
        return ExitCode::refused;
    }
    const Summary* const summary = outputs->summary;

    const LiveClock clock;
    Appliance::Parts parts;
    parts.config = config;
    parts.outputs = std::move(outputs->all);
    parts.clock = &clock;
    parts.names = &names;
    parts.log = complain;
    parts.captures.points.push_back(std::move(*file));
    parts.captures.prefiltered.push_back(nullptr);
    parts.captures.same_symmetric_hash = true;
    auto appliance = Appliance::build(std::move(parts));
    if (!appliance) {
        complain(appliance.error().message);
        return ExitCode::refused;
    }
    const SignalWatch watch(
        {.stop = [&] { (*appliance)->request_stop(); }, .reload = {}, .print_books = {}});
    if (auto started = (*appliance)->start(); !started) {
        complain(started.error().message);
        return ExitCode::refused;
    }
    Progress progress(!common.quiet && ::isatty(STDERR_FILENO) == 1);
    while (!(*appliance)->wait_for(200ms)) {
        progress.show(capture.progress());
    }
    progress.clear();
    (*appliance)->stop(60s);

    const metrics::Snapshot books = (*appliance)->snapshot();
    if (summary != nullptr) {
        print_summary(*summary, command.top, config);
    }
    // Standard output carries data only: the books belong to a summary, not between records.
    if (!common.quiet) {
        print(summary != nullptr ? stdout : stderr, metrics::books_as_text(books));
    }
    return conclude(books, capture.status(), command.strict);
}

}  // namespace

ExitCode read(const ReadCommand& command, const CommonOptions& common, const LoadRequest& config) {
    block_signals();
    const auto loaded = load_or_explain(config);
    if (!loaded) {
        return ExitCode::refused;
    }
    const Config wanted = config_for(command, *loaded);
    if (const auto fault = writing_fault(command, wanted)) {
        complain(*fault);
        return ExitCode::refused;
    }
    return any_is_ipfix(command.files) ? read_records(command, common, wanted)
                                       : read_files(command, common, wanted);
}

}  // namespace tapmeter::verbs
