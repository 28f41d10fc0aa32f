#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/rules/rule.h"
#include "pipeline/inspect/signature_regex.h"

namespace tapmeter::inspect {

// One condition of a rule as the verifier runs it.
struct Step {
    rules::Condition condition;
    std::optional<RegexCode> regex{};  // where the condition is one
};

// The conditions on one buffer, in the rule's order.
struct BufferSteps {
    rules::Buffer buffer = rules::Buffer::payload;
    rules::Transform transform = rules::Transform::none;
    // Some position or value comes from byte_extract: no match may be taken for final early.
    bool has_variables = false;
    std::vector<Step> steps;
};

// errors  in words: a regular expression that PCRE2 refuses
rules::Parsed<BufferSteps> steps_of(const rules::BufferConditions& conditions);

// Decides whether a buffer meets a rule's conditions on it, all of them: where a later condition
// is relative to an earlier match and fails, the earlier one is looked for again further on, until
// no place is left. One for each worker; bounded work, no allocation.
class Verifier {
public:
    // Attempts at conditions for one buffer of one rule; then the buffer counts as no match.
    static constexpr unsigned attempts_max = 3'000;

    bool matches(const BufferSteps& steps, Bytes buffer) noexcept;

    // Buffers that were given up at a limit.
    std::uint64_t gave_up() const noexcept { return gave_up_ + regexes_.gave_up(); }

private:
    using Variables = std::array<std::uint64_t, rules::variables_per_rule_max>;
    // The end of the last match, and what byte_extract has read.
    struct State {
        std::size_t last = 0;
        Variables variables{};
    };
    // A match that may be given up for the next one.
    struct Choice {
        std::size_t step = 0;
        std::size_t retry_from = 0;
        State before{};
    };
    // What a condition said. `again`: another match may be found from there on.
    struct Outcome {
        bool holds = false;
        std::optional<std::size_t> again{};
    };

    Bytes transformed(rules::Transform transform, Bytes buffer) noexcept;
    bool run(const BufferSteps& steps, Bytes buffer) noexcept;
    Outcome attempt(const Step& step, Bytes buffer, std::size_t retry_from) noexcept;

    Outcome check(const rules::Content& content, Bytes buffer, std::size_t retry_from) noexcept;
    Outcome check_regex(const Step& step, Bytes buffer, std::size_t retry_from) noexcept;
    bool check(const rules::DataAt& test, Bytes buffer) const noexcept;
    bool check(const rules::ByteTest& test, Bytes buffer) const noexcept;
    bool check(const rules::ByteJump& jump, Bytes buffer) noexcept;
    bool check(const rules::ByteExtract& extract, Bytes buffer) noexcept;

    std::int64_t value_of(const rules::Operand& operand) const noexcept;
    // Where the reading begins; none where that lies outside.
    std::optional<Bytes> octets_of(const rules::Reading& reading, std::size_t octets,
                                   Bytes buffer) const noexcept;

    static constexpr std::size_t transformed_octets_max = 4'096;

    State state_{};
    std::array<Choice, rules::contents_per_rule_max> choices_{};
    std::size_t choices_count_ = 0;
    RegexMatcher regexes_;
    std::uint64_t gave_up_ = 0;
    std::array<std::byte, transformed_octets_max> room_{};
};

}  // namespace tapmeter::inspect
