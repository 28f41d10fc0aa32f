#include "pipeline/inspect/rules/parse.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/keywords.h"

namespace tapmeter::inspect::rules {

namespace {

using Cause = LeftOut::Cause;

struct ProtocolName {
    std::string_view name;
    Transport transport;
    std::uint8_t ip_version = 0;
    bool packet_only = false;
    bool stream_only = false;
};
constexpr std::array protocol_names{
    ProtocolName{"ip", Transport::ip},
    ProtocolName{"ipv4", Transport::ip, 4},
    ProtocolName{"ip4", Transport::ip, 4},
    ProtocolName{"ipv6", Transport::ip, 6},
    ProtocolName{"ip6", Transport::ip, 6},
    ProtocolName{"tcp", Transport::tcp},
    ProtocolName{"tcp-pkt", Transport::tcp, 0, true, false},
    ProtocolName{"tcp-stream", Transport::tcp, 0, false, true},
    ProtocolName{"udp", Transport::udp},
    ProtocolName{"icmp", Transport::icmp},
    ProtocolName{"icmpv4", Transport::icmp, 4},
    ProtocolName{"icmpv6", Transport::icmp, 6},
    ProtocolName{"sctp", Transport::sctp},
};

struct Fault {
    Cause cause = Cause::malformed;
    std::string subject;
    std::string why;
    std::size_t at = 0;
};
using Step = tl::expected<void, Fault>;

tl::unexpected<Fault> fault(Fault what) {
    return tl::unexpected<Fault>(std::move(what));
}

std::size_t offset_of(std::string_view word, std::string_view text) {
    return static_cast<std::size_t>(word.data() - text.data());
}

Step read_action(std::string_view word, Rule& rule) {
    constexpr std::array<std::string_view, 4> actions{"alert", "pass", "drop", "reject"};
    const auto* const found = std::ranges::find(actions, word);
    if (found == actions.end()) {
        return fault({Cause::unsupported, "action",
                      "the action \"" + std::string(word) +
                          "\" is not supported: use alert, pass, drop or reject",
                      0});
    }
    rule.action = static_cast<Action>(found - actions.begin());
    return {};
}

Step read_protocol(std::string_view word, Rule& rule) {
    const auto* const found = std::ranges::find(protocol_names, word, &ProtocolName::name);
    if (found != protocol_names.end()) {
        rule.transport = found->transport;
        rule.ip_version = found->ip_version;
        rule.packet_only = found->packet_only;
        rule.stream_only = found->stream_only;
        return {};
    }
    const auto application = parse_application(word);
    if (!application) {
        return fault({Cause::unsupported, "protocol " + std::string(word),
                      "the protocol \"" + std::string(word) + "\" is not supported", 0});
    }
    rule.application = *application;
    return {};
}

// Addresses, ports and direction: the five words behind the protocol.
Step read_ends(const Lexed& lexed, Variables variables, Rule& rule) {
    const auto& words = lexed.header;
    if (words[4] != "->" && words[4] != "<>") {
        return fault({Cause::malformed, "direction",
                      "the direction \"" + std::string(words[4]) + "\" must be -> or <>", 4});
    }
    rule.both_ways = words[4] == "<>";
    for (const std::size_t at : {std::size_t{2}, std::size_t{5}}) {
        auto addresses = parse_addresses(words[at], variables);
        if (!addresses) {
            return fault({Cause::malformed, "address", addresses.error(), at});
        }
        (at == 2 ? rule.source : rule.destination) = std::move(*addresses);
        auto ports = parse_ports(words[at + 1], variables);
        if (!ports) {
            return fault({Cause::malformed, "port", ports.error(), at + 1});
        }
        (at == 2 ? rule.source_port : rule.destination_port) = std::move(*ports);
    }
    return {};
}

const Keyword* find_keyword(std::string_view name) {
    for (const auto table : {description_keywords(), content_keywords(), octet_keywords(),
                             header_keywords(), flow_keywords()}) {
        const auto found = std::ranges::find(table, name, &Keyword::name);
        if (found != table.end()) {
            return &*found;
        }
    }
    return nullptr;
}

Step read_options(const Lexed& lexed, Draft& draft) {
    for (const Option& option : lexed.options) {
        const Keyword* const keyword = find_keyword(option.keyword);
        const std::string name{option.keyword.substr(0, 64)};
        if (keyword == nullptr) {
            return fault({Cause::unsupported, name, "the keyword \"" + name + "\" is not supported",
                          option.at});
        }
        if (auto done = keyword->handler(draft, option); !done) {
            return fault({Cause::malformed, name, name + ": " + done.error(), option.at});
        }
    }
    return {};
}

bool looks_into(const Rule& rule, Buffer buffer) {
    return std::ranges::any_of(rule.buffers, [buffer](const BufferConditions& conditions) {
        return conditions.buffer == buffer;
    });
}

Step check_whole(Rule& rule) {
    std::erase_if(rule.buffers,
                  [](const BufferConditions& conditions) { return conditions.conditions.empty(); });
    if (rule.sid == 0) {
        return fault({Cause::malformed, "sid", "the rule has no sid", 0});
    }
    if ((rule.stream_only || rule.flow.only_stream) && rule.packet_only) {
        return fault({Cause::malformed, "flow", "a tcp-pkt rule cannot look at streams only", 0});
    }
    const bool looks_at_payload = looks_into(rule, Buffer::payload);
    if ((rule.stream_only || rule.flow.only_stream) && !looks_at_payload) {
        rule.stream_only = false;  // there is nothing to look for in the stream
        rule.flow.only_stream = false;
    }
    rule.stream_only = rule.stream_only || rule.flow.only_stream;
    rule.packet_only = rule.packet_only || rule.flow.no_stream;
    return {};
}

tl::expected<Rule, Fault> read_rule(std::string_view text, Variables variables,
                                    std::uint32_t& sid) {
    const auto lexed = lex(text);
    if (!lexed) {
        return fault({Cause::malformed, "syntax", lexed.error().why, lexed.error().at});
    }
    Draft draft;
    const auto in_header = [&](Step step) -> Step {
        if (!step && step.error().at < lexed->header.size()) {
            step.error().at = offset_of(lexed->header[step.error().at], text);
        }
        return step;
    };
    Step step = in_header(read_action(lexed->header[0], draft.rule));
    if (step) {
        step = read_protocol(lexed->header[1], draft.rule);
        if (!step) {
            step.error().at = offset_of(lexed->header[1], text);
        }
    }
    if (step) {
        step = in_header(read_ends(*lexed, variables, draft.rule));
    }
    if (step) {
        step = read_options(*lexed, draft);
    }
    if (step) {
        step = check_whole(draft.rule);
    }
    sid = draft.rule.sid;
    if (!step) {
        return tl::unexpected<Fault>(std::move(step.error()));
    }
    return std::move(draft.rule);
}

auto identity_of(const Rule& rule) {
    return std::tuple{rule.gid, rule.sid};
}

}  // namespace

std::string text_of(const LeftOut& left_out) {
    return left_out.place.file + ":" + std::to_string(left_out.place.line) + ":" +
           std::to_string(left_out.place.column) + ": " + left_out.why +
           (left_out.sid == 0 ? "" : " (sid " + std::to_string(left_out.sid) + ")");
}

tl::expected<Rule, LeftOut> parse_rule(const RuleText& text, std::string_view file,
                                       Variables variables) {
    std::uint32_t sid = 0;
    auto rule = read_rule(text.text, variables, sid);
    if (!rule) {
        Fault& why = rule.error();
        const LineColumn at = place_of(text, why.at);
        return tl::unexpected<LeftOut>(LeftOut{{std::string(file), at.line, at.column},
                                               why.cause,
                                               std::move(why.subject),
                                               std::move(why.why),
                                               sid});
    }
    rule->place = {std::string(file), text.line, 1};
    return std::move(*rule);
}

void parse_rules(std::string_view octets, std::string_view file, Variables variables, RuleSet& to) {
    RuleReader reader{octets};
    while (const auto text = reader.next()) {
        auto rule = parse_rule(*text, file, variables);
        if (rule) {
            to.rules.push_back(std::move(*rule));
        } else {
            to.left_out.push_back(std::move(rule.error()));
        }
    }
}

void settle(RuleSet& set) {
    std::vector<std::size_t> order(set.rules.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    // Of each identity the one that stays comes last.
    std::ranges::stable_sort(order, [&](std::size_t left, std::size_t right) {
        const auto key = [&](std::size_t i) {
            return std::tuple_cat(identity_of(set.rules[i]), std::tuple{set.rules[i].rev});
        };
        return key(left) < key(right);
    });
    std::vector<bool> stays(set.rules.size(), true);
    for (std::size_t i = 1; i < order.size(); ++i) {
        stays[order[i - 1]] =
            identity_of(set.rules[order[i - 1]]) != identity_of(set.rules[order[i]]);
    }
    std::vector<Rule> kept;
    for (std::size_t i = 0; i < set.rules.size(); ++i) {
        Rule& rule = set.rules[i];
        if (stays[i] && kept.size() < rules_max) {
            kept.push_back(std::move(rule));
            continue;
        }
        const std::string name = std::to_string(rule.gid) + ":" + std::to_string(rule.sid) +
                                 " rev " + std::to_string(rule.rev);
        set.left_out.push_back(
            stays[i]
                ? LeftOut{rule.place, Cause::too_many, "rules",
                          "more than " + std::to_string(rules_max) +
                              " rules; split them over several machines",
                          rule.sid}
                : LeftOut{rule.place, Cause::duplicate, "sid",
                          "rule " + name + " stands in another place with the same or a higher rev",
                          rule.sid});
    }
    set.rules = std::move(kept);
}

}  // namespace tapmeter::inspect::rules
