#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/rules/lexer.h"
#include "pipeline/inspect/rules/rule.h"

// One handler for each keyword, in tables by kind of keyword.
namespace tapmeter::inspect::rules {

// A rule in the making.
struct Draft {
    Rule rule;
    // Where contents go: the last sticky buffer.
    Buffer sticky = Buffer::payload;
    // The content that modifiers speak of.
    struct LastContent {
        Buffer buffer = Buffer::payload;
        std::size_t index = 0;
    };
    std::optional<LastContent> last_content{};
    // Where the last content or pcre went: relative conditions without a sticky buffer follow it.
    Buffer last_buffer = Buffer::payload;
    std::vector<std::string> extracted{};  // names of byte_extract; an operand holds the index
    std::size_t contents = 0;
};

using Handler = Parsed<void> (*)(Draft&, const Option&);

struct Keyword {
    std::string_view name;
    Handler handler;
};

std::span<const Keyword> description_keywords() noexcept;  // msg, sid, reference, metadata, ...
std::span<const Keyword> content_keywords() noexcept;      // content, its modifiers, pcre, bsize
std::span<const Keyword> octet_keywords() noexcept;        // isdataat, byte_test, byte_jump, ...
std::span<const Keyword> header_keywords() noexcept;       // ttl, flags, itype, dsize, ipopts, ...
std::span<const Keyword> flow_keywords() noexcept;         // flow, flowbits, threshold, ...

// The conditions on `buffer`, made where there are none yet.
BufferConditions& conditions_of(Draft& draft, Buffer buffer);

// Adds a condition on the current sticky buffer.
void add_condition(Draft& draft, Condition condition);

// Adds a condition that looks from the last match on: on that match's buffer.
void add_relative(Draft& draft, Condition condition);

// A number, or the name of a byte_extract that stands before.
Parsed<Operand> parse_operand(const Draft& draft, std::string_view text, std::string_view what);

// The description of a classtype and its priority (Suricata's classification.config).
struct ClassType {
    std::string_view name;
    std::string_view description;
    std::uint8_t priority;
};
const ClassType* find_class_type(std::string_view name) noexcept;

}  // namespace tapmeter::inspect::rules
