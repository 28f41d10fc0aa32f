#include "src/control/recall_text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "src/control/flat_json.h"
#include "src/control/nearest.h"
#include "src/metrics/packet_files.h"
#include "src/metrics/totals.h"

namespace tapmeter::control {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 7> members{
    "host", "filter", "protocol", "source", "source_port", "destination", "destination_port"};

struct Protocol {
    std::string_view name;
    std::uint8_t number;
    bool has_ports;
};
constexpr std::array protocols{Protocol{"tcp", 6, true}, Protocol{"udp", 17, true},
                               Protocol{"sctp", 132, true}, Protocol{"icmp", 1, false},
                               Protocol{"icmpv6", 58, false}};

tl::unexpected<Error> refused(std::string message) {
    return failed(Error::Kind::invalid_config, "recall: " + std::move(message));
}

struct Address {
    decode::Address octets{};
    std::uint8_t ip_version = 0;
};

Result<Address> address_of(const Json& json, std::string_view name) {
    const std::string text = json.is_string() ? json.get<std::string>() : std::string();
    Address address;
    constexpr std::size_t ipv4_at = 12;
    if (text.find('\0') == std::string::npos) {
        if (inet_pton(AF_INET, text.c_str(), &address.octets[ipv4_at]) == 1) {
            address.ip_version = 4;
        } else if (inet_pton(AF_INET6, text.c_str(), address.octets.data()) == 1) {
            address.ip_version = 6;
        }
    }
    if (address.ip_version == 0) {
        return refused(fmt::format("{}: {} is no address; write \"192.0.2.7\" or \"2001:db8::7\"",
                                   name, shown(json)));
    }
    return address;
}

Result<Protocol> protocol_of(const Json& json) {
    const std::string text = json.is_string() ? json.get<std::string>() : json.dump();
    const auto* const named = std::ranges::find(protocols, text, &Protocol::name);
    if (named != protocols.end()) {
        return *named;
    }
    unsigned number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stopped != end ||
        number > std::numeric_limits<std::uint8_t>::max()) {
        return refused(fmt::format(
            "protocol: {} is none; write tcp, udp, icmp, icmpv6, sctp or a number to 255",
            shown(json)));
    }
    const auto* const known =
        std::ranges::find(protocols, static_cast<std::uint8_t>(number), &Protocol::number);
    return known != protocols.end() ? *known
                                    : Protocol{"", static_cast<std::uint8_t>(number), false};
}

Result<std::uint16_t> port_of(const Json& json, const char* name, bool wanted) {
    if (!json.contains(name)) {
        return wanted ? Result<std::uint16_t>(refused(fmt::format("{} is missing", name)))
                      : Result<std::uint16_t>(std::uint16_t{0});
    }
    const Json& port = json[name];
    if (!port.is_number_unsigned() ||
        port.get<std::uint64_t>() > std::numeric_limits<std::uint16_t>::max()) {
        return refused(
            fmt::format("{}: {} is no port; write a number to 65535", name, shown(port)));
    }
    return port.get<std::uint16_t>();
}

Result<Recall> host_of(const Json& json) {
    if (json.size() != 1) {
        return refused("host stands alone; a flow has the members of its two ends instead");
    }
    const auto address = address_of(json["host"], "host");
    if (!address) {
        return tl::unexpected<Error>(address.error());
    }
    Recall recall{.of = Recall::Of::host};
    recall.key.low = address->octets;
    recall.key.ip_version = address->ip_version;
    return recall;
}

// Compiled by whoever is asked: the expression may be none.
Result<RecallRequest> filter_of(const Json& json) {
    if (json.size() != 1 || !json["filter"].is_string() ||
        json["filter"].get_ref<const std::string&>().empty()) {
        return refused(
            R"(filter stands alone, with tcpdump's words, such as {"filter": "tcp port 443"})");
    }
    return RecallRequest{Recall{.of = Recall::Of::filter}, json["filter"].get<std::string>()};
}

