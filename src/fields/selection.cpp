#include "src/fields/selection.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tapmeter::fields {
namespace {

using namespace std::string_view_literals;

struct Alias {
    std::string_view word;
    std::array<std::string_view, 2> fields;
};
constexpr std::array aliases{
    Alias{"sourceAddress", {"sourceIPv4Address", "sourceIPv6Address"}},
    Alias{"destinationAddress", {"destinationIPv4Address", "destinationIPv6Address"}},
    Alias{"icmpTypeCode", {"icmpTypeCodeIPv4", "icmpTypeCodeIPv6"}},
};

// In the order of src/exporting/flow_fields.h, which a test compares.
constexpr std::array default_words{
    "octetDeltaCount"sv,
    "packetDeltaCount"sv,
    "reverseOctetDeltaCount"sv,
    "reversePacketDeltaCount"sv,
    "layer2OctetDeltaCount"sv,
    "reverseLayer2OctetDeltaCount"sv,
    "flowId"sv,
    "sourceIPv4Address"sv,
    "destinationIPv4Address"sv,
    "sourceIPv6Address"sv,
    "destinationIPv6Address"sv,
    "ingressInterface"sv,
    "sourceTransportPort"sv,
    "destinationTransportPort"sv,
    "icmpTypeCodeIPv4"sv,
    "icmpTypeCodeIPv6"sv,
    "tcpControlBits"sv,
    "reverseTcpControlBits"sv,
    "dot1qVlanId"sv,
    "dot1qCustomerVlanId"sv,
    "protocolIdentifier"sv,
    "ipClassOfService"sv,
    "reverseIpClassOfService"sv,
    "minimumTTL"sv,
    "reverseMinimumTTL"sv,
    "flowEndReason"sv,
    "biflowDirection"sv,
};

constexpr std::array words_of_others{
    "sourceIPv4PrefixLength"sv,      "destinationIPv4PrefixLength"sv, "sourceIPv6PrefixLength"sv,
    "destinationIPv6PrefixLength"sv, "flowSelectorAlgorithm"sv,       "samplingProbability"sv,
};

Item whole(std::size_t field) {
    return {field, all_fields[field].element.octets};
}

// Speaks of the other direction, or of both at once.
bool is_of_reverse(const Field& field) {
    return field.reverse || field.name.starts_with("reverse") || field.name == "biflowDirection" ||
           field.name == "responderOctets" || field.name == "responderPackets";
}

// "octetDeltaCount/4"
tl::expected<Item, std::string> parse_one(std::string_view word) {
    const std::size_t slash = word.find('/');
    const std::size_t index = find_field(word.substr(0, slash));
    if (index == no_field) {
        return tl::unexpected<std::string>(
            "the name of an information element (tapmeter-fields(7)), \"default\", "
            "\"sourceAddress\", \"destinationAddress\" or \"icmpTypeCode\"");
    }
    if (all_fields[index].group == Group::netflow) {
        return tl::unexpected<std::string>(
            "an absolute time such as \"flowStartMilliseconds\": NetFlow version 9 makes this of "
            "it");
    }
    Item item = whole(index);
    if (slash == std::string_view::npos) {
        return item;
    }
    const std::string_view digits = word.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), item.octets);
    const bool number = error == std::errc{} && end == digits.data() + digits.size();
    if (all_fields[index].group != Group::counters || !number || item.octets < 1 ||
        item.octets > whole(index).octets) {
        return tl::unexpected<std::string>(
            "without a size, or a counter with a size of 1 to 8 octets, such as "
            "\"octetDeltaCount/4\"");
    }
    return item;
}

}  // namespace

bool has(Presence presence, const FlowKind& kind) noexcept {
    const bool v4 = kind.ip_version == 4;
    switch (presence) {
        case Presence::all:
            return true;
        case Presence::ipv4:
            return v4;
        case Presence::ipv6:
            return !v4;
        case Presence::with_ports:
            return !kind.icmp;
        case Presence::icmpv4:
            return kind.icmp && v4;
        case Presence::icmpv6:
            return kind.icmp && !v4;
        case Presence::others:
            return kind.stands_for_others;
        case Presence::others_ipv4:
            return kind.stands_for_others && v4;
        case Presence::others_ipv6:
            return kind.stands_for_others && !v4;
    }
    return false;
}

