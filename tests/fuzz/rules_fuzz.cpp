// Any octets are a file of rules. What is read must have a sid and keep its limits; what is left
// out must say where and why.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/inspect/rules/parse.h"
#include "pipeline/inspect/rules/rule_files.h"

namespace {

using namespace tapmeter::inspect::rules;

void must(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool in_order(const AddressSet& set) {
    const AddressSet::Range* before = nullptr;
    for (const AddressSet::Range& range : set.ranges()) {
        if (range.last < range.first || (before != nullptr && range.first <= before->last)) {
            return false;
        }
        before = &range;
    }
    return true;
}

void check(const Rule& rule) {
    must(rule.sid != 0 && rule.priority != 0);
    must(in_order(rule.source) && in_order(rule.destination));
    for (const BufferConditions& conditions : rule.buffers) {
        must(!conditions.conditions.empty());
        for (const Condition& condition : conditions.conditions) {
            const auto* const content = std::get_if<Content>(&condition);
            must(content == nullptr ||
                 (!content->octets.empty() && content->octets.size() <= content_octets_max));
            must(content == nullptr || std::size_t{content->fast_offset} + content->fast_length <=
                                           content->octets.size());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto variables = with_defaults({});
    const std::string text{reinterpret_cast<const char*>(data), size};
    RuleSet set;
    parse_rules(text, "fuzz.rules", variables, set);
    settle(set);
    for (const Rule& rule : set.rules) {
        check(rule);
    }
    for (const LeftOut& left_out : set.left_out) {
        must(!left_out.why.empty() && !left_out.subject.empty());
        must(left_out.place.line != 0 && left_out.place.column != 0);
    }
    return 0;
}
