#include "src/verbs/bench_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "src/bench/made_traffic.h"
#include "src/bench/receive_ring.h"
#include "src/config/address.h"
#include "src/config/check.h"
#include "src/config/quantity.h"

namespace tapmeter::verbs {

namespace {

using Kind = bench::TrafficRequest::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 3> made_kinds{
    {{"uniform", Kind::uniform}, {"flood", Kind::flood}, {"imix", Kind::imix}}};

Kind kind_of(const std::string& text) {
    const auto made =
        std::ranges::find(made_kinds, text, &std::pair<std::string_view, Kind>::first);
    return made != made_kinds.end() ? made->second : Kind::file;
}

std::string traffic_fault(const std::string& text) {
    std::error_code error;
    if (kind_of(text) != Kind::file || std::filesystem::exists(text, error)) {
        return {};
    }
    return config::shortened(text) +
           ": must be uniform, flood, imix, or a capture file that exists";
}

std::string flows_fault(const std::string& text) {
    const auto flows = config::parse_count(text);
    return flows && *flows >= 1 && *flows <= bench::flows_max
               ? std::string()
               : config::shortened(text) + ": must be a count from 1 to 64Mi, such as 64k or 1M";
}

std::string cores_fault(const std::string& text) {
    const auto cores = config::parse_cores(text, workers_max);
    return cores ? std::string() : config::shortened(text) + ": must be " + cores.error();
}

std::string length_fault(const std::string& text) {
    const auto duration = config::parse_duration(text);
    return duration && duration->count() > 0
               ? std::string()
               : config::shortened(text) + ": must be a duration such as 500ms, 3s or 1m";
}

std::string size_fault(const std::string& text) {
    const auto size = config::parse_count(text);
    const bool in_range = size && *size >= bench::frame_size_min && *size <= bench::frame_size_max;
    return text == "imix" || in_range
               ? std::string()
               : config::shortened(text) + ": must be imix, or octets with FCS from 64 to 1518";
}

std::string collector_fault(const std::string& text) {
    const auto collector = config::parse_collector(config::collector_url(text));
    return collector ? std::string() : config::shortened(text) + ": must be " + collector.error();
}

std::string source_fault(const std::string& text) {
    const auto source = config::parse_source(text);
    return source ? std::string() : config::shortened(text) + ": must be " + source.error();
}

// "0.001%" or "0.00001": a share of the packets.
std::optional<double> parse_share(const std::string& text) {
    constexpr double percent = 0.01;
    double share = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
    const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc() || (!rest.empty() && rest != "%")) {
        return std::nullopt;
    }
    share *= rest.empty() ? 1 : percent;
    return share >= 0 && share <= 1 ? std::optional(share) : std::nullopt;
}

std::string share_fault(const std::string& text) {
    return parse_share(text) ? std::string()
                             : config::shortened(text) +
                                   ": must be a share of the packets such as 0.001% or 0.00001";
}

std::string ring_fault(const std::string& text) {
    const auto slots = config::parse_count(text);
    return slots && *slots >= bench::ReceiveRing::slots_min &&
                   *slots <= bench::ReceiveRing::slots_max
               ? std::string()
               : config::shortened(text) + ": must be 64 to 32768";
}

void add_rates(CLI::App& verb, BenchDraft& draft) {
    verb.add_option("-i,--interface", draft.sources,
                    "measure a real port instead: eth1, xdp:eth1, pci:ADDRESS, dpdk:DEVICE")
        ->type_name("SOURCE")
        ->allow_extra_args(false)
        ->check(source_fault);
    verb.add_flag("--external", draft.external,
                  "print what to type on the machine that sends to the port");
    verb.add_option("--search", draft.search, "the highest rate without loss (RFC 2544)")
        ->type_name("zero-loss")
        ->check([](const std::string& text) {
            return text == "zero-loss" ? std::string()
                                       : config::shortened(text) + ": must be zero-loss";
        });
    verb.add_option("--trial", draft.trial, "how long a trial of -i or --search lasts")
        ->type_name("TIME")
        ->check(length_fault);
    verb.add_option("--rx-ring", draft.ring_slots, "packets that a receive ring in memory holds")
        ->type_name("N")
        ->check(ring_fault);
    verb.add_option("--max-loss", draft.max_loss, "exit 3 above this share, such as 0.001%")
        ->type_name("SHARE")
        ->check(share_fault);
}

}  // namespace

