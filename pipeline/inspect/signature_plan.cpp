#include "pipeline/inspect/signature_plan.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace tapmeter::inspect {

namespace {

using rules::Buffer;
using rules::BufferConditions;
using rules::Content;
using rules::Rule;

// Bodies come behind the heads of their messages.
bool is_late(Buffer buffer) noexcept {
    return buffer == Buffer::http_request_body || buffer == Buffer::http_response_body ||
           buffer == Buffer::file_data;
}

// 0: payload, looked at last; 1: packet headers, never scanned; 2: bodies; 3: other named buffers.
unsigned rank_of(Buffer buffer) noexcept {
    return rules::is_packet_header(buffer) ? 0
           : buffer == Buffer::payload     ? 1
           : is_late(buffer)               ? 2
                                           : 3;
}

std::string fast_part(const Content& content) {
    if (content.fast_length != 0) {
        return content.octets.substr(
            content.fast_offset, std::min<std::size_t>(content.fast_length, literal_octets_max));
    }
    return content.octets.substr(0, literal_octets_max);
}

struct Choice {
    const BufferConditions* buffer = nullptr;
    const Content* content = nullptr;
    const rules::Regex* regex = nullptr;
};

// Of one buffer: the chosen content, else its first positive regular expression.
Choice choose_in(const BufferConditions& conditions) {
    Choice best{.buffer = &conditions};
    unsigned best_rarity = 0;
    for (const rules::Condition& condition : conditions.conditions) {
        const auto* const content = std::get_if<Content>(&condition);
        const auto* const regex = std::get_if<rules::Regex>(&condition);
        if (regex != nullptr && !regex->negated && best.regex == nullptr) {
            best.regex = regex;
        }
        if (content == nullptr || content->negated) {
            continue;
        }
        const unsigned rarity =
            content->fast_pattern ? 0xFFFF'FFFFU : rarity_of(fast_part(*content));
        if (best.content == nullptr || rarity > best_rarity) {
            best.content = content;
            best_rarity = rarity;
        }
    }
    // A transformed buffer is scanned as it came; only what the transformation keeps can be sought.
    if (best.content != nullptr && conditions.transform != rules::Transform::none) {
        return {.buffer = &conditions};
    }
    return best;
}

// The buffer that announces the rule.
Choice choose(const Rule& rule) {
    Choice best;
    const auto score = [](const Choice& choice) {
        const bool has = choice.content != nullptr;
        return std::tuple{choice.buffer == nullptr ? 0U : rank_of(choice.buffer->buffer) + 1,
                          has                       ? 2
                          : choice.regex != nullptr ? 1
                                                    : 0,
                          has && choice.content->fast_pattern,
                          has ? rarity_of(fast_part(*choice.content)) : 0U};
    };
    for (const BufferConditions& conditions : rule.buffers) {
        const Choice choice = choose_in(conditions);
        if (best.buffer == nullptr || score(choice) > score(best)) {
            best = choice;
        }
    }
    return best;
}

void add_literal(SlotPlan& slot, const Content& content, std::uint32_t rule) {
    slot.literals.push_back({fast_part(content), content.nocase, {rule}});
}

std::vector<std::size_t> payload_slots(const Rule& rule) {
    switch (rule.transport) {
        case rules::Transport::tcp:
            return {slot_tcp};
        case rules::Transport::udp:
            return {slot_udp};
        case rules::Transport::ip:
            break;
        default:
            return {slot_other};
    }
    if (rule.application == rules::Application::unknown) {
        return {slot_tcp, slot_udp, slot_other};
    }
    return {slot_tcp, slot_udp};
}

// ".example.org" of a dot_prefix buffer can be sought without its dot in the buffer itself.
bool add_without_dot(ScanPlan& plan, const BufferConditions& conditions, std::uint32_t rule) {
    if (conditions.transform != rules::Transform::dot_prefix) {
        return false;
    }
    for (const rules::Condition& condition : conditions.conditions) {
        const auto* const content = std::get_if<Content>(&condition);
        if (content != nullptr && !content->negated && content->octets.size() > 2 &&
            content->octets.starts_with('.')) {
            Content tail = *content;
            tail.octets.erase(0, 1);
            tail.fast_length = 0;
            add_literal(plan.by_slot[slot_of(conditions.buffer)], tail, rule);
            return true;
        }
    }
    return false;
}

void place(ScanPlan& plan, const Rule& rule, std::uint32_t index) {
    const Choice choice = choose(rule);
    const bool named = choice.buffer != nullptr && rules::is_named(choice.buffer->buffer);
    if (choice.buffer == nullptr || (!named && choice.buffer->buffer != Buffer::payload) ||
        (!named && choice.content == nullptr && choice.regex == nullptr)) {
        plan.every_packet.push_back(index);
        return;
    }
    const std::vector<std::size_t> to =
        named ? std::vector{slot_of(choice.buffer->buffer)} : payload_slots(rule);
    for (const std::size_t slot : to) {
        if (choice.content != nullptr) {
            add_literal(plan.by_slot[slot], *choice.content, index);
        } else if (choice.regex != nullptr) {
            plan.by_slot[slot].expressions.push_back({*choice.regex, index});
        } else if (!add_without_dot(plan, *choice.buffer, index)) {
            plan.by_slot[slot].always.push_back(index);
        }
    }
}

// The same octet again and again, and that in one spelling.
bool is_run(const SlotPlan::Literal& literal) {
    const char first = literal.octets.front();
    const bool is_letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    return !(literal.nocase && is_letter) &&
           literal.octets.find_first_not_of(first) == std::string::npos;
}

// Behind join_equal(): the runs are in order by then.
void take_out_runs(SlotPlan& slot) {
    for (SlotPlan::Literal& literal : slot.literals) {
        if (is_run(literal)) {
            slot.runs.push_back({static_cast<std::byte>(literal.octets.front()),
                                 literal.octets.size(), std::move(literal.rules)});
        }
    }
    std::erase_if(slot.literals, is_run);
    std::ranges::sort(slot.runs, {}, [](const SlotPlan::Run& run) {
        return std::tuple{run.octet, run.length};
    });
}

// Rules with the same literal share it.
void join_equal(SlotPlan& slot) {
    const auto key = [](const SlotPlan::Literal& literal) {
        return std::tie(literal.octets, literal.nocase);
    };
    std::ranges::stable_sort(
        slot.literals, [&](const auto& left, const auto& right) { return key(left) < key(right); });
    std::vector<SlotPlan::Literal> joined;
    for (SlotPlan::Literal& literal : slot.literals) {
        if (!joined.empty() && key(joined.back()) == key(literal)) {
            joined.back().rules.push_back(literal.rules.front());
        } else {
            joined.push_back(std::move(literal));
        }
    }
    slot.literals = std::move(joined);
}

}  // namespace

