#include "src/config/toml_text.h"

#include <array>
#include <string>
#include <utility>

namespace tapmeter::config {

namespace {

std::string hex(unsigned char octet) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    return {'0', 'x', digits[octet >> 4U], digits[octet & 15U]};
}

// The octets of the UTF-8 character at the start of `text`; 0 when there is none (RFC 3629
// section 4: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t character_octets(std::string_view text) {
    const auto octet = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    struct Form {
        unsigned char first_min;
        unsigned char first_max;
        unsigned char second_min;
        unsigned char second_max;
        std::size_t octets;
    };
    constexpr std::array forms{
        Form{0x00, 0x7F, 0x80, 0xBF, 1}, Form{0xC2, 0xDF, 0x80, 0xBF, 2},
        Form{0xE0, 0xE0, 0xA0, 0xBF, 3}, Form{0xE1, 0xEC, 0x80, 0xBF, 3},
        Form{0xED, 0xED, 0x80, 0x9F, 3}, Form{0xEE, 0xEF, 0x80, 0xBF, 3},
        Form{0xF0, 0xF0, 0x90, 0xBF, 4}, Form{0xF1, 0xF3, 0x80, 0xBF, 4},
        Form{0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (const Form& form : forms) {
        if (octet(0) < form.first_min || octet(0) > form.first_max) {
            continue;
        }
        bool fits = text.size() >= form.octets;
        for (std::size_t i = 1; fits && i < form.octets; ++i) {
            fits = i == 1 ? octet(i) >= form.second_min && octet(i) <= form.second_max
                          : octet(i) >= 0x80 && octet(i) <= 0xBF;
        }
        return fits ? form.octets : 0;
    }
    return 0;
}

// Walks over the characters of a text and knows where each stands.
class Walk {
public:
    explicit Walk(std::string_view text) : rest_(text) {}

    bool done() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }
    Position at() const { return at_; }

    // Steps over `octets`, which must be characters of one line or one line feed.
    void step(std::size_t octets, std::size_t characters = 1) {
        const bool line_end = rest_.front() == '\n';
        at_ = line_end ? Position{at_.line + 1, 1}
                       : Position{at_.line, at_.column + static_cast<std::uint32_t>(characters)};
        rest_.remove_prefix(octets);
    }

private:
    std::string_view rest_;
    Position at_{1, 1};
};

std::optional<Fault> find_character_fault(std::string_view text) {
    for (Walk walk(text); !walk.done();) {
        const std::size_t octets = character_octets(walk.rest());
        const auto first = static_cast<unsigned char>(walk.rest().front());
        if (octets == 0) {
            return Fault{walk.at(), "octet " + hex(first) + " is not UTF-8"};
        }
        if (first == 0) {
            return Fault{walk.at(), "a NUL octet: this is not a text file"};
        }
        walk.step(octets);
    }
    return std::nullopt;
}

// "[a", "[[ a", "[ "a"" begin a header with a name; "[]", "[\n" and "[ #" do not.
bool is_named_header(std::string_view text) {
    text.remove_prefix(text.starts_with("[[") ? 2 : 1);
    const std::size_t name = text.find_first_not_of(" \t");
    constexpr std::string_view name_begins =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-\"'";
    return name != std::string_view::npos && name_begins.find(text[name]) != std::string_view::npos;
}

bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

// Follows brackets, dots and quotes through a text that may be any nonsense. Where the text is
// valid TOML up to here, what is inside and outside of strings is known exactly; where it is not,
// the parser stops before it reaches what this class may take for something else.
class Shape {
public:
    explicit Shape(std::string_view text) : walk_(text) {
        constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
        if (text.starts_with(byte_order_mark)) {
            walk_.step(byte_order_mark.size(), 0);
        }
    }

    std::optional<Fault> find_fault() {
        while (!walk_.done()) {
            const char c = walk_.rest().front();
            if (c == '"' || c == '\'') {
                if (auto fault = pass_string(c)) {
                    return fault;
                }
                last_ = c;
                continue;
            }
            if (c == '#') {
                skip_comment();
                continue;
            }
            if (auto fault = count(c)) {
                return fault;
            }
            walk_.step(1);
        }
        return std::nullopt;
    }

private:
    Fault fault(std::string message) const { return {walk_.at(), std::move(message)}; }

