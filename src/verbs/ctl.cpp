#include "src/verbs/ctl.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "src/control/nearest.h"
#include "src/metrics/csv.h"
#include "src/verbs/http_client.h"

namespace tapmeter::verbs {

namespace {

using nlohmann::json;

constexpr int done = 0;
constexpr int could_not = 1;
constexpr int bad_usage = 2;
constexpr int answer_is_no = 3;
constexpr int nobody_there = 4;

constexpr std::array<std::string_view, 7> commands{"status", "books",     "stats", "reload",
                                                   "stop",   "prefilter", "recall"};
constexpr std::array<std::string_view, 3> outputs{"text", "json", "csv"};
constexpr std::array<std::string_view, 6> prefilter_actions{"show", "add",   "remove",
                                                            "deny", "allow", "sample"};

template <class Words>
bool is_one_of(std::string_view word, const Words& words) {
    return std::ranges::find(words, word) != words.end();
}

// One run of the verb.
class Conversation {
public:
    Conversation(const CtlRequest& request, std::ostream& out, std::ostream& err)
        : request_(request), door_{request.socket, request.url}, out_(out), err_(err) {}

    int run() {
        if (const auto fault = usage_fault()) {
            err_ << "tapmeter ctl: " << *fault << "\n";
            return bad_usage;
        }
        if (request_.command == "status") {
            return show("/api/v1/health");
        }
        if (request_.command == "books" || request_.command == "stats") {
            return show("/api/v1/" + request_.command);
        }
        if (request_.command == "prefilter") {
            return prefilter();
        }
        if (request_.command == "recall") {
            return recall();
        }
        return command("");
    }

private:
    std::optional<std::string> usage_fault() const;
    std::optional<std::string> prefilter_usage_fault() const;
    std::optional<std::string> recall_usage_fault() const;
    int show(const std::string& path);
    int command(const std::string& body);
    int prefilter();
    int recall();
    std::optional<std::string> recall_as_json();
    std::optional<std::string> change_as_json();
    int complain(const HttpFault& fault);
    int complain(const HttpAnswer& answer);

