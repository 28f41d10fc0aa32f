#include "pipeline/inspect/signature_verifier.h"

#include <algorithm>
#include <utility>

#include "pipeline/inspect/signature_search.h"

namespace tapmeter::inspect {

namespace {

using rules::Content;
using rules::Operand;

bool uses_variable(const rules::Condition& condition) {
    struct Visitor {
        static bool is(const std::optional<Operand>& operand) {
            return operand && operand->is_variable();
        }
        bool operator()(const Content& c) const {
            return is(c.offset) || is(c.depth) || is(c.distance) || is(c.within);
        }
        bool operator()(const rules::DataAt& test) const { return test.distance.is_variable(); }
        bool operator()(const rules::ByteTest& test) const {
            return test.value.is_variable() || test.reading.offset.is_variable();
        }
        bool operator()(const rules::ByteJump& jump) const {
            return jump.length_variable != rules::no_variable || jump.reading.offset.is_variable();
        }
        bool operator()(const rules::ByteExtract&) const { return true; }
        bool operator()(const rules::Regex&) const { return false; }
        bool operator()(const rules::SizeIs&) const { return false; }
    };
    return std::visit(Visitor{}, condition);
}

}  // namespace

rules::Parsed<BufferSteps> steps_of(const rules::BufferConditions& conditions) {
    BufferSteps made;
    made.buffer = conditions.buffer;
    made.transform = conditions.transform;
    for (const rules::Condition& condition : conditions.conditions) {
        Step step{.condition = condition};
        if (const auto* const regex = std::get_if<rules::Regex>(&condition)) {
            auto code = RegexCode::compile(*regex);
            if (!code) {
                return rules::refused(code.error());
            }
            step.regex = std::move(*code);
        }
        made.has_variables = made.has_variables || uses_variable(condition);
        made.steps.push_back(std::move(step));
    }
    return made;
}

bool Verifier::matches(const BufferSteps& steps, Bytes buffer) noexcept {
    return run(steps, transformed(steps.transform, buffer));
}

bool Verifier::run(const BufferSteps& steps, Bytes buffer) noexcept {
    state_ = {};
    choices_count_ = 0;
    std::size_t index = 0;
    std::size_t retry_from = 0;
    for (unsigned attempts = 0; index < steps.steps.size(); ++attempts) {
        if (attempts == attempts_max) {
            ++gave_up_;
            return false;
        }
        const Step& step = steps.steps[index];
        const State before = state_;
        // Nothing before this condition can change what it says.
        const bool alone = !steps.has_variables && !rules::is_relative(step.condition);
        const Outcome outcome = attempt(step, buffer, retry_from);
        retry_from = 0;
        if (!outcome.holds) {
            if (alone || choices_count_ == 0) {
                return false;
            }
            const Choice& choice = choices_[--choices_count_];
            index = choice.step;
            retry_from = choice.retry_from;
            state_ = choice.before;
            continue;
        }
        if (outcome.again) {
            // A match that owes nothing to the ones before makes those final.
            choices_count_ = alone ? 0 : choices_count_;
            choices_[choices_count_++] = {index, *outcome.again, before};
        }
        ++index;
    }
    return true;
}

Verifier::Outcome Verifier::attempt(const Step& step, Bytes buffer,
                                    std::size_t retry_from) noexcept {
    const rules::Condition& condition = step.condition;
    if (const auto* const content = std::get_if<Content>(&condition)) {
        return check(*content, buffer, retry_from);
    }
    if (step.regex) {
        return check_regex(step, buffer, retry_from);
    }
    if (const auto* const test = std::get_if<rules::DataAt>(&condition)) {
        return {check(*test, buffer), {}};
    }
    if (const auto* const test = std::get_if<rules::ByteTest>(&condition)) {
        return {check(*test, buffer), {}};
    }
    if (const auto* const jump = std::get_if<rules::ByteJump>(&condition)) {
        return {check(*jump, buffer), {}};
    }
    if (const auto* const extract = std::get_if<rules::ByteExtract>(&condition)) {
        return {check(*extract, buffer), {}};
    }
    const auto* const size = std::get_if<rules::SizeIs>(&condition);
    return {size != nullptr && size->bounds.admits(buffer.size()), {}};
}

Verifier::Outcome Verifier::check(const Content& content, Bytes buffer,
                                  std::size_t retry_from) noexcept {
    const auto last = static_cast<std::int64_t>(state_.last);
    std::int64_t begin = 0;
    auto end = static_cast<std::int64_t>(buffer.size());
    const std::int64_t base = content.relative() ? last : 0;
    if (content.relative()) {
        begin = last + (content.distance ? value_of(*content.distance) : 0);
        end = content.within ? std::min(end, begin + value_of(*content.within)) : end;
    }
    if (content.offset) {
        begin = std::max(begin, base + value_of(*content.offset));
    }
    if (content.depth) {
        const std::int64_t from = base + (content.offset ? value_of(*content.offset) : 0);
        end = std::min(end, from + value_of(*content.depth));
    }
    begin = std::max<std::int64_t>({begin, 0, static_cast<std::int64_t>(retry_from)});
    const auto size = static_cast<std::int64_t>(content.octets.size());
    std::optional<std::size_t> found;
    if (content.ends_with) {
        begin = std::max(begin, static_cast<std::int64_t>(buffer.size()) - size);
        end = end < static_cast<std::int64_t>(buffer.size()) ? begin : end;
    }
    if (begin + size <= end) {
        const auto from = static_cast<std::size_t>(begin);
        found = find_octets(buffer.subspan(from, static_cast<std::size_t>(end - begin)), content);
        found = found ? std::optional(*found + from) : found;
    }
    if (content.negated) {
        return {!found, {}};
    }
    if (!found) {
        return {};
    }
    state_.last = *found + content.octets.size();
    return {true, *found + 1};
}

Verifier::Outcome Verifier::check_regex(const Step& step, Bytes buffer,
                                        std::size_t retry_from) noexcept {
    const auto& regex = *std::get_if<rules::Regex>(&step.condition);
    const std::size_t base = regex.relative ? std::min(state_.last, buffer.size()) : 0;
    const std::size_t from = retry_from > base ? retry_from - base : 0;
    const auto match = regexes_.find(*step.regex, buffer.subspan(base), from);
    if (regex.negated) {
        return {!match, {}};
    }
    if (!match) {
        return {};
    }
    state_.last = base + match->end;
    return {true, base + match->begin + 1};
}

bool Verifier::check(const rules::DataAt& test, Bytes buffer) const noexcept {
    const std::int64_t base = test.relative ? static_cast<std::int64_t>(state_.last) : 0;
    const std::int64_t wanted = base + value_of(test.distance);
    // Relative: `wanted` octets must follow. Absolute: the octet with that index must be there.
    const auto size = static_cast<std::int64_t>(buffer.size());
    const bool there = test.relative ? wanted <= size : wanted < size;
    return there != test.negated;
}

std::int64_t Verifier::value_of(const Operand& operand) const noexcept {
    if (!operand.is_variable()) {
        return operand.value;
    }
    // What a packet says is hostile: positions far outside are as good as the largest one.
    constexpr std::uint64_t far = std::uint64_t{1} << 40U;
    return static_cast<std::int64_t>(std::min(state_.variables.at(operand.variable), far));
}

std::optional<Bytes> Verifier::octets_of(const rules::Reading& reading, std::size_t octets,
                                         Bytes buffer) const noexcept {
    const std::int64_t base = reading.relative ? static_cast<std::int64_t>(state_.last) : 0;
    const std::int64_t at = base + value_of(reading.offset);
    if (at < 0 ||
        at + static_cast<std::int64_t>(octets) > static_cast<std::int64_t>(buffer.size())) {
        return std::nullopt;
    }
    return buffer.subspan(static_cast<std::size_t>(at), octets);
}

bool Verifier::check(const rules::ByteTest& test, Bytes buffer) const noexcept {
    const auto octets = octets_of(test.reading, test.reading.octets, buffer);
    const auto read = octets ? number_of_octets(test.reading, *octets) : std::nullopt;
    if (!read) {
        return false;
    }
    const std::uint64_t number = *read & test.mask;
    const std::uint64_t value = test.value.is_variable()
                                    ? state_.variables.at(test.value.variable)
                                    : static_cast<std::uint64_t>(test.value.value);
    using enum rules::ByteTest::Comparison;
    bool holds = false;
    switch (test.comparison) {
        case less:
            holds = number < value;
            break;
        case greater:
            holds = number > value;
            break;
        case equal:
            holds = number == value;
            break;
        case less_or_equal:
            holds = number <= value;
            break;
        case greater_or_equal:
            holds = number >= value;
            break;
        case bits:
            holds = (number & value) != 0;
            break;
        case exclusive_or:
            holds = (number ^ value) != 0;
            break;
    }
    return holds != test.negated;
}

bool Verifier::check(const rules::ByteJump& jump, Bytes buffer) noexcept {
    const bool by_variable = jump.length_variable != rules::no_variable;
    const std::uint64_t wanted =
        by_variable ? state_.variables.at(jump.length_variable) : jump.reading.octets;
    const auto octets = wanted <= 23 ? octets_of(jump.reading, wanted, buffer) : std::nullopt;
    const auto read = octets ? number_of_octets(jump.reading, *octets) : std::nullopt;
    if (!read) {
        return false;
    }
    constexpr std::uint64_t far = std::uint64_t{1} << 40U;
    std::uint64_t distance = std::min(*read & jump.mask, far) * jump.multiplier;
    distance = jump.align ? (distance + 3) & ~std::uint64_t{3} : distance;
    const std::size_t behind =
        static_cast<std::size_t>(octets->data() - buffer.data()) + octets->size();
    const std::size_t base = jump.from_beginning ? 0 : jump.from_end ? buffer.size() : behind;
    const std::int64_t to =
        static_cast<std::int64_t>(base) + static_cast<std::int64_t>(distance) + jump.post_offset;
    if (to < 0 || to > static_cast<std::int64_t>(buffer.size())) {
        return false;
    }
    state_.last = static_cast<std::size_t>(to);
    return true;
}

bool Verifier::check(const rules::ByteExtract& extract, Bytes buffer) noexcept {
    const auto octets = octets_of(extract.reading, extract.reading.octets, buffer);
    const auto read = octets ? number_of_octets(extract.reading, *octets) : std::nullopt;
    if (!read) {
        return false;
    }
    std::uint64_t number = *read * extract.multiplier;
    if (extract.align != 0) {
        number = (number + extract.align - 1) / extract.align * extract.align;
    }
    state_.variables.at(extract.variable) = number;
    return true;
}

Bytes Verifier::transformed(rules::Transform transform, Bytes buffer) noexcept {
    if (transform == rules::Transform::none) {
        return buffer;
    }
    std::size_t used = 0;
    if (transform == rules::Transform::dot_prefix) {
        room_[used++] = std::byte{'.'};
    }
    for (const std::byte octet : buffer) {
        if (used == room_.size()) {
            break;
        }
        const bool blank =
            octet == std::byte{' '} || (octet >= std::byte{'\t'} && octet <= std::byte{'\r'});
        if (transform == rules::Transform::strip_whitespace && blank) {
            continue;
        }
        room_[used++] = transform == rules::Transform::to_lowercase ? lower_case(octet) : octet;
    }
    return Bytes{room_}.first(used);
}

}  // namespace tapmeter::inspect
