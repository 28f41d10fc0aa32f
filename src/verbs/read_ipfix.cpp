#include "src/verbs/read_ipfix.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>
#include <thread>

#include "src/exporting/ipfix_file.h"
#include "src/verbs/configuration.h"

namespace tapmeter::verbs {
namespace {

using exporting::IpfixFile;
using exporting::Output;
using std::chrono::steady_clock;
using Outputs = std::vector<std::unique_ptr<Output>>;

// Longer than that, and an output is away, not slow.
constexpr std::chrono::seconds patience{10};
constexpr std::chrono::seconds patience_at_end{60};

void give(const Outputs& outputs, std::span<const flow::FlowRecord> records) {
    while (!records.empty()) {
        const auto now = records.first(std::min(records.size(), Output::records_at_a_time));
        for (const auto& output : outputs) {
            const auto deadline = steady_clock::now() + patience;
            while (!output->ready() && output->counters().up && steady_clock::now() < deadline) {
                std::this_thread::sleep_for(std::chrono::milliseconds{1});
            }
            output->take(RecordBatch(now));
        }
        records = records.subspan(now.size());
    }
    for (const auto& output : outputs) {
        output->tick(steady_clock::now());
    }
}

// False: it could not be read to its end.
bool read_one(const std::string& path, const Outputs& outputs, bool quiet) {
    auto file = IpfixFile::open(path);
    if (!file) {
        complain(file.error().message);
        return false;
    }
    std::vector<flow::FlowRecord> records;
    while ((*file)->next(records)) {
        give(outputs, records);
        records.clear();
    }
    give(outputs, records);  // of the message that could not be read to its end
    const auto& counts = (*file)->counts();
    if (!quiet) {
        const std::string line = fmt::format(
            "{}: {} flow records in {} messages; {} options records and {} records that are no "
            "flows passed over, {} Sets without a Template, {} records missing by the sequence "
            "numbers\n",
            path, counts.records, counts.messages, counts.options, counts.not_flows,
            counts.without_template, counts.missing);
        std::fwrite(line.data(), 1, line.size(), stderr);
    }
    if (counts.unknown_withdrawals != 0) {
        complain(
            fmt::format("{}: {} withdrawals of Templates that had not come were ignored; whoever "
                        "wrote it does not keep RFC 7011 section 8.1",
                        path, counts.unknown_withdrawals));
    }
    if (!(*file)->status()) {
        complain((*file)->status().error().message);
    }
    return (*file)->status().has_value();
}

}  // namespace

bool any_is_ipfix(const std::vector<std::string>& files) {
    return std::ranges::any_of(
        files, [](const std::string& file) { return file != "-" && IpfixFile::is_one(file); });
}

ExitCode read_ipfix(const std::vector<std::string>& files, const Outputs& outputs, bool quiet) {
    if (!std::ranges::all_of(files, [](const std::string& file) {
            return file != "-" && IpfixFile::is_one(file);
        })) {
        complain(
            "files of packets and IPFIX files cannot be read together; read them one after "
            "the other");
        return ExitCode::refused;
    }
    bool whole = true;
    for (const std::string& file : files) {
        whole = read_one(file, outputs, quiet) && whole;
    }
    const auto deadline = steady_clock::now() + patience_at_end;
    bool sent = true;
    for (const auto& output : outputs) {
        output->flush(deadline);
        const exporting::OutputCounters counters = output->counters();
        for (std::size_t reason = 0; reason < exporting::record_dropped_reasons; ++reason) {
            if (counters.dropped[reason].records != 0) {
                sent = false;
                complain(fmt::format("output {}: {} flow records dropped, reason {}",
                                     output->name(), counters.dropped[reason].records,
                                     exporting::record_dropped_names[reason]));
            }
        }
    }
    return whole && sent ? ExitCode::done : ExitCode::failed;
}

}  // namespace tapmeter::verbs
