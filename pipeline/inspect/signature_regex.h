#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect {

// The most work that one attempt of one regular expression may cost (pcre2_set_match_limit).
inline constexpr std::uint32_t regex_match_limit = 10'000;

// A regular expression, compiled to machine code by PCRE2. Immutable; any thread.
class RegexCode {
public:
    // errors  in words: what PCRE2 says and where in the pattern
    static rules::Parsed<RegexCode> compile(const rules::Regex& regex);

    RegexCode(RegexCode&& other) noexcept;
    RegexCode& operator=(RegexCode&& other) noexcept;
    RegexCode(const RegexCode&) = delete;
    RegexCode& operator=(const RegexCode&) = delete;
    ~RegexCode();

private:
    friend class RegexMatcher;
    struct Code;
    explicit RegexCode(std::unique_ptr<Code> code) noexcept;
    std::unique_ptr<Code> code_;
};

// Runs regular expressions for one worker: holds what a match needs, so that none allocates.
class RegexMatcher {
public:
    struct Match {
        std::size_t begin = 0;
        std::size_t end = 0;
    };

    RegexMatcher();
    RegexMatcher(RegexMatcher&& other) noexcept;
    RegexMatcher& operator=(RegexMatcher&& other) noexcept;
    RegexMatcher(const RegexMatcher&) = delete;
    RegexMatcher& operator=(const RegexMatcher&) = delete;
    ~RegexMatcher();

    // The first match that begins at or behind `from`; none also where the limit was reached,
    // which gave_up() counts.
    std::optional<Match> find(const RegexCode& code, Bytes subject, std::size_t from) noexcept;

    std::uint64_t gave_up() const noexcept { return gave_up_; }

private:
    struct Room;
    std::unique_ptr<Room> room_;
    std::uint64_t gave_up_ = 0;
};

}  // namespace tapmeter::inspect
