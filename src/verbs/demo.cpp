#include "src/verbs/demo.h"

#include <cstdio>
#include <string>

#include "src/verbs/configuration.h"
#include "src/verbs/run.h"

namespace tapmeter::verbs {

ExitCode demo(const DemoCommand& command, const CommonOptions& common, LoadRequest config) {
    config.presets.insert(config.presets.end(), {"flow.idle_timeout=5s", "flow.active_timeout=10s",
                                                 "flow.flows_max=64k", "workers.count=1"});
    config.sources = {"gen:"};
    const auto loaded = load_or_explain(config);
    if (!loaded) {
        return ExitCode::refused;
    }
    const Config& settings = loaded->config;
    std::string text =
        "Made-up TCP and UDP conversations, 10,000 packets a second; Ctrl-C ends it with the "
        "books.\n";
    if (settings.http.enabled) {
        const std::string base =
            "http://" + settings.http.address + ":" + std::to_string(settings.http.port);
        text += "  metrics   " + base + "/metrics\n  books     " + base + "/api/v1/books\n";
    }
    if (!settings.control.socket.empty()) {
        text +=
            "  control   tapmeter ctl books --socket " + settings.control.socket.string() + "\n";
    }
    std::fwrite(text.data(), 1, text.size(), stderr);
    return run({.sources = {},
                .collectors = {},
                .json_paths = {},
                .duration = command.duration,
                .packets = {}},
               common, config);
}

}  // namespace tapmeter::verbs