CLI::App& add_bench(CLI::App& program, BenchDraft& draft) {
    CLI::App& verb = *program.add_subcommand("bench", "measure: packets per second and loss");
    verb.add_option("--traffic", draft.traffic, "uniform, flood, imix, or a capture file")
        ->type_name("KIND")
        ->check(traffic_fault);
    verb.add_option("--flows", draft.flows, "flows of each worker, such as 64k or 1M")
        ->type_name("N")
        ->check(flows_fault);
    verb.add_option("--workers", draft.workers, "workers, each with traffic of its own")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, workers_max));
    verb.add_option("--cores", draft.cores, "cores of the workers, in order, such as 2-9")
        ->type_name("LIST")
        ->check(cores_fault);
    verb.add_option("--duration", draft.duration, "how long to measure, without warming up")
        ->type_name("TIME")
        ->check(length_fault);
    verb.add_option("--sizes", draft.sizes, "frame sizes with FCS: 64,128,1518,imix")
        ->type_name("LIST")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->check(size_fault);
    verb.add_flag("--no-stages", draft.no_stages, "do not measure where the time goes");
    add_rates(verb, draft);
    verb.add_option("-n,--export", draft.collectors, "send flow records as IPFIX to HOST:PORT")
        ->type_name("COLLECTOR")
        ->allow_extra_args(false)
        ->check(collector_fault);
    verb.add_option("--json", draft.json_paths, "write flow records as JSON lines")
        ->type_name("PATH")
        ->allow_extra_args(false);
    verb.footer("Example:\n  tapmeter bench --traffic uniform --flows 8M --duration 5s");
    return verb;
}

std::optional<std::string> bench_fault(const BenchDraft& draft) {
    if (!draft.search.empty() && !draft.sources.empty()) {
        return "--search paces its own traffic, which -i has not; measure a port with -i and "
               "--external, and set the rate where the traffic is sent";
    }
    if (draft.external && draft.sources.empty()) {
        return "--external needs the port that receives: -i SOURCE";
    }
    return std::nullopt;
}

BenchCommand bench_command_of(const BenchDraft& draft) {
    BenchCommand command;
    command.kind = kind_of(draft.traffic);
    if (command.kind == Kind::file) {
        command.file = draft.traffic;
    }
    const std::uint64_t flows_usual = command.kind == Kind::imix ? 100'000 : 1'000'000;
    command.flows = config::parse_count(draft.flows).value_or(flows_usual);
    command.workers = draft.workers;
    command.cores = draft.cores;
    command.duration =
        config::parse_duration(draft.duration).value_or(std::chrono::milliseconds(3'000));
    command.stages = !draft.no_stages;
    command.sources = draft.sources;
    command.external = draft.external;
    command.search = !draft.search.empty();
    command.trial = config::parse_duration(draft.trial).value_or(command.trial);
    command.ring_slots = draft.ring_slots;
    command.max_loss_given = !draft.max_loss.empty();
    command.max_loss = parse_share(draft.max_loss).value_or(0);
    command.sizes.clear();
    for (const std::string& size : draft.sizes) {
        command.sizes.push_back(static_cast<std::uint32_t>(config::parse_count(size).value_or(0)));
    }
    std::ranges::transform(draft.collectors, std::back_inserter(command.collectors),
                           config::collector_url);
    command.json_paths = draft.json_paths;
    return command;
}

void complete_request(const BenchCommand& command, LoadRequest& request) {
    request.collectors = command.collectors;
    request.json_paths = command.json_paths;
    request.sources = command.sources;
    if (!command.sources.empty() && command.workers == 1 && command.cores.empty()) {
        return;  // as many workers as the port has queues, as in `run`
    }
    request.presets.emplace_back("dpi.enabled=false");  // frames made in memory carry nothing
    // Frames in memory are always waiting: what such a worker would leave out of its records, or
    // sum up, it would not have measured. A flood is the test of just that.
    if (command.kind != Kind::flood) {
        request.presets.emplace_back("overload.sample_flows_max=1");
        request.presets.emplace_back("overload.aggregate=off");
    }
    // Ended TCP flows linger in the table beside those that are open.
    constexpr std::uint64_t lingering = 10;
    constexpr std::uint64_t flows_max_least = 1'024;  // of flow.flows_max
    if (command.kind != Kind::file) {
        const std::uint64_t flows =
            command.kind == Kind::imix ? lingering * command.flows : command.flows;
        request.presets.push_back("flow.flows_max=" +
                                  std::to_string(std::max(flows, flows_max_least)));
    }
    std::vector<std::string> sets{"workers.count=" + std::to_string(command.workers)};
    if (!command.cores.empty()) {
        sets.push_back("workers.cores=" + command.cores);
    }
    request.sets.insert(request.sets.begin(), sets.begin(), sets.end());
}

}  // namespace tapmeter::verbs
