#include "src/control/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "src/control/nearest.h"
#include "src/control/prefilter_text.h"
#include "src/control/recall_text.h"
#include "src/metrics/books_text.h"
#include "src/metrics/csv.h"
#include "src/metrics/prometheus.h"
#include "src/metrics/version.h"

namespace tapmeter::control {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> format_names{"text", "json", "csv"};
// In the order of Routes::Format.
constexpr std::array<std::string_view, 3> format_types{
    "text/plain; charset=utf-8", "application/json", "text/csv; charset=utf-8"};
constexpr std::array<std::string_view, 3> status_classes{"2xx", "4xx", "5xx"};

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What an Instance could not do, in HTTP's words.
Response response_of(const Error& error) {
    switch (error.kind) {
        case Error::Kind::invalid_config:
            return response_of(Fault{400, "invalid_config", error.message,
                                     "nothing was changed; mend it and ask again"});
        case Error::Kind::no_such_device:
            return response_of(Fault{404, "no_such_device", error.message,
                                     "tapmeter ctl prefilter show lists what there is"});
        case Error::Kind::no_memory:
        case Error::Kind::io:
            break;
    }
    return response_of(
        Fault{500, "failed", error.message, "the log of the running instance may tell more"});
}

// Why an instance is not in good health; empty when it is.
std::vector<std::string> complaints(const metrics::Snapshot& snapshot,
                                    const std::vector<metrics::Law>& laws) {
    std::vector<std::string> reasons;
    for (const metrics::Law& law : laws) {
        if (law.imbalance != 0) {
            reasons.push_back(
                fmt::format("the books do not balance: {} off by {}", law.name, law.imbalance));
        }
    }
    for (const auto& interface : snapshot.interfaces) {
        if (!interface.counters.present) {
            reasons.push_back("interface " + interface.name + " is gone");
        } else if (!interface.counters.link_up) {
            reasons.push_back("interface " + interface.name + " has no link");
        }
    }
    for (const auto& output : snapshot.outputs) {
        if (!output.counters.up) {
            reasons.push_back("output " + output.name + " does not reach its collector or file");
        }
    }
    return reasons;
}

std::string health_text(const metrics::Snapshot& snapshot,
                        const std::vector<std::string>& reasons) {
    std::string text = fmt::format("tapmeter {}, up {:.0f} s: {}\n", version,
                                   snapshot.uptime_seconds, reasons.empty() ? "ok" : "degraded");
    for (const std::string& reason : reasons) {
        text += "  " + reason + "\n";
    }
    return text;
}

std::string health_json(const metrics::Snapshot& snapshot,
                        const std::vector<std::string>& reasons) {
    return dumped({{"status", reasons.empty() ? "ok" : "degraded"},
                   {"reasons", reasons},
                   {"version", version},
                   {"uptime_seconds", snapshot.uptime_seconds}});
}

std::string health_csv(const metrics::Snapshot& snapshot, const std::vector<std::string>& reasons) {
    std::string csv =
        fmt::format("item,value\nstatus,{}\nversion,{}\nuptime_seconds,{:.3f}\n",
                    reasons.empty() ? "ok" : "degraded", version, snapshot.uptime_seconds);
    for (const std::string& reason : reasons) {
        csv += "reason," + metrics::csv_cell(reason) + "\n";
    }
    return csv;
}

Response unexpected_body() {
    return response_of(Fault{400, "bad_request", "this route takes no body", "leave it out"});
}

}  // namespace

Response response_of(const Fault& fault) {
    const Json error{{"code", fault.code}, {"message", fault.message}, {"hint", fault.hint}};
    return {.status = fault.status, .body = dumped({{"error", error}}), .headers = {}};
}

