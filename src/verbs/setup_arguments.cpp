#include "src/verbs/setup_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

#include "src/config/check.h"
#include "src/config/nearest.h"
#include "src/machine/topics.h"

namespace tapmeter::verbs {

namespace {

std::string all_topics() {
    std::string text;
    for (const std::string_view topic : machine::topics) {
        text += (text.empty() ? "" : ", ") + std::string(topic);
    }
    return text;
}

std::string topic_fault(const std::string& text) {
    if (std::ranges::find(machine::topics, text) != machine::topics.end()) {
        return "";
    }
    return config::shortened(text) + ": must be one of " + all_topics() +
           config::did_you_mean(text, machine::topics);
}

}  // namespace

CLI::App& add_setup(CLI::App& program, SetupCommand& draft) {
    CLI::App& verb = *program.add_subcommand("setup", "print, or do, what this machine lacks");
    verb.add_option("TOPICS", draft.topics, "only these of " + all_topics())
        ->type_name("")
        ->check(topic_fault);
    verb.add_flag("--apply", draft.apply, "do all that needs no reboot; as root");
    verb.footer("Example:\n  tapmeter setup -i eth1 --set workers.cores=2-5");
    return verb;
}

}  // namespace tapmeter::verbs
