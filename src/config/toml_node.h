#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tapmeter::config {

// Where something stands in a text. Both count from 1; a column counts characters, not octets.
// Line 0: nowhere in a text.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    auto operator<=>(const Position&) const = default;
};

// What is wrong there.
struct Fault {
    Position at;
    std::string message;
};

// One value of a TOML document; everything that the rest of the room sees of TOML.
struct TomlMember;
struct TomlNode {
    enum class Kind : std::uint8_t { boolean, integer, real, text, date, list, table };

    Kind kind = Kind::text;
    Position at;  // of the value; of the header for a table
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;
    std::vector<TomlNode> items;      // of a list
    std::vector<TomlMember> members;  // of a table, in the order of the text
};

struct TomlMember {
    std::string key;
    Position at;  // of the key
    TomlNode value;
};

}  // namespace tapmeter::config
