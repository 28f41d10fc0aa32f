#include "src/exporting/alert_event.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "src/exporting/community_id.h"
#include "src/exporting/text.h"

namespace tapmeter::exporting {

namespace {

using inspect::Alert;
using Metadata = std::vector<std::pair<std::string, std::string>>;

// {"created_at":["2018_01_30"],"tag":["a","b"]}: values of one key together.
std::string metadata_text(const Metadata& metadata) {
    if (metadata.empty()) {
        return {};
    }
    std::string text = ",\"metadata\":{";
    for (auto item = metadata.begin(); item != metadata.end(); ++item) {
        const auto same = [&item](const auto& other) { return other.first == item->first; };
        if (std::find_if(metadata.begin(), item, same) != item) {
            continue;
        }
        text += (text.back() == '{' ? "" : ",") + json_string(item->first) + ":[";
        for (auto value = item; value != metadata.end(); ++value) {
            if (same(*value)) {
                text += (text.back() == '[' ? "" : ",") + json_string(value->second);
            }
        }
        text += "]";
    }
    return text + "}";
}

std::string address_text(const decode::Address& address, std::uint8_t ip_version) {
    std::array<char, address_characters_max> text{};
    return {text.data(), write_address(text.data(), address, ip_version)};
}

bool has_ports(const Alert& alert) {
    constexpr std::array<std::uint8_t, 3> with_ports{6, 17, 132};
    return std::ranges::find(with_ports, alert.protocol) != with_ports.end();
}

std::string timestamp_text(ObservedAt at) {
    std::array<char, timestamp_characters_max> text{};
    return {text.data(), write_eve_timestamp(text.data(), at)};
}

std::string community_text(const Alert& alert) {
    FlowRecord record;
    record.source = alert.source;
    record.destination = alert.destination;
    record.source_port = alert.source_port;
    record.destination_port = alert.destination_port;
    record.protocol = alert.protocol;
    record.ip_version = alert.ip_version;
    const CommunityId id = community_id(record);
    return std::string(text_of(id));
}

// Without the quotes that json_string() puts around.
std::string_view inside(std::string_view quoted) {
    return quoted.size() < 2 ? quoted : quoted.substr(1, quoted.size() - 2);
}

std::string end_text(const Alert& alert, bool source) {
    const std::string address =
        address_text(source ? alert.source : alert.destination, alert.ip_version);
    if (!has_ports(alert)) {
        return address;
    }
    return (alert.ip_version == 6 ? "[" + address + "]" : address) + ":" +
           std::to_string(source ? alert.source_port : alert.destination_port);
}

}  // namespace

AlertEvents::AlertEvents(const Interfaces& interfaces, const inspect::SignatureSet& set)
    : generation_(set.generation()) {
    for (const Interface& one : interfaces) {
        points_.push_back(json_string(one.name));
    }
    for (const inspect::Signature& signature : set.signatures()) {
        words_.push_back({json_string(signature.rule.message), json_string(signature.rule.category),
                          metadata_text(signature.rule.metadata)});
    }
}

const AlertEvents::Words* AlertEvents::words_of(const Alert& alert) const {
    return alert.generation == generation_ && alert.rule < words_.size() ? &words_[alert.rule]
                                                                         : nullptr;
}

std::string_view AlertEvents::message(const Alert& alert) const {
    const Words* const words = words_of(alert);
    return words == nullptr ? std::string_view{} : inside(words->signature);
}

void AlertEvents::append_eve(std::string& to, const Alert& alert) const {
    const Words* const words = words_of(alert);
    to += "{\"timestamp\":\"" + timestamp_text(alert.at) +
          "\",\"flow_id\":" + std::to_string(alert.flow_id);
    if (alert.observation_point < points_.size()) {
        to += ",\"in_iface\":" + points_[alert.observation_point];
    }
    to += ",\"event_type\":\"alert\",\"src_ip\":\"" + address_text(alert.source, alert.ip_version) +
          "\"";
    if (has_ports(alert)) {
        to += ",\"src_port\":" + std::to_string(alert.source_port);
    }
    to += ",\"dest_ip\":\"" + address_text(alert.destination, alert.ip_version) + "\"";
    if (has_ports(alert)) {
        to += ",\"dest_port\":" + std::to_string(alert.destination_port);
    }
    to += ",\"proto\":\"" + std::string(protocol_name(alert.protocol)) + "\",\"community_id\":\"" +
          community_text(alert) + "\"";
    // This program looks and never blocks: what a rule would have dropped has passed.
    to += ",\"alert\":{\"action\":\"allowed\",\"gid\":" + std::to_string(alert.gid) +
          ",\"signature_id\":" + std::to_string(alert.sid) +
          ",\"rev\":" + std::to_string(alert.rev) +
          ",\"signature\":" + (words == nullptr ? "\"\"" : words->signature) +
          ",\"category\":" + (words == nullptr ? "\"\"" : words->category) +
          ",\"severity\":" + std::to_string(alert.severity) +
          (words == nullptr ? "" : words->metadata) + "}";
    if (alert.application != inspect::rules::Application::unknown) {
        to += ",\"app_proto\":\"" + std::string(name_of(alert.application)) + "\"";
    }
    to += std::string(",\"direction\":\"") + (alert.to_server ? "to_server" : "to_client") +
          "\",\"tapmeter\":{\"worker\":" + std::to_string(alert.worker) + "}}\n";
}

void AlertEvents::append_flat(std::string& to, const Alert& alert) const {
    const Words* const words = words_of(alert);
    const std::string ip = alert.ip_version == 6 ? "IPv6Address" : "IPv4Address";
    const auto number = [&to](std::string_view name, std::uint64_t value) {
        to.append(",\"").append(name).append("\":").append(std::to_string(value));
    };
    const auto text = [&to](std::string_view name, std::string_view quoted) {
        to.append(",\"").append(name).append("\":").append(quoted);
    };
    std::array<char, timestamp_characters_max> time{};
    to.append("{\"observationTimeNanoseconds\":\"")
        .append(time.data(), write_rfc3339(time.data(), alert.at))
        .append("\"");
    number("flowId", alert.flow_id);
    text("source" + ip, "\"" + address_text(alert.source, alert.ip_version) + "\"");
    text("destination" + ip, "\"" + address_text(alert.destination, alert.ip_version) + "\"");
    if (has_ports(alert)) {
        number("sourceTransportPort", alert.source_port);
        number("destinationTransportPort", alert.destination_port);
    }
    number("protocolIdentifier", alert.protocol);
    number("ipVersion", alert.ip_version);
    number("signatureId", alert.sid);
    number("signatureGroup", alert.gid);
    number("signatureRevision", alert.rev);
    text("signatureName", words == nullptr ? "\"\"" : words->signature);
    text("signatureCategory", words == nullptr ? "\"\"" : words->category);
    number("signatureSeverity", alert.severity);
    if (alert.application != inspect::rules::Application::unknown) {
        text("applicationName", "\"" + std::string(name_of(alert.application)) + "\"");
    }
    text("signatureDirection", alert.to_server ? "\"to_server\"" : "\"to_client\"");
    number("workerId", alert.worker);
    if (alert.observation_point < points_.size()) {
        text("interfaceName", points_[alert.observation_point]);
    }
    to += "}\n";
}

void AlertEvents::append_fast(std::string& to, const Alert& alert) const {
    const std::string time = timestamp_text(alert.at);  // 2025-11-20T10:15:29.023456+0000
    to.append(time, 5, 2).append("/").append(time, 8, 2).append("/").append(time, 0, 4);
    to.append("-").append(time, 11, 15).append("  [**] ");
    const std::string line = syslog_line(alert);
    const std::size_t message_end = line.rfind(" [Classification: ");
    to.append(line, 0, message_end).append(" [**]").append(line, message_end).append("\n");
}

std::string AlertEvents::syslog_line(const Alert& alert) const {
    const Words* const words = words_of(alert);
    const std::string number = std::to_string(alert.gid) + ":" + std::to_string(alert.sid) + ":" +
                               std::to_string(alert.rev);
    std::string line = "[" + number + "] ";
    line += words == nullptr ? std::string_view{} : inside(words->signature);
    line += " [Classification: ";
    line += words == nullptr ? std::string_view{} : inside(words->category);
    line += "] [Priority: " + std::to_string(alert.severity) + "] {";
    line += protocol_name(alert.protocol);
    return line + "} " + end_text(alert, true) + " -> " + end_text(alert, false);
}

}  // namespace tapmeter::exporting
