#include "src/verbs/ask.h"

#include <string>
#include <utility>

#include "src/verbs/configuration.h"
#include "src/verbs/ctl.h"

namespace tapmeter::verbs {

namespace {

using Action = CtlCommand::Action;

std::vector<std::string> texts(std::string first, const std::vector<std::string>& rest) {
    std::vector<std::string> words{std::move(first)};
    words.insert(words.end(), rest.begin(), rest.end());
    return words;
}

std::vector<std::string> texts(std::string first, const std::vector<std::uint16_t>& ports) {
    std::vector<std::string> words{std::move(first)};
    for (const std::uint16_t port : ports) {
        words.push_back(std::to_string(port));
    }
    return words;
}

void set_recall(const CtlCommand& command, CtlRequest& request) {
    const CtlCommand::RecallWords& words = command.recall;
    request.command = "recall";
    if (command.action == Action::recall_host) {
        request.arguments = {"host", words.source};
    } else if (command.action == Action::recall_filter) {
        request.arguments = {"filter"};
        request.arguments.insert(request.arguments.end(), words.words.begin(), words.words.end());
    } else if (command.action == Action::recall_flow) {
        request.arguments = {"flow",
                             words.protocol,
                             words.source,
                             std::to_string(words.source_port),
                             words.destination,
                             std::to_string(words.destination_port)};
    } else {
        request.arguments = {"show"};
    }
}

// The command and its words as ctl() takes them.
void set_words(const CtlCommand& command, CtlRequest& request) {
    switch (command.action) {
        case Action::status:
            request.command = "status";
            return;
        case Action::books:
            request.command = "books";
            return;
        case Action::stats:
            request.command = "stats";
            return;
        case Action::reload:
            request.command = "reload";
            return;
        case Action::stop:
            request.command = "stop";
            return;
        case Action::recall_show:
        case Action::recall_host:
        case Action::recall_flow:
        case Action::recall_filter:
            set_recall(command, request);
            return;
        default:
            request.command = "prefilter";
    }
    switch (command.action) {
        case Action::prefilter_add:
            request.arguments = texts("add", command.prefixes);
            return;
        case Action::prefilter_remove:
            request.arguments = texts("remove", command.prefixes);
            return;
        case Action::prefilter_deny:
            request.arguments = texts("deny", command.ports);
            return;
        case Action::prefilter_allow:
            request.arguments = texts("allow", command.ports);
            return;
        case Action::prefilter_sample:
            request.arguments = {"sample", std::to_string(command.sample)};
            return;
        default:
            request.arguments = {"show"};
    }
}

std::string name_of(OutputFormat format) {
    return format == OutputFormat::json ? "json" : format == OutputFormat::csv ? "csv" : "text";
}

}  // namespace

ExitCode ask(const CtlCommand& command, const CommonOptions& common, const LoadRequest& config) {
    CtlRequest request;
    set_words(command, request);
    request.output = name_of(common.output);
    request.url = command.url.value_or("");
    if (command.socket) {
        request.socket = command.socket->string();
    } else {
        const auto loaded = load_or_explain(config);
        if (!loaded) {
            return ExitCode::refused;
        }
        request.socket = loaded->config.control.socket.string();
    }
    return static_cast<ExitCode>(ctl(request));
}

}  // namespace tapmeter::verbs
