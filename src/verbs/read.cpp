#include "src/verbs/read.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "src/appliance/appliance.h"
#include "src/capture_files/file_capture.h"
#include "src/metrics/books_text.h"
#include "src/verbs/configuration.h"
#include "src/verbs/exit_code.h"
#include "src/verbs/flow_lines.h"
#include "src/verbs/outputs.h"
#include "src/verbs/progress.h"
#include "src/verbs/signals.h"
#include "src/verbs/summary.h"

namespace tapmeter::verbs {

namespace {

using namespace std::chrono_literals;

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

std::string name_of(const std::vector<std::filesystem::path>& files) {
    const std::string first = files.front() == "-" ? "stdin" : files.front().filename().string();
    return files.size() == 1 ? first : first + " and " + std::to_string(files.size() - 1) + " more";
}

// One Observation Point for all files: they are read as one stream of packets.
Config config_for(const ReadRequest& request, const Loaded& loaded) {
    Config config = loaded.config;
    Config::Capture capture;
    capture.name = name_of(request.files);
    capture.source = "pcap:" + request.files.front().string();
    config.captures = {capture};
    config.workers.count = request.workers;
    return config;
}

struct Outputs {
    std::vector<std::unique_ptr<exporting::Output>> all;
    Summary* summary = nullptr;  // in `all`; null where every flow record is printed
};

Result<Outputs> open_all_outputs(const ReadRequest& request, const Config& config) {
    const auto interfaces = interfaces_of(config);
    auto opened = open_outputs(config, interfaces, complain);
    if (!opened) {
        return tl::unexpected<Error>(std::move(opened.error()));
    }
    Outputs outputs{.all = std::move(*opened)};
    if (request.flows || request.format != Format::text) {
        outputs.all.push_back(std::make_unique<FlowLines>(request.format, interfaces));
    } else {
        auto summary = std::make_unique<Summary>();
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
int conclude(const ReadRequest& request, const metrics::Snapshot& books,
             const Result<void>& file_status) {
    const bool balanced = metrics::balanced(metrics::laws(books));
    if (!request.quiet || !balanced) {
        const std::string text = metrics::books_as_text(books);
        // Standard output carries data only: flow records, or the summary that the books end.
        std::FILE* const where =
            request.format == Format::text && !request.flows && !request.quiet ? stdout : stderr;
        std::fwrite(text.data(), 1, text.size(), where);
    }
    if (!file_status) {
        complain(file_status.error().message);
        return exit_failed;
    }
    if (!balanced || (request.strict && something_is_missing(books))) {
        return exit_answer_is_no;
    }
    return exit_done;
}

}  // namespace

int read(const ReadRequest& request) {
    Signals signals;
    const auto loaded = load_or_explain(request.config);
    if (!loaded) {
        return exit_usage;
    }
    const Config config = config_for(request, *loaded);
    auto file = capture_files::open(
        {.paths = request.files, .observation_point = 0, .keep_pages = config.workers.count > 1});
    if (!file) {
        complain(file.error().message);
        return exit_usage;
    }
    capture_files::FileCapture& capture = **file;
    auto outputs = open_all_outputs(request, config);
    if (!outputs) {
        complain(outputs.error().message);
        return exit_usage;
    }
    const Summary* const summary = outputs->summary;

    const LiveClock clock;
    Appliance::Parts parts;
    parts.config = config;
    parts.outputs = std::move(outputs->all);
    parts.clock = &clock;
    parts.captures.points.push_back(std::move(*file));
    parts.captures.prefiltered.push_back(nullptr);
    parts.captures.same_symmetric_hash = true;
    auto appliance = Appliance::build(std::move(parts));
    if (!appliance) {
        complain(appliance.error().message);
        return exit_usage;
    }
    signals.watch({.stop = [&] { (*appliance)->request_stop(); }, .reload = {}, .print_books = {}});
    if (auto started = (*appliance)->start(); !started) {
        complain(started.error().message);
        return exit_usage;
    }
    Progress progress(!request.quiet && ::isatty(STDERR_FILENO) == 1);
    while (!(*appliance)->wait_for(200ms)) {
        progress.show(capture.progress());
    }
    progress.clear();
    (*appliance)->stop(60s);

    const metrics::Snapshot books = (*appliance)->snapshot();
    if (summary != nullptr) {
        print(rendered(summary->protocols(), Format::text) + "\n");
        print(rendered(summary->hosts(request.top), Format::text) + "\n");
    }
    return conclude(request, books, capture.status());
}

}  // namespace tapmeter::verbs
