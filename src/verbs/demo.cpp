#include "src/verbs/demo.h"

#include <cstdio>
#include <string>
#include <utility>

#include "src/verbs/configuration.h"
#include "src/verbs/exit_code.h"

namespace tapmeter::verbs {

int demo(RunRequest request) {
    request.config.presets.insert(request.config.presets.end(),
                                  {"flow.idle_timeout=5s", "flow.active_timeout=10s",
                                   "flow.flows_max=64k", "workers.count=1"});
    request.config.sources = {"gen:"};
    const auto loaded = load_or_explain(request.config);
    if (!loaded) {
        return exit_usage;
    }
    const Config& config = loaded->config;
    std::string text =
        "Made-up TCP and UDP conversations, 10,000 packets a second; Ctrl-C ends it with the "
        "books.\n";
    if (config.http.enabled) {
        const std::string base =
            "http://" + config.http.address + ":" + std::to_string(config.http.port);
        text += "  metrics   " + base + "/metrics\n  books     " + base + "/api/v1/books\n";
    }
    if (!config.control.socket.empty()) {
        text += "  control   tapmeter ctl books --socket " + config.control.socket.string() + "\n";
    }
    std::fwrite(text.data(), 1, text.size(), stderr);
    return run(request);
}

}  // namespace tapmeter::verbs
