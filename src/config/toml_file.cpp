#include "src/config/toml_file.h"
#include "src/config/toml_assertion.h"  // before toml++, which calls it

#include <toml++/toml.h>
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "src/config/toml_text.h"

namespace tapmeter::config {

namespace {

Position position_of(const toml::source_region& region) {
    return {region.begin.line, region.begin.column};
}

TomlNode empty_node(TomlNode::Kind kind) {
    TomlNode node;
    node.kind = kind;
    return node;
}

TomlNode node_of(const toml::node& from);

TomlNode list_of(const toml::array& from) {
    TomlNode node = empty_node(TomlNode::Kind::list);
    node.items.reserve(from.size());
    for (const toml::node& item : from) {
        node.items.push_back(node_of(item));
    }
    return node;
}

TomlNode table_of(const toml::table& from) {
    TomlNode node = empty_node(TomlNode::Kind::table);
    node.members.reserve(from.size());
    for (const auto& [key, value] : from) {
        node.members.push_back({std::string(key.str()), position_of(key.source()), node_of(value)});
    }
    // The library sorts by name; people read from top to bottom.
    std::ranges::stable_sort(node.members, {}, &TomlMember::at);
    return node;
}

// Recursive, as deep as find_text_fault() allows and no deeper.
TomlNode node_of(const toml::node& from) {
    TomlNode node = empty_node(TomlNode::Kind::date);
    if (const auto* table = from.as_table(); table != nullptr) {
        node = table_of(*table);
    } else if (const auto* array = from.as_array(); array != nullptr) {
        node = list_of(*array);
    } else if (const auto* text = from.as_string(); text != nullptr) {
        node.kind = TomlNode::Kind::text;
        node.text = text->get();
    } else if (const auto* integer = from.as_integer(); integer != nullptr) {
        node.kind = TomlNode::Kind::integer;
        node.integer = integer->get();
    } else if (const auto* boolean = from.as_boolean(); boolean != nullptr) {
        node.kind = TomlNode::Kind::boolean;
        node.boolean = boolean->get();
    } else if (const auto* real = from.as_floating_point(); real != nullptr) {
        node.kind = TomlNode::Kind::real;
        node.real = real->get();
    }
    node.at = position_of(from.source());
    return node;
}

// One of the library's assertions does not hold: it trusts itself too much on some broken texts.
// src/config/meson.build makes them throw this instead of ending the program.
bool trips_assertion(std::string_view text) {
    try {
        static_cast<void>(toml::parse(text));
    } catch (const toml::parse_error&) {
        return false;
    } catch (const std::logic_error&) {
        return true;
    }
    return false;
}

// The assertion knows no place: looks for the first line with which the text trips it.
Fault find_tripping_line(std::string_view text) {
    std::vector<std::size_t> ends;
    for (std::size_t at = text.find('\n'); at != std::string_view::npos;
         at = text.find('\n', at + 1)) {
        ends.push_back(at + 1);
    }
    const auto first = std::ranges::partition_point(
        ends, [text](std::size_t end) { return !trips_assertion(text.substr(0, end)); });
    const auto line = static_cast<std::uint32_t>(first - ends.begin()) + 1;
    return {{line, 1}, "not TOML: this line is malformed"};
}

struct Attempt {
    std::optional<TomlNode> root;
    Fault fault;
};

Attempt attempt(std::string_view text) {
    if (auto fault = find_shape_fault(text)) {
        return {std::nullopt, std::move(*fault)};
    }
    try {
        return {table_of(toml::parse(text)), {}};  // the library throws; the exception ends here
    } catch (const toml::parse_error& error) {
        return {std::nullopt,
                {position_of(error.source()), "not TOML: " + std::string(error.description())}};
    } catch (const std::logic_error&) {
        return {std::nullopt, find_tripping_line(text)};
    }
}

// The lines of a text, and the power to leave some out without moving the others.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {
        for (std::size_t begin = 0; begin <= text.size();) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            lines_.push_back({begin, end});
            begin = end + 1;
        }
    }

    const std::string& text() const { return text_; }
    std::size_t count() const { return lines_.size(); }

    std::string_view line(std::size_t index) const {
        return std::string_view(text_).substr(lines_[index].begin,
                                              lines_[index].end - lines_[index].begin);
    }
    // The lines from `first` to before `end`.
    std::string_view between(std::size_t first, std::size_t end) const {
        return std::string_view(text_).substr(lines_[first].begin,
                                              lines_[end].begin - lines_[first].begin);
    }
    bool is_blank(std::size_t index) const { return first_column(index) == 0; }
    // A line of a list over several lines, "[1, 2],", may look alike; a header has no comma.
    bool is_header(std::size_t index) const {
        return first_of(index) == '[' &&
               line(index).substr(0, line(index).find('#')).find(',') == std::string_view::npos;
    }

    // Looks like `key =`, the beginning of a statement.
    bool is_statement(std::size_t index) const {
        const std::size_t equals = line(index).find('=');
        constexpr std::string_view key_letters =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-. \t";
        return equals != std::string_view::npos && equals != 0 &&
               line(index).substr(0, equals).find_first_not_of(key_letters) ==
                   std::string_view::npos;
    }
    void leave_out(std::size_t index) {
        std::fill(text_.begin() + static_cast<std::ptrdiff_t>(lines_[index].begin),
                  text_.begin() + static_cast<std::ptrdiff_t>(lines_[index].end), ' ');
    }

    // The column of the first character that is not blank; 0 in a blank line.
    std::uint32_t first_column(std::size_t index) const {
        return static_cast<std::uint32_t>(line(index).find_first_not_of(" \t\r") + 1);
    }