    std::optional<Fault> count(char c) {
        if (!is_ascii(c)) {
            return fault("only comments and values in quotes may have letters beyond ASCII");
        }
        if (c == '[' && depth_ == 0 && !value_ && !is_named_header(walk_.rest())) {
            return fault("a table header needs a name, such as [flow]");
        }
        if (c == '[' || c == '{') {
            if (depth_ == nesting_max) {
                return fault("brackets are nested more than " + std::to_string(nesting_max) +
                             " deep");
            }
            open_.at(depth_++) = c;
        }
        depth_ -= (c == ']' || c == '}') && depth_ > 0 ? 1 : 0;
        if (c == '.' && ++dots_ >= key_parts_max) {
            return fault("a key has more than " + std::to_string(key_parts_max) + " parts");
        }
        dots_ = std::string_view("[]{},=\n").find(c) == std::string_view::npos ? dots_ : 0;
        value_ = c == '=' || (value_ && (c != '\n' || depth_ > 0));
        last_ = c == ' ' || c == '\t' ? last_ : c;
        return std::nullopt;
    }

    // A string that comes now is a key, or part of one.
    bool at_key() const {
        return !value_ || (depth_ > 0 && open_.at(depth_ - 1) == '{' && last_ != '=');
    }

    void skip_comment() {
        while (!walk_.done() && walk_.rest().front() != '\n') {
            walk_.step(character_octets(walk_.rest()));
        }
    }

    std::optional<Fault> pass_string(char quote) {
        const std::string triple(3, quote);
        const bool many_lines = walk_.rest().starts_with(triple);
        const std::string end = many_lines ? triple : std::string(1, quote);
        const bool key = at_key();
        walk_.step(end.size(), end.size());
        while (!walk_.done() && !walk_.rest().starts_with(end)) {
            const char c = walk_.rest().front();
            if (c == '\n' && !many_lines) {
                return std::nullopt;  // not closed: an error that the parser names
            }
            if (key && !is_ascii(c)) {
                return fault("no key has letters beyond ASCII");
            }
            walk_.step(character_octets(walk_.rest()));
            if (auto wrong = c == '\\' && quote == '"' ? pass_escape(many_lines) : std::nullopt) {
                return wrong;
            }
        }
        if (walk_.done()) {
            return std::nullopt;
        }
        walk_.step(end.size(), end.size());
        // Up to two quotes before the closing three belong to the string: """a""""" is a"".
        for (int i = 0; many_lines && i < 2 && walk_.rest().starts_with(quote); ++i) {
            walk_.step(1);
        }
        return std::nullopt;
    }

    // Behind a backslash: one character, or the line's end with all blanks and lines behind it.
    std::optional<Fault> pass_escape(bool many_lines) {
        constexpr std::string_view blanks = " \t\r\n";
        const bool blank =
            !walk_.done() && blanks.find(walk_.rest().front()) != std::string_view::npos;
        while (blank && many_lines && !walk_.done() &&
               blanks.find(walk_.rest().front()) != std::string_view::npos) {
            walk_.step(1);
        }
        if (!walk_.done() && !is_ascii(walk_.rest().front())) {
            return fault("a letter beyond ASCII may not follow a backslash");
        }
        if (!walk_.done() && !blank) {
            walk_.step(1);
        }
        return std::nullopt;
    }

    Walk walk_;
    std::array<char, nesting_max> open_{};  // the brackets around this place
    std::size_t depth_ = 0;
    std::size_t dots_ = 0;
    bool value_ = false;  // behind the "=" of a statement
    char last_ = '\n';    // the last character that is not blank
};

}  // namespace

std::optional<Fault> find_text_fault(std::string_view text) {
    if (text.size() > file_octets_max) {
        return Fault{{},
                     "the file is larger than " + std::to_string(file_octets_max >> 20U) +
                         " MiB; keep long prefix lists in files of their own "
                         "(capture.prefilter.exclude_files)"};
    }
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        return Fault{{1, 1}, "the file is UTF-16; save it as UTF-8"};
    }
    return find_character_fault(text);
}

std::optional<Fault> find_shape_fault(std::string_view text) {
    return Shape(text).find_fault();
}

}  // namespace tapmeter::config