tl::expected<std::vector<Item>, std::string> items_of_word(std::string_view word, TimeUnit unit) {
    if (word == "default") {
        return default_items(unit, false, true);
    }
    if (const auto* alias = std::ranges::find(aliases, word, &Alias::word);
        alias != aliases.end()) {
        return std::vector{whole(find_field(alias->fields[0])),
                           whole(find_field(alias->fields[1]))};
    }
    auto item = parse_one(word);
    if (!item) {
        return tl::unexpected<std::string>(std::move(item.error()));
    }
    return std::vector{*item};
}

tl::expected<std::vector<Item>, WordFault> parse_words(const std::vector<std::string>& words,
                                                       TimeUnit unit) {
    std::vector<Item> items;
    const auto refused = [](std::size_t word, std::string must) {
        return tl::unexpected<WordFault>(WordFault{word, std::move(must)});
    };
    for (std::size_t index = 0; index < words.size(); ++index) {
        auto more = items_of_word(words[index], unit);
        if (!more) {
            return refused(index, std::move(more.error()));
        }
        for (const Item& item : *more) {
            if (std::ranges::find(items, item.field, &Item::field) != items.end()) {
                return refused(index, "named once in the list");
            }
            items.push_back(item);
        }
    }
    if (items.size() > words_max) {
        return refused(0, "part of a list of at most " + std::to_string(words_max) + " fields");
    }
    for (const FlowKind& kind : all_flow_kinds) {
        const bool any = std::ranges::any_of(items, [&kind](const Item& item) {
            return has(all_fields[item.field].presence, kind);
        });
        if (!any) {
            return refused(0, std::string("part of a list that has a field for every flow: none "
                                          "here is for ") +
                                  (kind.icmp ? "ICMP over " : "") + "IPv" +
                                  std::to_string(kind.ip_version));
        }
    }
    return items;
}

std::vector<Item> default_items(TimeUnit unit, bool quirk_nfdump, bool biflow) {
    constexpr std::array starts{"flowStartMilliseconds"sv, "flowStartMicroseconds"sv,
                                "flowStartNanoseconds"sv};
    constexpr std::array ends{"flowEndMilliseconds"sv, "flowEndMicroseconds"sv,
                              "flowEndNanoseconds"sv};
    const auto resolution = static_cast<std::size_t>(unit);
    std::vector<Item> items{whole(find_field(starts[resolution])),
                            whole(find_field(ends[resolution]))};
    for (const std::string_view word : default_words) {
        if (!quirk_nfdump || word != "reverseTcpControlBits") {
            items.push_back(whole(find_field(word)));
        }
    }
    return biflow ? items : forward_only(items);
}

std::vector<Item> items_for(const FlowKind& kind, const std::vector<Item>& items) {
    std::vector<Item> mine;
    std::ranges::copy_if(items, std::back_inserter(mine), [&kind](const Item& item) {
        return has(all_fields[item.field].presence, kind);
    });
    for (const std::string_view word : words_of_others) {
        const std::size_t index = find_field(word);
        if (has(all_fields[index].presence, kind) &&
            std::ranges::find(mine, index, &Item::field) == mine.end()) {
            mine.push_back(whole(index));
        }
    }
    return mine;
}

std::vector<Item> in_full(std::vector<Item> items) {
    for (Item& item : items) {
        const bool counter = all_fields[item.field].group == Group::counters;
        item = counter ? whole(item.field) : item;
    }
    return items;
}

std::vector<Item> forward_only(const std::vector<Item>& items) {
    std::vector<Item> forward;
    std::ranges::copy_if(items, std::back_inserter(forward),
                         [](const Item& item) { return !is_of_reverse(all_fields[item.field]); });
    return forward;
}

}  // namespace tapmeter::fields