unsigned rarity_of(const std::string& octets) noexcept {
    // By kind of octet: letters are commonest, then other text and fillers, then the rest; a
    // repeated octet adds little.
    std::array<bool, 256> seen{};
    unsigned score = 0;
    for (const char c : octets) {
        const auto octet = static_cast<unsigned char>(c);
        const bool letter = (octet | 0x20U) >= 'a' && (octet | 0x20U) <= 'z';
        const bool text = octet >= 0x20 && octet < 0x7F;
        const bool filler = octet <= 1 || octet == 0xFF;
        score += seen.at(octet) ? 1U : letter ? 3U : text || filler ? 4U : 6U;
        seen.at(octet) = true;
    }
    return score;
}

ScanPlan plan_scans(const std::vector<Rule>& rules) {
    ScanPlan plan;
    for (std::uint32_t index = 0; index < rules.size(); ++index) {
        place(plan, rules[index], index);
        for (const BufferConditions& conditions : rules[index].buffers) {
            plan.looked_at[rules::index_of(conditions.buffer)] = true;
        }
    }
    for (SlotPlan& slot : plan.by_slot) {
        join_equal(slot);
        take_out_runs(slot);
        plan.literals += slot.literals.size() + slot.runs.size();
        plan.expressions += slot.expressions.size();
    }
    return plan;
}

void look_always(ScanPlan& plan, std::size_t slot, std::uint32_t rule) {
    if (slot >= slot_buffers) {
        plan.by_slot[slot].always.push_back(rule);
    } else if (std::ranges::find(plan.every_packet, rule) == plan.every_packet.end()) {
        plan.every_packet.push_back(rule);
    }
}

}  // namespace tapmeter::inspect