Result<Recall> flow_of(const Json& json) {
    for (const char* const name : {"protocol", "source", "destination"}) {
        if (!json.contains(name)) {
            return refused(
                fmt::format("{} is missing; name a host, a filter, or protocol, source, "
                            "source_port, destination and destination_port of a flow",
                            name));
        }
    }
    const auto protocol = protocol_of(json["protocol"]);
    const auto source = address_of(json["source"], "source");
    const auto destination = address_of(json["destination"], "destination");
    if (!protocol || !source || !destination) {
        return tl::unexpected<Error>(!protocol ? protocol.error()
                                     : !source ? source.error()
                                               : destination.error());
    }
    if (source->ip_version != destination->ip_version) {
        return refused("source and destination are of different versions of IP");
    }
    const auto source_port = port_of(json, "source_port", protocol->has_ports);
    const auto destination_port = port_of(json, "destination_port", protocol->has_ports);
    if (!source_port || !destination_port) {
        return tl::unexpected<Error>(!source_port ? source_port.error() : destination_port.error());
    }
    decode::Headers headers;
    headers.source = source->octets;
    headers.destination = destination->octets;
    headers.source_port = *source_port;
    headers.destination_port = *destination_port;
    headers.protocol = protocol->number;
    headers.ip_version = source->ip_version;
    Recall recall;
    flow::write_key(headers, false, recall.key);
    return recall;
}

// What is shown as text and as CSV: name and value.
std::vector<std::pair<std::string, std::uint64_t>> rows_of(const metrics::Snapshot& snapshot) {
    const HistoryBooks history = metrics::all_workers(snapshot).history;
    const saving::RecallBooks& writer = *snapshot.recalls;
    std::vector<std::pair<std::string, std::uint64_t>> rows{
        {"packets kept", history.held.packets},
        {"octets kept", history.held.octets},
        {"recalls open", writer.open},
        {"recalls in files", writer.closed},
        {"recalls without packets", writer.empty},
        {"alerts of flows that were being recalled", history.joined},
        {"alerts turned away", history.turned_away},
        {"packets recalled", history.recalled.wanted.packets},
        {"packets written", writer.files.written.packets},
        {"files removed", writer.files_removed}};
    for (std::size_t i = 0; i < not_written_reasons; ++i) {
        const std::uint64_t lost =
            history.recalled.refused[i].packets + writer.files.dropped[i].packets;
        if (lost != 0) {
            rows.emplace_back("packets lost: " + std::string(not_written_names[i]), lost);
        }
    }
    return rows;
}

}  // namespace

Result<RecallRequest> parse_recall(std::string_view text) {
    const auto json = parse_flat(text, "recall", R"({"host": "192.0.2.7"})");
    if (!json) {
        return tl::unexpected<Error>(json.error());
    }
    for (const auto& [key, value] : json->items()) {
        if (std::ranges::find(members, key) == members.end()) {
            return refused("unknown member " + shown(key) + "; " + did_you_mean(key, members));
        }
    }
    if (json->contains("filter")) {
        return filter_of(*json);
    }
    return json->contains("host") ? host_of(*json) : flow_of(*json);
}

std::string recalls_as_json(const metrics::Snapshot& snapshot) {
    const nlohmann::ordered_json all{
        {"history", metrics::history_json(metrics::all_workers(snapshot).history)},
        {"recalls", metrics::recalls_json(snapshot)}};
    return all.dump();
}

std::string recalls_as_text(const metrics::Snapshot& snapshot) {
    std::string text;
    for (const auto& [name, value] : rows_of(snapshot)) {
        fmt::format_to(std::back_inserter(text), "{:<42}{:>16}\n", name, value);
    }
    return text;
}

std::string recalls_as_csv(const metrics::Snapshot& snapshot) {
    std::string csv = "item,value\n";
    for (const auto& [name, value] : rows_of(snapshot)) {
        fmt::format_to(std::back_inserter(csv), "{},{}\n", name, value);
    }
    return csv;
}

}  // namespace tapmeter::control
