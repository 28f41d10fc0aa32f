#include "pipeline/inspect/signature_regex.h"

#include <pcre2.h>

#include <array>
#include <string>
#include <utility>

#include "pipeline/base/expects.h"

namespace tapmeter::inspect {

namespace {

constexpr std::size_t machine_stack_octets = std::size_t{256} << 10U;
constexpr std::uint32_t nesting_max = 120;

struct Flag {
    bool rules::Regex::*member;
    std::uint32_t option;
};
constexpr std::array flags{
    Flag{&rules::Regex::caseless, PCRE2_CASELESS},
    Flag{&rules::Regex::multiline, PCRE2_MULTILINE},
    Flag{&rules::Regex::dot_all, PCRE2_DOTALL},
    Flag{&rules::Regex::extended, PCRE2_EXTENDED},
    Flag{&rules::Regex::anchored, PCRE2_ANCHORED},
    Flag{&rules::Regex::dollar_end_only, PCRE2_DOLLAR_ENDONLY},
    Flag{&rules::Regex::ungreedy, PCRE2_UNGREEDY},
};

PCRE2_SPTR text_of(const std::string& text) {
    // NOLINTNEXTLINE(*-reinterpret-cast): octets, as PCRE2 names them
    return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

struct RegexCode::Code {
    pcre2_code* code = nullptr;

    explicit Code(pcre2_code* made) noexcept : code(made) {}
    Code(const Code&) = delete;
    Code& operator=(const Code&) = delete;
    ~Code() { pcre2_code_free(code); }
};

RegexCode::RegexCode(std::unique_ptr<Code> code) noexcept : code_(std::move(code)) {}
RegexCode::RegexCode(RegexCode&&) noexcept = default;
RegexCode& RegexCode::operator=(RegexCode&&) noexcept = default;
RegexCode::~RegexCode() = default;

rules::Parsed<RegexCode> RegexCode::compile(const rules::Regex& regex) {
    std::uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
    for (const Flag& flag : flags) {
        options |= regex.*flag.member ? flag.option : 0U;
    }
    const std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> context{
        pcre2_compile_context_create(nullptr), &pcre2_compile_context_free};
    pcre2_set_parens_nest_limit(context.get(), nesting_max);
    int error = 0;
    PCRE2_SIZE at = 0;
    auto code = std::make_unique<Code>(pcre2_compile(text_of(regex.pattern), regex.pattern.size(),
                                                     options, &error, &at, context.get()));
    if (code->code == nullptr) {
        std::array<PCRE2_UCHAR, 256> words{};
        const int length = pcre2_get_error_message(error, words.data(), words.size());
        const std::string why(words.begin(), words.begin() + (length < 0 ? 0 : length));
        return rules::refused("the regular expression is wrong at its character " +
                              std::to_string(at) + ": " + why);
    }
    if (pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE) != 0) {
        // Interpreted, it could allocate and take its time on a worker.
        return rules::refused("the regular expression cannot be compiled to machine code");
    }
    return RegexCode{std::move(code)};
}

struct RegexMatcher::Room {
    pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
    pcre2_match_context* context = pcre2_match_context_create(nullptr);
    pcre2_jit_stack* stack =
        pcre2_jit_stack_create(machine_stack_octets, machine_stack_octets, nullptr);

    Room() {
        expects(data != nullptr && context != nullptr && stack != nullptr);
        pcre2_set_match_limit(context, regex_match_limit);
        pcre2_jit_stack_assign(context, nullptr, stack);
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() {
        pcre2_jit_stack_free(stack);
        pcre2_match_context_free(context);
        pcre2_match_data_free(data);
    }
};

RegexMatcher::RegexMatcher() : room_(std::make_unique<Room>()) {}
RegexMatcher::RegexMatcher(RegexMatcher&&) noexcept = default;
RegexMatcher& RegexMatcher::operator=(RegexMatcher&&) noexcept = default;
RegexMatcher::~RegexMatcher() = default;

std::optional<RegexMatcher::Match> RegexMatcher::find(const RegexCode& code, Bytes subject,
                                                      std::size_t from) noexcept {
    if (from > subject.size()) {
        return std::nullopt;
    }
    static constexpr std::array<std::uint8_t, 1> nothing{};
    // NOLINTNEXTLINE(*-reinterpret-cast): octets, as PCRE2 names them
    const auto* const text =
        subject.empty() ? nothing.data() : reinterpret_cast<PCRE2_SPTR>(subject.data());
    const int result = pcre2_jit_match(code.code_->code, text, subject.size(), from, 0, room_->data,
                                       room_->context);
    if (result < 0) {
        gave_up_ += result == PCRE2_ERROR_NOMATCH ? 0 : 1;
        return std::nullopt;
    }
    const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(room_->data);
    return Match{ends[0], ends[1]};
}

}  // namespace tapmeter::inspect
