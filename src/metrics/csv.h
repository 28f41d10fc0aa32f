#pragma once

#include <string>
#include <string_view>

namespace tapmeter::metrics {

// RFC 4180; a cell that a spreadsheet would take for a formula is led by an apostrophe.
inline std::string csv_cell(std::string cell) {
    if (!cell.empty() && std::string_view{"=+-@\t\r"}.find(cell.front()) != std::string::npos) {
        cell.insert(0, 1, '\'');
    }
    if (cell.find_first_of(",\"\r\n'") == std::string::npos) {
        return cell;
    }
    std::string quoted = "\"";
    for (const char c : cell) {
        quoted += c;
        if (c == '"') {
            quoted += c;
        }
    }
    return quoted + "\"";
}

}  // namespace tapmeter::metrics
