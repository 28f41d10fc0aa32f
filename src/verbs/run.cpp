#include "src/verbs/run.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "src/appliance/appliance.h"
#include "src/appliance/crash_watch.h"
#include "src/appliance/handover.h"
#include "src/control/crash_policy.h"
#include "src/control/server.h"
#include "src/control/supervisor.h"
#include "src/metrics/books_text.h"
#include "src/verbs/configuration.h"
#include "src/verbs/outputs.h"
#include "src/verbs/signals.h"

namespace tapmeter::verbs {

namespace {

using namespace std::chrono_literals;

// What SIGTERM may take in all is 5 s: emptying the queues takes one, the outputs the rest.
constexpr auto outputs_within = 3s;

void start_log(Config::LogLevel level) {
    constexpr std::array levels{spdlog::level::err, spdlog::level::warn, spdlog::level::info,
                                spdlog::level::debug, spdlog::level::trace};
    auto log = spdlog::get("tapmeter");
    if (log == nullptr) {
        log = spdlog::stderr_color_mt("tapmeter");  // standard output carries data only
        log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
        spdlog::set_default_logger(log);
    }
    spdlog::set_level(levels[static_cast<std::size_t>(level)]);
}

void log_line(const std::string& line) {
    spdlog::warn("{}", line);
}

void print_books(const metrics::Snapshot& books) {
    const std::string text = metrics::books_as_text(books);
    std::fwrite(text.data(), 1, text.size(), stderr);
}

// The running program and the two things beside it that it needs to be built.
struct Running {
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
    LiveClock clock;  // made before a fork: the time of one data path is that of the next
    ClockSteps steps{clock};
    Loaded loaded;
    Handover* handover = nullptr;  // null: there is no supervisor
    inspect::ApplicationNames names;
    std::unique_ptr<Appliance> appliance;
    std::unique_ptr<control::Server> server;  // after the appliance: it must go first
};

Result<void> build(const LoadRequest& request, Running& running) {
    const Config& config = running.loaded.config;
    running.steps.look();  // a data path before may have told of it
    auto outputs = open_outputs(config, interfaces_of(config), log_line, &running.names);
    if (!outputs) {
        return tl::unexpected<Error>(std::move(outputs.error()));
    }
    auto captures = open_captures(config, workers_wanted(config), running.clock);
    if (!captures) {
        return tl::unexpected<Error>(std::move(captures.error()));
    }
    Appliance::Parts parts;
    parts.config = config;
    parts.captures = std::move(*captures);
    parts.outputs = std::move(*outputs);
    parts.clock = &running.clock;
    parts.steps = &running.steps;
    parts.names = &running.names;
    parts.log = log_line;
    parts.handover = running.handover;
    if (!config.influxdb.url.empty()) {
        auto pusher = pushing::CounterPusher::open(config.influxdb, log_line);
        if (!pusher) {
            return tl::unexpected<Error>(std::move(pusher.error()));
        }
        parts.pusher = std::move(*pusher);
    }
    parts.config_json = config_as_json(running.loaded, running.loaded);
    parts.read_config_again = [&request, &running] {
        auto fresh = read_again(request, running.loaded);
        if (fresh) {
            start_log(fresh->config.log_level);
        }
        return fresh;
    };
    auto appliance = Appliance::build(std::move(parts));
    if (!appliance) {
        return tl::unexpected<Error>(std::move(appliance.error()));
    }
    running.appliance = std::move(*appliance);
    auto server = control::Server::start(config.http, config.control, *running.appliance);
    if (!server) {
        return tl::unexpected<Error>(std::move(server.error()));
    }
    running.server = std::move(*server);
    return {};
}

void announce_doors(const Config& config, const control::Server& server) {
    if (server.port() != 0) {
        spdlog::info("http://{}:{}/metrics", config.http.address, server.port());
    }
    if (!config.control.socket.empty()) {
        spdlog::info("control socket {}", config.control.socket.string());
    }
}

void reload(Appliance& appliance) {
    const auto answer = appliance.reload();
    if (answer) {
        spdlog::info("reloaded: {}", *answer);
    } else {
        spdlog::error("reload refused, the old configuration stays: {}", answer.error().message);
    }
}

void look_after_interfaces(Appliance& appliance) {
    for (const InterfaceWatch::Event& event : appliance.look_after_interfaces()) {
        if (event.well) {
            spdlog::info("{}", event.text);
        } else {
            spdlog::warn("{}", event.text);
        }
    }
}

void look_after_clock(ClockSteps& steps) {
    const Nanoseconds step = steps.look();
    if (step != Nanoseconds{0}) {
        spdlog::info(
            "the system's clock was set {:.3f} s {}: times of flows and packets go with it",
            std::abs(std::chrono::duration<double>(step).count()),
            step < Nanoseconds{0} ? "back" : "forward");
    }
}

// Until somebody asks for the end, every source has ended, or the time is over.
void wait(const RunCommand& command, Appliance& appliance, ClockSteps& steps,
          std::chrono::steady_clock::time_point began) {
    const auto time_is_over = [&] {
        return command.duration && std::chrono::steady_clock::now() - began >= *command.duration;
    };
    constexpr unsigned turns_between_looks = 4;
    for (unsigned turn = 1; !time_is_over() && !appliance.wait_for(100ms); ++turn) {
        appliance.note_handover();
        look_after_clock(steps);
        if (turn % turns_between_looks == 0) {
            look_after_interfaces(appliance);
        }
    }
}

// What a supervisor and the data paths before know better than the file that it has read.
void go_by_handover(const LoadRequest& request, Running& running) {
    if (running.handover == nullptr) {
        return;
    }
    if (running.handover->was_reloaded()) {
        if (auto fresh = load_or_explain(request)) {
            running.loaded = std::move(*fresh);
        }
    }
    if (running.handover->inspection_is_off()) {
        running.loaded.config.dpi.enabled = false;
        running.loaded.config.signatures = {};
    }
}

// The process that meters, from its first part to its last word.
ExitCode run_data_path(const RunCommand& command, const CommonOptions& common,
                       const LoadRequest& config, Running& running) {
    go_by_handover(config, running);
    if (auto built = build(config, running); !built) {
        complain(built.error().message);
        return ExitCode::refused;
    }
    Appliance& appliance = *running.appliance;
    const SignalWatch watch({.stop = [&] { appliance.request_stop(); },
                             .reload = [&] { reload(appliance); },
                             .print_books = [&] { print_books(appliance.snapshot()); }});
    if (auto started = appliance.start(); !started) {
        complain(started.error().message);
        return ExitCode::refused;
    }
    for (const std::string& line : appliance.describe()) {
        spdlog::info("{}", line);
    }
    announce_doors(running.loaded.config, *running.server);
    spdlog::info("metering");

    // Of a successor the time began with the first.
    const bool first = running.handover == nullptr || !running.handover->has_predecessor();
    wait(command, appliance, running.steps,
         first ? std::chrono::steady_clock::now() : running.began);
    spdlog::info("stopping: every flow is exported");
    appliance.stop(outputs_within);

    const metrics::Snapshot books = appliance.snapshot();
    if (!common.quiet) {
        print_books(books);
    }
    return metrics::balanced(metrics::laws(books)) ? ExitCode::done : ExitCode::answer_no;
}

// A recording would begin anew, and what was metered of it would be metered twice.
bool wants_supervisor(const Config& config) {
    return config.service.supervisor &&
           std::ranges::none_of(config.captures, [](const Config::Capture& capture) {
               return capture.source.starts_with("pcap:");
           });
}

// Sockets and maps for each queue, outputs, connections of the control interface: more than the
// usual 1,024, which stands for programs that use select(2).
void allow_many_open_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);  // where it may not, what lacks one will say so
    }
}

