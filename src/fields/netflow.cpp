#include "src/fields/netflow.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace tapmeter::fields {
namespace {

using namespace std::string_view_literals;

// RFC 3954 section 8 gives the flags one octet, and the VLAN the number 58.
constexpr std::uint16_t flags_octets = 1;

constexpr std::array default_words{
    "flowEndSysUpTime"sv,
    "flowStartSysUpTime"sv,
    "octetDeltaCount"sv,
    "packetDeltaCount"sv,
    "sourceIPv4Address"sv,
    "destinationIPv4Address"sv,
    "sourceIPv6Address"sv,
    "destinationIPv6Address"sv,
    "ingressInterface"sv,
    "sourceTransportPort"sv,
    "destinationTransportPort"sv,
    "icmpTypeCodeIPv4"sv,
    "icmpTypeCodeIPv6"sv,
    "vlanId"sv,
    "tcpControlBits"sv,
    "protocolIdentifier"sv,
    "ipClassOfService"sv,
    "minimumTTL"sv,
    "flowEndReason"sv,
};

Item said_by_netflow(const Item& item) {
    const Field& field = all_fields[item.field];
    constexpr std::uint16_t uptime_octets = 4;
    if (field.group == Group::time && field.name.starts_with("flowStart")) {
        return {find_field("flowStartSysUpTime"), uptime_octets};
    }
    if (field.group == Group::time && field.name.starts_with("flowEnd")) {
        return {find_field("flowEndSysUpTime"), uptime_octets};
    }
    return {item.field, field.name == "tcpControlBits" ? flags_octets : item.octets};
}

std::optional<std::string> fault_of(const Item& item) {
    const Field& field = all_fields[item.field];
    if (field.reverse || field.name == "biflowDirection" || field.name.starts_with("responder")) {
        return "a field of one direction: NetFlow sends one record a direction";
    }
    if (field.element.octets == variable_length) {
        return "a field of fixed length: NetFlow knows no texts";
    }
    if (field.element.own) {
        return "an element of IANA's: NetFlow knows no Private Enterprise Numbers";
    }
    return std::nullopt;
}

}  // namespace

std::vector<Item> netflow_default_items() {
    std::vector<Item> items;
    for (const std::string_view word : default_words) {
        const std::size_t index = find_field(word);
        items.push_back(
            {index, word == "tcpControlBits" ? flags_octets : all_fields[index].element.octets});
    }
    return items;
}

tl::expected<std::vector<Item>, WordFault> netflow_items(const std::vector<std::string>& words) {
    if (words.empty()) {
        return netflow_default_items();
    }
    std::vector<Item> items;
    const auto add = [&items](const Item& item) {
        const bool fresh = std::ranges::find(items, item.field, &Item::field) == items.end();
        if (fresh) {
            items.push_back(item);
        }
        return fresh;
    };
    // For its refusals; what each word becomes is looked at one by one.
    if (auto parsed = parse_words(words, TimeUnit::milliseconds); !parsed) {
        return tl::unexpected<WordFault>(std::move(parsed.error()));
    }
    for (std::size_t word = 0; word < words.size(); ++word) {
        if (words[word] == "default") {
            std::ranges::for_each(netflow_default_items(), add);
            continue;
        }
        const auto said = items_of_word(words[word], TimeUnit::milliseconds);
        for (const Item& item : *said) {
            if (auto must = fault_of(item)) {
                return tl::unexpected<WordFault>(WordFault{word, std::move(*must)});
            }
            if (!add(said_by_netflow(item))) {
                return tl::unexpected<WordFault>(
                    WordFault{word, "named once in the list, in one resolution of time"});
            }
        }
    }
    return items;
}

}  // namespace tapmeter::fields
