#include "src/verbs/run.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "src/appliance/appliance.h"
#include "src/control/server.h"
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
    LiveClock clock;
    Loaded loaded;
    inspect::ApplicationNames names;
    std::unique_ptr<Appliance> appliance;
    std::unique_ptr<control::Server> server;  // after the appliance: it must go first
};

Result<void> build(const LoadRequest& request, Running& running) {
    const Config& config = running.loaded.config;
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
    parts.names = &running.names;
    parts.log = log_line;
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

// Until somebody asks for the end, every source has ended, or the time is over.
void wait(const RunCommand& command, Appliance& appliance) {
    const auto began = std::chrono::steady_clock::now();
    const auto time_is_over = [&] {
        return command.duration && std::chrono::steady_clock::now() - began >= *command.duration;
    };
    while (!time_is_over() && !appliance.wait_for(100ms)) {
    }
}

}  // namespace

ExitCode run(const RunCommand& command, const CommonOptions& common, const LoadRequest& config) {
    block_signals();
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
    Running running{
        .clock = {}, .loaded = std::move(*loaded), .names = {}, .appliance = {}, .server = {}};
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

    wait(command, appliance);
    spdlog::info("stopping: every flow is exported");
    appliance.stop(outputs_within);

    const metrics::Snapshot books = appliance.snapshot();
    if (!common.quiet) {
        print_books(books);
    }
    return metrics::balanced(metrics::laws(books)) ? ExitCode::done : ExitCode::answer_no;
}

}  // namespace tapmeter::verbs
