#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/verbs/command_line.h"

namespace tapmeter::verbs {

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

std::string rendered(const Table& table, OutputFormat format);

// One cell as CSV (RFC 4180); one that a spreadsheet would run as a formula begins with an
// apostrophe.
std::string csv_cell(const std::string& cell);

// "1.23 M": three significant digits and a decimal prefix.
std::string scaled_text(std::uint64_t number);

}  // namespace tapmeter::verbs
