#include <algorithm>
#include <array>

#include "pipeline/inspect/rules/group.h"
#include "pipeline/inspect/rules/keywords.h"
#include "pipeline/inspect/rules/numbers.h"

// What a rule asks of the flow of a packet, and of how often it has matched.
namespace tapmeter::inspect::rules {

namespace {

constexpr std::size_t name_octets_max = 128;
constexpr std::int64_t count_max = 0xFFFF'FFFF;

Parsed<void> flow(Draft& draft, const Option& option) {
    struct Word {
        std::string_view word;
        bool FlowTest::*member;
    };
    constexpr std::array words{
        Word{"established", &FlowTest::established},
        Word{"not_established", &FlowTest::not_established},
        Word{"to_server", &FlowTest::to_server},
        Word{"from_client", &FlowTest::to_server},
        Word{"to_client", &FlowTest::to_client},
        Word{"from_server", &FlowTest::to_client},
        Word{"only_stream", &FlowTest::only_stream},
        Word{"no_stream", &FlowTest::no_stream},
        Word{"stateless", nullptr},
    };
    FlowTest& test = draft.rule.flow;
    for (const std::string_view part : split_list(option.value)) {
        const auto* const word = std::ranges::find(words, part, &Word::word);
        if (word == words.end()) {
            return refused("flow's word \"" + std::string(part) + "\" is not supported");
        }
        if (word->member != nullptr) {
            test.*word->member = true;
        }
    }
    if ((test.to_server && test.to_client) || (test.established && test.not_established) ||
        (test.only_stream && test.no_stream)) {
        return refused("flow's words contradict each other");
    }
    return {};
}

Parsed<void> flowbits(Draft& draft, const Option& option) {
    struct Word {
        std::string_view word;
        Flowbit::Operation operation;
    };
    using enum Flowbit::Operation;
    constexpr std::array words{Word{"set", set}, Word{"unset", unset}, Word{"toggle", toggle},
                               Word{"isset", is_set}, Word{"isnotset", is_not_set}};
    if (option.value == "noalert") {
        draft.rule.no_alert = true;
        return {};
    }
    const auto parts = split_list(option.value);
    const auto* const word = std::ranges::find(words, parts[0], &Word::word);
    if (parts.size() != 2 || word == words.end()) {
        return refused(
            "flowbits takes set, unset, toggle, isset or isnotset and a name; or "
            "noalert");
    }
    Flowbit made{.operation = word->operation, .names = {}};
    for (const std::string_view name : split_list(parts[1], '|')) {
        if (name.empty() || name.size() > name_octets_max) {
            return refused("a flowbit's name must have 1 to " + std::to_string(name_octets_max) +
                           " characters");
        }
        made.names.emplace_back(name);
    }
    if (made.names.size() > 1 && made.operation != is_set && made.operation != is_not_set) {
        return refused("only isset and isnotset take several names");
    }
    draft.rule.flowbits.push_back(std::move(made));
    return {};
}

Parsed<void> read_threshold_word(Threshold& threshold, std::string_view part) {
    struct Kind {
        std::string_view word;
        Threshold::Kind kind;
    };
    struct Track {
        std::string_view word;
        Threshold::Track track;
    };
    constexpr std::array kinds{Kind{"limit", Threshold::Kind::limit},
                               Kind{"threshold", Threshold::Kind::threshold},
                               Kind{"both", Threshold::Kind::both}};
    constexpr std::array tracks{Track{"by_src", Threshold::Track::by_source},
                                Track{"by_dst", Threshold::Track::by_destination},
                                Track{"by_both", Threshold::Track::by_both},
                                Track{"by_rule", Threshold::Track::by_rule},
                                Track{"by_flow", Threshold::Track::by_flow}};
    const std::size_t blank = std::min(part.find_first_of(" \t"), part.size());
    const std::string_view word = part.substr(0, blank);
    const std::string_view value = trimmed(part.substr(blank));
    if (word == "count" || word == "seconds") {
        const auto number = parse_number(value, {word, 1, count_max});
        if (!number) {
            return refused(number.error());
        }
        (word == "count" ? threshold.count : threshold.seconds) =
            static_cast<std::uint32_t>(*number);
        return {};
    }
    const auto* const kind = std::ranges::find(kinds, value, &Kind::word);
    if (word == "type" && kind != kinds.end()) {
        threshold.kind = kind->kind;
        return {};
    }
    const auto* const track = std::ranges::find(tracks, value, &Track::word);
    if (word == "track" && track != tracks.end()) {
        threshold.track = track->track;
        return {};
    }
    return refused("\"" + std::string(part) +
                   "\" is not supported: use type, track, count and "
                   "seconds");
}

Parsed<void> threshold(Draft& draft, const Option& option) {
    if (draft.rule.threshold) {
        return refused("the rule has two of threshold and detection_filter; one is possible");
    }
    Threshold made;
    if (option.keyword == "detection_filter") {
        made.kind = Threshold::Kind::detection_filter;
    }
    for (const std::string_view part : split_list(option.value)) {
        if (auto done = read_threshold_word(made, part); !done) {
            return done;
        }
    }
    draft.rule.threshold = made;
    return {};
}

Parsed<void> application_protocol(Draft& draft, const Option& option) {
    std::string_view word = option.value;
    const bool negated = word.starts_with('!');
    word = negated ? trimmed(word.substr(1)) : word;
    const auto application = parse_application(word);
    if (!application) {
        return refused("the application \"" + std::string(word) + "\" is not known here");
    }
    draft.rule.application_tests.push_back({*application, negated});
    return {};
}

Parsed<void> stream_size(Draft& draft, const Option& option) {
    struct Side {
        std::string_view word;
        Field field;
    };
    constexpr std::array sides{
        Side{"client", Field::stream_octets_client}, Side{"server", Field::stream_octets_server},
        Side{"either", Field::stream_octets_either}, Side{"both", Field::stream_octets_both}};
    const auto parts = split_list(option.value);
    const auto* const side = std::ranges::find(sides, parts[0], &Side::word);
    if (parts.size() != 3 || side == sides.end()) {
        return refused("stream_size takes client, server, either or both; a comparison; a number");
    }
    const std::string comparison = parts[1] == "!=" ? "!" : std::string(parts[1]);
    const auto bounds =
        parse_bounds(comparison + std::string(parts[2]), {"stream_size", 0, count_max});
    if (!bounds) {
        return refused(bounds.error());
    }
    draft.rule.tests.push_back({side->field, *bounds});
    return {};
}

constexpr std::array keywords{
    Keyword{"flow", flow},
    Keyword{"flowbits", flowbits},
    Keyword{"threshold", threshold},
    Keyword{"detection_filter", threshold},
    Keyword{"app-layer-protocol", application_protocol},
    Keyword{"stream_size", stream_size},
};

}  // namespace

std::span<const Keyword> flow_keywords() noexcept {
    return keywords;
}

}  // namespace tapmeter::inspect::rules
