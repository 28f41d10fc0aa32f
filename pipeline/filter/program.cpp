#include "pipeline/filter/program.h"

#include <algorithm>
#include <optional>
#include <string>

namespace tapmeter::filter {

namespace {

// The fields of an instruction's code (bpf(4)).
namespace code {
constexpr unsigned class_bits = 0x07;
constexpr unsigned load = 0x00;
constexpr unsigned load_index = 0x01;
constexpr unsigned store = 0x02;
constexpr unsigned store_index = 0x03;
constexpr unsigned arithmetic = 0x04;
constexpr unsigned jump = 0x05;
constexpr unsigned end = 0x06;

constexpr unsigned size_bits = 0x18;
constexpr unsigned half = 0x08;
constexpr unsigned octet = 0x10;
constexpr unsigned mode_bits = 0xe0;
constexpr unsigned absolute = 0x20;
constexpr unsigned indexed = 0x40;
constexpr unsigned scratch = 0x60;
constexpr unsigned length = 0x80;
constexpr unsigned header_length = 0xa0;

constexpr unsigned operation_bits = 0xf0;
constexpr unsigned add = 0x00;
constexpr unsigned subtract = 0x10;
constexpr unsigned multiply = 0x20;
constexpr unsigned divide = 0x30;
constexpr unsigned either = 0x40;
constexpr unsigned both = 0x50;
constexpr unsigned shift_left = 0x60;
constexpr unsigned shift_right = 0x70;
constexpr unsigned remainder = 0x90;
constexpr unsigned differ = 0xa0;

constexpr unsigned always = 0x00;
constexpr unsigned equal = 0x10;
constexpr unsigned greater = 0x20;
constexpr unsigned greater_or_equal = 0x30;
constexpr unsigned any_bit = 0x40;

constexpr unsigned by_index = 0x08;     // of arithmetic and jumps: the index, not the operand
constexpr unsigned accumulator = 0x10;  // of the end: it says what the answer is
constexpr unsigned to_accumulator = 0x80;
}  // namespace code

constexpr std::uint32_t bits_of_a_word = 32;

std::uint32_t octets_of(unsigned size) noexcept {
    return size == code::octet ? 1 : size == code::half ? 2 : 4;
}

// A frame that is not there as a whole: an octet is looked up, behind what is passed over.
std::uint32_t octet_at(const Sight& sight, std::uint64_t at) noexcept {
    const bool of_type = at - sight.type_at < sight.type.size();
    const std::uint64_t from = at < sight.header_octets ? at : at + sight.cut;
    return std::to_integer<std::uint32_t>(of_type ? sight.type[at - sight.type_at]
                                                  : sight.frame[from]);
}

// The machine's registers while it runs.
struct Machine {
    explicit Machine(const Sight& seen) noexcept : sight(seen) {}

    const Sight& sight;
    std::uint32_t accumulator = 0;
    std::uint32_t index = 0;
    std::array<std::uint32_t, scratch_words> words{};

    // False: beyond the frame.
    bool fetch(std::uint64_t at, std::uint32_t octets, std::uint32_t& value) const noexcept {
        if (at + octets + sight.cut > sight.frame.size()) {
            return false;
        }
        value = 0;
        const bool straight = sight.cut == 0 || at >= sight.header_octets;
        const Bytes from = straight ? sight.frame.subspan(at + sight.cut, octets) : Bytes{};
        for (std::uint32_t i = 0; i < octets; ++i) {
            value = value << 8U |
                    (straight ? std::to_integer<std::uint32_t>(from[i]) : octet_at(sight, at + i));
        }
        return true;
    }

    bool load(const Instruction& step) noexcept {
        const std::uint32_t octets = octets_of(step.code & code::size_bits);
        switch (step.code & code::mode_bits) {
            case code::absolute:
                return fetch(step.operand, octets, accumulator);
            case code::indexed:
                return fetch(std::uint64_t{index} + step.operand, octets, accumulator);
            case code::scratch:
                accumulator = words[step.operand];
                return true;
            case code::length:
                accumulator = sight.wire_octets;
                return true;
            default:
                accumulator = step.operand;
                return true;
        }
    }

    bool load_index(const Instruction& step) noexcept {
        constexpr std::uint32_t words_bits = 0x0f;
        switch (step.code & code::mode_bits) {
            case code::header_length:  // of IPv4: words in the low half of an octet
                if (!fetch(step.operand, 1, index)) {
                    return false;
                }
                index = (index & words_bits) * 4;
                return true;
            case code::scratch:
                index = words[step.operand];
                return true;
            case code::length:
                index = sight.wire_octets;
                return true;
            default:
                index = step.operand;
                return true;
        }
    }