const std::array<Routes::Route, Routes::routes_count> Routes::table_{{
    {"/metrics", false, &Routes::scrape, nullptr},
    {"/api/v1/health", true, &Routes::health, nullptr},
    {"/api/v1/books", true, &Routes::books, nullptr},
    {"/api/v1/stats", true, &Routes::stats, nullptr},
    {"/api/v1/config", false, &Routes::config, nullptr},
    {"/api/v1/prefilter", true, &Routes::prefilter, &Routes::change_prefilter},
    {"/api/v1/recall", true, &Routes::recalls, &Routes::recall},
    {"/api/v1/reload", false, nullptr, &Routes::reload},
    {"/api/v1/stop", false, nullptr, &Routes::stop},
}};

Response Routes::about_books(const metrics::Snapshot& snapshot, Format format) {
    const bool balanced = metrics::balanced(metrics::laws(snapshot));
    return {.content_type = std::string(format_types.at(number_of(format))),
            .body = {},
            .headers = {{std::string(books_header), balanced ? "balanced" : "broken"}}};
}

std::size_t Routes::index_of(std::string_view path) noexcept {
    std::size_t i = 0;
    while (i < table_.size() && table_[i].path != path) {
        ++i;
    }
    return i;
}

std::optional<Response> Routes::refuse(const Head& head) const {
    const std::size_t index = index_of(head.path);
    if (index == routes_count) {
        std::array<std::string_view, routes_count> paths{};
        std::ranges::transform(table_, paths.begin(), &Route::path);
        return response_of(Fault{404, "not_found", "there is nothing under this path",
                                 did_you_mean(head.path, paths)});
    }
    const Route& route = table_[index];
    const bool reads = head.method == "GET" || head.method == "HEAD";
    const bool changes = head.method == "POST";
    if ((!reads && !changes) || (reads && route.read == nullptr) ||
        (changes && route.change == nullptr)) {
        const std::string allow = route.read == nullptr     ? "POST"
                                  : route.change == nullptr ? "GET, HEAD"
                                                            : "GET, HEAD, POST";
        Response response = response_of(Fault{405, "method_not_allowed",
                                              std::string(route.path) + " cannot be asked that way",
                                              "use " + allow});
        response.headers.emplace_back("Allow", allow);
        return response;
    }
    if (changes && !head.trusted) {
        return response_of(Fault{403, "read_only", "over TCP this instance can only be read",
                                 "use tapmeter ctl on its machine, or curl --unix-socket"});
    }
    return std::nullopt;
}

Response Routes::answer(const Head& head, std::string_view body) {
    const Route& route = table_.at(index_of(head.path));
    auto format = Format::json;
    if (!head.query.empty()) {
        constexpr std::string_view key = "output=";
        const std::string_view query = head.query;
        if (!route.has_output || head.method == "POST" || !query.starts_with(key)) {
            return response_of(
                Fault{400, "unknown_parameter", "this route does not know the query",
                      route.has_output ? "known: output=text|json|csv" : "leave it out"});
        }
        const std::string_view asked = query.substr(key.size());
        const auto found = std::ranges::find(format_names, asked);
        if (found == format_names.end()) {
            return response_of(Fault{400, "unknown_output", "there is no such output",
                                     did_you_mean(asked, format_names)});
        }
        format = static_cast<Format>(found - format_names.begin());
    }
    if (head.method != "POST") {
        return (this->*route.read)(format);
    }
    const bool is_json = head.content_types.size() == 1 &&
                         head.content_types.front().starts_with("application/json");
    if (!body.empty() && !is_json) {
        return response_of(Fault{415, "unsupported_media_type", "the body is not declared as JSON",
                                 "send Content-Type: application/json"});
    }
    return (this->*route.change)(body);
}

void Routes::count(std::string_view path, unsigned status) noexcept {
    const std::size_t by_class = status < 400 ? 0 : status < 500 ? 1 : 2;
    ++answered_[index_of(path)][by_class];
}