private:
    char first_of(std::size_t index) const {
        return is_blank(index) ? '\0' : line(index)[first_column(index) - 1];
    }

    struct Extent {
        std::size_t begin;
        std::size_t end;
    };
    std::string text_;
    std::vector<Extent> lines_;
};

std::size_t line_index(const Lines& lines, Position at) {
    return std::min<std::size_t>(std::max(at.line, 1U) - 1, lines.count() - 1);
}

// "Error while parsing key-value pair: cannot redefine existing integer 'queues' as string" becomes
// `"queues" is set twice`, at the key and not at its value; other messages keep their words.
Fault in_our_words(const Fault& fault, const Lines& lines) {
    constexpr std::string_view redefined = "cannot redefine existing ";
    const std::string_view words = fault.message;
    const std::size_t begin = words.find(redefined);
    const std::size_t open = begin == std::string_view::npos ? begin : words.find('\'', begin);
    const std::size_t close = open == std::string_view::npos ? open : words.find('\'', open + 1);
    if (close == std::string_view::npos) {
        return fault;
    }
    const std::string name(words.substr(open + 1, close - open - 1));
    const std::size_t line = line_index(lines, fault.at);
    const bool header = lines.is_header(line);
    const bool first_in_line = header || lines.is_statement(line);
    return {{fault.at.line, first_in_line ? lines.first_column(line) : fault.at.column},
            "\"" + name + "\" is " + (header ? "defined" : "set") + " twice"};
}

bool begins(const Lines& lines, std::size_t line) {
    return lines.is_statement(line) || lines.is_header(line);
}

// The first line of the statement that the fault in line `at` broke: an earlier one when what
// begins there is not closed, as in `x = [1, 2`, whose fault is found in the line behind.
std::size_t first_line_of(const Lines& lines, std::size_t at) {
    std::size_t before = at;
    while (before > 0) {
        --before;
        if (begins(lines, before)) {
            return attempt(lines.between(before, at)).root ? at : before;
        }
    }
    return at;
}

// Leaves out the statement that the fault broke. A broken header takes its whole table with it, so
// that its keys are not blamed on the table before.
// returns  false when there is nothing left to leave out
bool leave_out_statement(Lines& lines, Position fault) {
    const std::size_t at = line_index(lines, fault);
    if (lines.is_blank(at)) {
        return false;
    }
    const std::size_t first = first_line_of(lines, at);
    const bool header = lines.is_header(first);
    // What begins behind the fault is sound; lines that begin nothing went with the statement,
    // except when the fault itself stands in a line that begins nothing.
    std::size_t next = first < at && begins(lines, at) ? at : at + 1;
    while (next > at && next < lines.count() && begins(lines, first) && !lines.is_header(next) &&
           (header || !lines.is_statement(next))) {
        ++next;
    }
    for (std::size_t line = first; line < next; ++line) {
        lines.leave_out(line);
    }
    return true;
}

}  // namespace

void toml_assertion_failed() {
    throw std::logic_error("an assertion of toml++");
}

TomlFile parse_toml(std::string_view text) {
    TomlFile file;
    file.root = empty_node(TomlNode::Kind::table);
    if (auto fault = find_text_fault(text)) {
        file.faults.push_back(std::move(*fault));
        file.incomplete = true;
        return file;
    }
    Lines lines(text);
    while (true) {
        Attempt result = attempt(lines.text());
        if (result.root) {
            file.root = std::move(*result.root);
            return file;
        }
        file.incomplete = true;
        file.faults.push_back(in_our_words(result.fault, lines));
        // At the end of the file nobody knows where what is not closed began.
        const bool at_end = result.fault.message.find("end-of-file") != std::string::npos;
        if (at_end || text.size() > recovery_octets_max ||
            file.faults.size() == syntax_faults_max ||
            !leave_out_statement(lines, result.fault.at)) {
            return file;
        }
    }
}

}  // namespace tapmeter::config