    // False: a division by nothing.
    bool calculate(const Instruction& step) noexcept {
        const std::uint32_t by = (step.code & code::by_index) != 0 ? index : step.operand;
        const unsigned operation = step.code & code::operation_bits;
        if ((operation == code::divide || operation == code::remainder) && by == 0) {
            return false;
        }
        switch (operation) {
            case code::add:
                accumulator += by;
                break;
            case code::subtract:
                accumulator -= by;
                break;
            case code::multiply:
                accumulator *= by;
                break;
            case code::divide:
                accumulator /= by;
                break;
            case code::remainder:
                accumulator %= by;
                break;
            case code::either:
                accumulator |= by;
                break;
            case code::both:
                accumulator &= by;
                break;
            case code::differ:
                accumulator ^= by;
                break;
            case code::shift_left:
                accumulator = by < bits_of_a_word ? accumulator << by : 0;
                break;
            case code::shift_right:
                accumulator = by < bits_of_a_word ? accumulator >> by : 0;
                break;
            default:
                accumulator = 0U - accumulator;
                break;
        }
        return true;
    }

    // How many instructions are skipped.
    std::uint32_t skip(const Instruction& step) const noexcept {
        const std::uint32_t with = (step.code & code::by_index) != 0 ? index : step.operand;
        bool holds = false;
        switch (step.code & code::operation_bits) {
            case code::equal:
                holds = accumulator == with;
                break;
            case code::greater:
                holds = accumulator > with;
                break;
            case code::greater_or_equal:
                holds = accumulator >= with;
                break;
            case code::any_bit:
                holds = (accumulator & with) != 0;
                break;
            default:
                return step.operand;
        }
        return holds ? step.jump_true : step.jump_false;
    }
};

bool fits_load(const Instruction& step, bool to_index) noexcept {
    const unsigned mode = step.code & code::mode_bits;
    const unsigned size = step.code & code::size_bits;
    const bool whole_word = size == 0;
    if (mode == code::scratch) {
        return whole_word && step.operand < scratch_words;
    }
    if (mode == 0 || mode == code::length) {
        return whole_word;
    }
    if (to_index) {
        return mode == code::header_length && size == code::octet;
    }
    return (mode == code::absolute || mode == code::indexed) && size != code::size_bits;
}

bool fits_arithmetic(const Instruction& step) noexcept {
    const unsigned operation = step.code & code::operation_bits;
    const bool by_operand = (step.code & code::by_index) == 0;
    const bool divides = operation == code::divide || operation == code::remainder;
    return operation <= code::differ && (!divides || !by_operand || step.operand != 0);
}

// All jumps go forward and stay inside.
bool fits_jump(const Instruction& step, std::size_t behind) noexcept {
    const unsigned operation = step.code & code::operation_bits;
    if (operation == code::always) {
        return step.operand < behind;
    }
    return operation <= code::any_bit && std::max(step.jump_true, step.jump_false) < behind;
}

// behind  how many instructions stand behind this one
bool fits(const Instruction& step, std::size_t behind) noexcept {
    switch (step.code & code::class_bits) {
        case code::load:
            return fits_load(step, false);
        case code::load_index:
            return fits_load(step, true);
        case code::store:
        case code::store_index:
            return step.operand < scratch_words;
        case code::arithmetic:
            return fits_arithmetic(step);
        case code::jump:
            return fits_jump(step, behind);
        default:
            return true;
    }
}

}  // namespace

Result<Program> Program::verified(std::span<const Instruction> instructions) {
    const auto refused = [](std::size_t at, const char* why) {
        return failed(Error::Kind::invalid_config,
                      "instruction " + std::to_string(at) + " of the filter's program " + why);
    };
    if (instructions.empty() || instructions.size() > instructions_max) {
        return failed(Error::Kind::invalid_config,
                      "the filter's program has " + std::to_string(instructions.size()) +
                          " instructions, must be 1 to " + std::to_string(instructions_max) +
                          "; say less in one expression");
    }
    const std::size_t last = instructions.size() - 1;
    if ((instructions[last].code & code::class_bits) != code::end) {
        return refused(last, "is the last and does not end it");
    }
    for (std::size_t at = 0; at < instructions.size(); ++at) {
        if (!fits(instructions[at], last - at)) {
            return refused(at, "is none that can be run");
        }
    }
    return Program(instructions);
}

bool Program::accepts(const Sight& sight) const noexcept {
    Machine machine(sight);
    for (std::size_t at = 0; at < instructions_.size(); ++at) {
        const Instruction& step = instructions_[at];
        bool goes_on = true;
        switch (step.code & code::class_bits) {
            case code::load:
                goes_on = machine.load(step);
                break;
            case code::load_index:
                goes_on = machine.load_index(step);
                break;
            case code::store:
                machine.words[step.operand] = machine.accumulator;
                break;
            case code::store_index:
                machine.words[step.operand] = machine.index;
                break;
            case code::arithmetic:
                goes_on = machine.calculate(step);
                break;
            case code::jump:
                at += machine.skip(step);
                break;
            case code::end:
                return ((step.code & code::size_bits) == code::accumulator ? machine.accumulator
                                                                           : step.operand) != 0;
            default:
                if ((step.code & code::to_accumulator) != 0) {
                    machine.accumulator = machine.index;
                } else {
                    machine.index = machine.accumulator;
                }
                break;
        }
        if (!goes_on) {
            return false;
        }
    }
    return false;
}

}  // namespace tapmeter::filter
