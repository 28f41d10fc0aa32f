#include "src/control/prefilter_text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>

#include "src/control/flat_json.h"
#include "src/control/nearest.h"
#include "src/metrics/csv.h"

namespace tapmeter::control {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 6> members{"interface", "add",   "remove",
                                                  "deny",      "allow", "sample"};
tl::unexpected<Error> refused(std::string message) {
    return failed(Error::Kind::invalid_config, "prefilter change: " + std::move(message));
}

bool is_prefix(const std::string& text) {
    const std::size_t slash = text.find('/');
    const std::string address = text.substr(0, slash);
    std::array<unsigned char, 16> octets{};
    unsigned length_max = 0;
    if (inet_pton(AF_INET, address.c_str(), octets.data()) == 1) {
        length_max = 32;
    } else if (inet_pton(AF_INET6, address.c_str(), octets.data()) == 1) {
        length_max = 128;
    } else {
        return false;
    }
    if (address.find('\0') != std::string::npos) {
        return false;  // inet_pton stopped there
    }
    if (slash == std::string::npos) {
        return true;  // one address
    }
    unsigned length = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data() + slash + 1, end, length);
    return error == std::errc{} && stopped == end && length <= length_max;
}

// Reads member `name` into `prefixes`; a missing one leaves it empty.
Result<void> read_prefixes(const Json& json, const char* name, std::vector<std::string>& prefixes) {
    if (!json.contains(name)) {
        return {};
    }
    const Json& list = json[name];
    if (!list.is_array() || list.size() > prefixes_per_change_max) {
        return refused(
            fmt::format("{} must be a list of at most {} prefixes", name, prefixes_per_change_max));
    }
    for (const Json& entry : list) {
        if (!entry.is_string() || !is_prefix(entry.get<std::string>())) {
            return refused(
                fmt::format("{}: {} is no prefix; write \"10.0.0.0/8\" or "
                            "\"2001:db8::/32\"",
                            name, shown(entry)));
        }
        prefixes.push_back(entry.get<std::string>());
    }
    return {};
}

Result<void> read_ports(const Json& json, const char* name, std::vector<std::uint16_t>& ports) {
    if (!json.contains(name)) {
        return {};
    }
    const Json& list = json[name];
    if (!list.is_array() || list.size() > 65'535) {
        return refused(fmt::format("{} must be a list of ports", name));
    }
    for (const Json& entry : list) {
        if (!entry.is_number_unsigned() || entry.get<std::uint64_t>() == 0 ||
            entry.get<std::uint64_t>() > 65'535) {
            return refused(fmt::format("{}: {} is no port; write a number from 1 to 65535", name,
                                       shown(entry)));
        }
        ports.push_back(entry.get<std::uint16_t>());
    }
    return {};
}

Result<void> read_scalars(const Json& json, PrefilterChange& change) {
    if (json.contains("interface")) {
        const Json& name = json["interface"];
        if (!name.is_string() || name.get<std::string>().empty()) {
            return refused("interface must be the name of a capture, not " + shown(name));
        }
        change.interface = name.get<std::string>();
    }
    if (json.contains("sample")) {
        const Json& sample = json["sample"];
        if (!sample.is_number_unsigned() || sample.get<std::uint64_t>() == 0 ||
            sample.get<std::uint64_t>() > sample_max) {
            return refused(fmt::format("sample = {}: must be 1 (keep all) to {} (keep 1 in N)",
                                       shown(sample), sample_max));
        }
        change.sample = sample.get<std::uint32_t>();
    }
    return {};
}

}  // namespace

Result<PrefilterChange> parse_prefilter_change(std::string_view text) {
    const Result<Json> json = parse_flat(text, "prefilter change", R"({"add": ["10.0.0.0/8"]})");
    if (!json) {
        return tl::unexpected<Error>(json.error());
    }
    for (const auto& [key, value] : json->items()) {
        if (std::ranges::find(members, key) == members.end()) {
            return refused("unknown member " + shown(key) + "; " + did_you_mean(key, members));
        }
    }
    PrefilterChange change;
    const Result<void> read =
        read_scalars(*json, change)
            .and_then([&] { return read_prefixes(*json, "add", change.add); })
            .and_then([&] { return read_prefixes(*json, "remove", change.remove); })
            .and_then([&] { return read_ports(*json, "deny", change.deny); })
            .and_then([&] { return read_ports(*json, "allow", change.allow); });
    if (!read) {
        return tl::unexpected<Error>(read.error());
    }
    const bool changes_nothing = change.add.empty() && change.remove.empty() &&
                                 change.deny.empty() && change.allow.empty() && change.sample == 0;
    if (changes_nothing) {
        return refused("nothing to change; give add, remove, deny, allow or sample");
    }
    return change;
}

std::string prefilter_as_json(const std::vector<PrefilterState>& states) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const PrefilterState& state : states) {
        list.push_back({{"interface", state.interface},
                        {"exclude", state.exclude},
                        {"excluded_prefixes", state.excluded_prefixes},
                        {"deny_ports", state.deny_ports},
                        {"sample", state.sample}});
    }
    const nlohmann::ordered_json all{{"total", states.size()}, {"prefilters", std::move(list)}};
    return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string prefilter_as_text(const std::vector<PrefilterState>& states) {
    if (states.empty()) {
        return "no interface has a prefilter (only those captured by AF_XDP have one)\n";
    }
    std::string text;
    const auto to = std::back_inserter(text);
    for (const PrefilterState& state : states) {
        std::string ports;
        for (const std::uint16_t port : state.deny_ports) {
            ports += fmt::format(" {}", port);
        }
        fmt::format_to(to, "interface {}\n  sample      1 in {}\n  deny ports {}\n",
                       state.interface, state.sample, ports.empty() ? " none" : ports);
        fmt::format_to(to, "  exclude     {} prefixes\n", state.excluded_prefixes);
        for (const std::string& prefix : state.exclude) {
            fmt::format_to(to, "    {}\n", prefix);
        }
        if (state.exclude.size() < state.excluded_prefixes) {
            fmt::format_to(to, "    ... and {} more\n",
                           state.excluded_prefixes - state.exclude.size());
        }
    }
    return text;
}

std::string prefilter_as_csv(const std::vector<PrefilterState>& states) {
    std::string csv = "interface,setting,value\n";
    const auto to = std::back_inserter(csv);
    for (const PrefilterState& state : states) {
        const std::string name = metrics::csv_cell(state.interface);
        fmt::format_to(to, "{},sample,{}\n", name, state.sample);
        fmt::format_to(to, "{},excluded_prefixes,{}\n", name, state.excluded_prefixes);
        for (const std::uint16_t port : state.deny_ports) {
            fmt::format_to(to, "{},deny_port,{}\n", name, port);
        }
        for (const std::string& prefix : state.exclude) {
            fmt::format_to(to, "{},exclude,{}\n", name, metrics::csv_cell(prefix));
        }
    }
    return csv;
}

}  // namespace tapmeter::control
