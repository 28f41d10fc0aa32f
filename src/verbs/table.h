#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tapmeter::verbs {

enum class Format : unsigned char { text, json, csv };

// One table for a reader: aligned text with units, or raw numbers as JSON lines or CSV.
struct Table {
    using Cell = std::variant<std::string, std::uint64_t>;

    struct Column {
        std::string name;          // as JSON and CSV name it: "octets"
        std::string heading = {};  // in text; empty: as `name`
        bool scaled = false;       // a number shown as 12.3 M in text
    };
    std::string title = {};  // text only; empty: none
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows = {};  // as many cells as columns
    std::string remark = {};                   // text only, below: what the rest adds up to
};

std::string rendered(const Table& table, Format format);

// "1.23 M": three significant digits and a decimal prefix.
std::string scaled_text(std::uint64_t number);

}  // namespace tapmeter::verbs