Response Routes::scrape(Format) {
    metrics::Surroundings surroundings{.reloads_ok = instance_.reloads(true),
                                       .reloads_failed = instance_.reloads(false),
                                       .requests = {}};
    for (std::size_t i = 0; i < answered_.size(); ++i) {
        for (std::size_t k = 0; k < status_classes.size(); ++k) {
            surroundings.requests.push_back(
                {.route = i < routes_count ? std::string(table_[i].path) : "other",
                 .code = std::string(status_classes[k]),
                 .count = answered_[i][k]});
        }
    }
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = metrics::prometheus_text(instance_.snapshot(), surroundings),
            .headers = {}};
}

Response Routes::health(Format format) {
    const metrics::Snapshot snapshot = instance_.snapshot();
    const std::vector<std::string> reasons = complaints(snapshot, metrics::laws(snapshot));
    const std::array<std::string (*)(const metrics::Snapshot&, const std::vector<std::string>&), 3>
        writers{health_text, health_json, health_csv};
    Response response = about_books(snapshot, format);
    response.status = reasons.empty() ? 200 : 503;
    response.body = writers.at(number_of(format))(snapshot, reasons);
    return response;
}

Response Routes::books(Format format) {
    const metrics::Snapshot snapshot = instance_.snapshot();
    constexpr std::array writers{metrics::books_as_text, metrics::books_as_json,
                                 metrics::books_as_csv};
    Response response = about_books(snapshot, format);
    response.body = writers.at(number_of(format))(snapshot);
    return response;
}

Response Routes::stats(Format format) {
    const metrics::Snapshot snapshot = instance_.snapshot();
    constexpr std::array writers{metrics::stats_as_text, metrics::stats_as_json,
                                 metrics::stats_as_csv};
    Response response = about_books(snapshot, format);
    response.body = writers.at(number_of(format))(snapshot);
    return response;
}

Response Routes::config(Format) {
    return {.body = instance_.effective_config_json(), .headers = {}};
}

Response Routes::prefilter(Format format) {
    const auto states = instance_.prefilter();
    if (!states) {
        return response_of(states.error());
    }
    constexpr std::array writers{prefilter_as_text, prefilter_as_json, prefilter_as_csv};
    return {.content_type = std::string(format_types.at(number_of(format))),
            .body = writers.at(number_of(format))(*states),
            .headers = {}};
}

Response Routes::change_prefilter(std::string_view body) {
    const auto states = parse_prefilter_change(body).and_then(
        [this](const PrefilterChange& change) { return instance_.change_prefilter(change); });
    if (!states) {
        return response_of(states.error());
    }
    return {.body = prefilter_as_json(*states), .headers = {}};
}

Response Routes::recalls(Format format) {
    const metrics::Snapshot snapshot = instance_.snapshot();
    if (!snapshot.recalls) {
        return response_of(Fault{404, "no_history", "no packets are kept here",
                                 "set history.enabled = true and restart"});
    }
    constexpr std::array writers{recalls_as_text, recalls_as_json, recalls_as_csv};
    return {.content_type = std::string(format_types.at(number_of(format))),
            .body = writers.at(number_of(format))(snapshot),
            .headers = {}};
}

Response Routes::recall(std::string_view body) {
    const auto begun = parse_recall(body).and_then(
        [this](const RecallRequest& wanted) { return instance_.recall(wanted); });
    if (!begun) {
        return response_of(begun.error());
    }
    return {.status = 202, .body = dumped({{"result", *begun}}), .headers = {}};
}

Response Routes::reload(std::string_view body) {
    if (!body.empty()) {
        return unexpected_body();
    }
    const Result<std::string> changed = instance_.reload();
    if (!changed) {
        return response_of(changed.error());
    }
    return {.body = dumped({{"result", *changed}}), .headers = {}};
}

Response Routes::stop(std::string_view body) {
    if (!body.empty()) {
        return unexpected_body();
    }
    instance_.request_stop();
    return {
        .status = 202,
        .body = dumped({{"result", "stopping: draining what waits, then exporting every flow"}}),
        .headers = {}};
}

}  // namespace tapmeter::control