    const CtlRequest& request_;
    Door door_;
    std::ostream& out_;
    std::ostream& err_;
};

std::optional<std::string> Conversation::usage_fault() const {
    if (!is_one_of(request_.command, commands)) {
        return "unknown command \"" + request_.command + "\"; " +
               control::did_you_mean(request_.command, commands);
    }
    if (!is_one_of(request_.output, outputs)) {
        return "unknown output \"" + request_.output + "\"; " +
               control::did_you_mean(request_.output, outputs);
    }
    if (!request_.url.empty() && !request_.url.starts_with("http://")) {
        return "--url \"" + request_.url + "\": must begin with http://";
    }
    if (request_.command == "prefilter") {
        return prefilter_usage_fault();
    }
    if (request_.command == "recall") {
        return recall_usage_fault();
    }
    if (!request_.arguments.empty()) {
        return request_.command + " takes no argument, but \"" + request_.arguments.front() +
               "\" was given";
    }
    return std::nullopt;
}

std::optional<std::string> Conversation::prefilter_usage_fault() const {
    const auto& arguments = request_.arguments;
    if (arguments.empty() || (arguments.front() == "show" && arguments.size() == 1)) {
        return std::nullopt;
    }
    const std::string& action = arguments.front();
    if (!is_one_of(action, prefilter_actions)) {
        return "unknown prefilter action \"" + action + "\"; " +
               control::did_you_mean(action, prefilter_actions);
    }
    if (action == "show") {
        return "prefilter show takes no argument";
    }
    if (arguments.size() < 2) {
        return "prefilter " + action + " needs a value, such as: " + action +
               (action == "add" || action == "remove" ? " 10.0.0.0/8" : " 443");
    }
    if (action == "sample" && arguments.size() > 2) {
        return "prefilter sample takes one number: keep 1 in N";
    }
    return std::nullopt;
}

std::optional<std::string> Conversation::recall_usage_fault() const {
    const auto& arguments = request_.arguments;
    const bool shows = arguments.empty() || (arguments.front() == "show" && arguments.size() == 1);
    const bool host = arguments.size() == 2 && arguments.front() == "host";
    const bool filter = arguments.size() >= 2 && arguments.front() == "filter";
    const bool flow = arguments.size() == 6 && arguments.front() == "flow";
    if (shows || host || filter || flow) {
        return std::nullopt;
    }
    return "recall takes: show, host ADDRESS, filter EXPRESSION, or flow PROTOCOL SOURCE "
           "SOURCE_PORT DESTINATION DESTINATION_PORT";
}

// Prints what GET `path` answers.
int Conversation::show(const std::string& path) {
    const auto answer = ask(door_, {.path = path + "?output=" + request_.output, .body = {}});
    if (!answer) {
        return complain(answer.error());
    }
    const bool degraded = answer->status == 503 && !answer->books.empty();
    if (answer->status != 200 && !degraded) {
        return complain(*answer);
    }
    out_ << answer->body;
    if (!answer->body.ends_with('\n')) {
        out_ << "\n";
    }
    const bool broken = request_.command == "books" && answer->books == "broken";
    return degraded || broken ? answer_is_no : done;
}

// reload, stop, recall
int Conversation::command(const std::string& body) {
    const auto answer =
        ask(door_, {.path = "/api/v1/" + request_.command, .post = true, .body = body});
    if (!answer) {
        return complain(answer.error());
    }
    const json parsed = json::parse(answer->body, nullptr, false);
    const bool good = answer->status == 200 || answer->status == 202;
    if (!good || !parsed.is_object() || !parsed.value("result", json{}).is_string()) {
        return complain(*answer);
    }
    const auto result = parsed["result"].get<std::string>();
    if (request_.output == "json") {
        out_ << answer->body << "\n";
    } else if (request_.output == "csv") {
        out_ << "result\n" << metrics::csv_cell(result) << "\n";
    } else {
        out_ << result << (result.ends_with('\n') ? "" : "\n");
    }
    return done;
}

int Conversation::prefilter() {
    const bool only_show = request_.arguments.empty() || request_.arguments.front() == "show";
    if (!only_show) {
        const auto change = change_as_json();
        if (!change) {
            return bad_usage;
        }
        const auto answer =
            ask(door_, {.path = "/api/v1/prefilter", .post = true, .body = *change});
        if (!answer) {
            return complain(answer.error());
        }
        if (answer->status != 200) {
            return complain(*answer);
        }
    }
    return show("/api/v1/prefilter");
}

// Nothing where an argument that must be a number is none; the server checks the rest.
std::optional<std::string> Conversation::change_as_json() {
    const std::string& action = request_.arguments.front();
    json values = json::array();
    for (std::size_t i = 1; i < request_.arguments.size(); ++i) {
        const std::string& text = request_.arguments[i];
        if (action == "add" || action == "remove") {
            values.push_back(text);
            continue;
        }
        std::uint32_t number = 0;
        const char* const end = text.data() + text.size();
        const auto [stopped, error] = std::from_chars(text.data(), end, number);
        if (error != std::errc{} || stopped != end) {
            err_ << "tapmeter ctl: prefilter " << action << ": \"" << text << "\" is no number\n";
            return std::nullopt;
        }
        values.push_back(number);
    }
    json change{{action, action == "sample" ? values.front() : values}};
    if (!request_.interface.empty()) {
        change["interface"] = request_.interface;
    }
    return change.dump(-1, ' ', true, json::error_handler_t::replace);
}

int Conversation::recall() {
    if (request_.arguments.empty() || request_.arguments.front() == "show") {
        return show("/api/v1/recall");
    }
    const auto body = recall_as_json();
    return body ? command(*body) : bad_usage;
}

// Nothing where a port is no number; the server checks the rest.
std::optional<std::string> Conversation::recall_as_json() {
    const auto& words = request_.arguments;
    json wanted;
    if (words.front() == "host") {
        wanted = {{"host", words[1]}};
    } else if (words.front() == "filter") {
        std::string expression = words[1];
        for (std::size_t i = 2; i < words.size(); ++i) {
            expression += " " + words[i];
        }
        wanted = {{"filter", expression}};
    } else {
        wanted = {{"protocol", words[1]}, {"source", words[2]}, {"destination", words[4]}};
        for (const auto& [name, word] :
             {std::pair{"source_port", words[3]}, std::pair{"destination_port", words[5]}}) {
            std::uint16_t port = 0;
            const char* const end = word.data() + word.size();
            const auto [stopped, error] = std::from_chars(word.data(), end, port);
            if (error != std::errc{} || stopped != end) {
                err_ << "tapmeter ctl: recall flow: \"" << word << "\" is no port\n";
                return std::nullopt;
            }
            wanted[name] = port;
        }
    }
    return wanted.dump(-1, ' ', true, json::error_handler_t::replace);
}

int Conversation::complain(const HttpFault& fault) {
    err_ << "tapmeter ctl: " << fault.message << "\n";
    return fault.kind == HttpFault::Kind::nobody_there ? nobody_there : could_not;
}

// An answer that says no, or one that is not tapmeter's.
int Conversation::complain(const HttpAnswer& answer) {
    const json parsed = json::parse(answer.body, nullptr, false);
    const json error = parsed.is_object() ? parsed.value("error", json{}) : json{};
    const auto text = [&error](const char* name) {
        return error.contains(name) && error[name].is_string() ? error[name].get<std::string>()
                                                               : std::string{};
    };
    if (!error.is_object() || text("code").empty()) {
        err_ << "tapmeter ctl: what answers behind " << door_.name()
             << " is no tapmeter; name the right place with --socket PATH or --url URL\n";
        return nobody_there;
    }
    err_ << "tapmeter ctl: " << text("message") << "\n  hint: " << text("hint") << "\n";
    return text("code") == "invalid_config" ? bad_usage : could_not;
}

}  // namespace

int ctl(const CtlRequest& request, std::ostream& out, std::ostream& err) {
    return Conversation(request, out, err).run();
}

int ctl(const CtlRequest& request) {
    return ctl(request, std::cout, std::cerr);
}

}  // namespace tapmeter::verbs