using control::CrashPolicy;

// One line for the operator: what ended, by what, while it did what, and what follows.
void tell_of_crash(int signal, const std::optional<Handover::Fault>& fault,
                   CrashPolicy::Verdict verdict) {
    const bool inspecting = fault && fault->doing != inspect::Doing::nothing;
    std::string what = "the data path was ended by " + control::signal_name(signal);
    if (inspecting) {
        what += fmt::format(
            " in worker {} while it was {} {}: the flow is left alone from now on", fault->worker,
            inspect::doing_names[static_cast<std::size_t>(fault->doing)], flow_text(fault->key));
    } else if (fault) {
        what += fmt::format(" in worker {}", fault->worker);
    }
    switch (verdict) {
        case CrashPolicy::Verdict::again:
            what += "; it starts again and its flows go on";
            break;
        case CrashPolicy::Verdict::without_inspection:
            what += fmt::format(
                "; {} times in {} s: it starts again without inspection, "
                "until tapmeter itself is started again",
                CrashPolicy::faults_max, CrashPolicy::window.count());
            break;
        case CrashPolicy::Verdict::give_up:
            what +=
                fmt::format("; {} times in {} s, and not by inspection: it is not started again",
                            CrashPolicy::crashes_max, CrashPolicy::window.count());
            break;
    }
    spdlog::error("{}; {}", what, control::core_hint());
}

ExitCode run_supervised(const RunCommand& command, const CommonOptions& common,
                        const LoadRequest& config, Running& running) {
    auto handover = Handover::make(workers_wanted(running.loaded.config));
    if (!handover) {
        complain(handover.error().message);
        return ExitCode::refused;
    }
    running.handover = handover->get();
    CrashPolicy policy;
    const auto crashed = [&](int signal) {
        const auto fault = running.handover->crashed(signal);
        const bool inspecting = fault && fault->doing != inspect::Doing::nothing;
        const auto verdict = policy.judge(inspecting, std::chrono::steady_clock::now());
        tell_of_crash(signal, fault, verdict);
        if (verdict == CrashPolicy::Verdict::without_inspection) {
            running.handover->switch_inspection_off();
        }
        return verdict != CrashPolicy::Verdict::give_up;
    };
    const auto data_path = [&] {
        note_crashes();
        return static_cast<int>(run_data_path(command, common, config, running));
    };
    return static_cast<ExitCode>(
        control::supervise({.data_path = data_path,
                            .crashed = crashed,
                            .gave_up = static_cast<int>(ExitCode::failed),
                            .could_not_begin = static_cast<int>(ExitCode::refused)}));
}

}  // namespace

ExitCode run(const RunCommand& command, const CommonOptions& common, const LoadRequest& config) {
    block_signals();
    allow_many_open_files();
    auto loaded = load_or_explain(config);
    if (!loaded) {
        return ExitCode::refused;
    }
    if (loaded->config.captures.empty()) {
        complain(
            "nothing to capture: name an interface with -i, or a [[capture]] in a file with -c; "
            "`tapmeter devices` lists what is there");
        return ExitCode::refused;
    }
    start_log(loaded->config.log_level);
    Running running{.began = std::chrono::steady_clock::now(),
                    .clock = {},
                    .loaded = std::move(*loaded),
                    .handover = nullptr,
                    .names = {},
                    .appliance = {},
                    .server = {}};
    return wants_supervisor(running.loaded.config)
               ? run_supervised(command, common, config, running)
               : run_data_path(command, common, config, running);
}

}  // namespace tapmeter::verbs
