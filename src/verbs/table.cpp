#include "src/verbs/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace tapmeter::verbs {

namespace {

std::string cell_text(const Table::Cell& cell, bool scaled) {
    if (const auto* text = std::get_if<std::string>(&cell)) {
        return *text;
    }
    const auto number = std::get<std::uint64_t>(cell);
    return scaled ? scaled_text(number) : std::to_string(number);
}

bool is_number(const Table::Cell& cell) {
    return std::holds_alternative<std::uint64_t>(cell);
}

std::string as_text(const Table& table) {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        const Table::Column& c = table.columns[column];
        std::size_t width = c.heading.empty() ? c.name.size() : c.heading.size();
        for (const auto& row : table.rows) {
            width = std::max(width, cell_text(row[column], c.scaled).size());
        }
        widths.push_back(width);
    }
    std::string text = table.title.empty() ? "" : table.title + "\n";
    const auto add = [&](std::size_t column, const std::string& cell, bool right) {
        text += column == 0 ? "  " : "  ";
        text += right ? fmt::format("{:>{}}", cell, widths[column])
                      : fmt::format("{:<{}}", cell, widths[column]);
    };
    const auto end_line = [&text] {
        text.erase(text.find_last_not_of(' ') + 1);
        text += '\n';
    };
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        const Table::Column& c = table.columns[column];
        const bool right = !table.rows.empty() && is_number(table.rows.front()[column]);
        add(column, c.heading.empty() ? c.name : c.heading, right);
    }
    end_line();
    for (const auto& row : table.rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            add(column, cell_text(row[column], table.columns[column].scaled),
                is_number(row[column]));
        }
        end_line();
    }
    return table.remark.empty() ? text : text + "  " + table.remark + "\n";
}

std::string as_json(const Table& table) {
    std::string text;
    for (const auto& row : table.rows) {
        nlohmann::ordered_json line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            std::visit([&](const auto& cell) { line[table.columns[column].name] = cell; },
                       row[column]);
        }
        text += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }
    return text;
}

std::string as_csv(const Table& table) {
    std::string text;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        text += (column == 0 ? "" : ",") + csv_cell(table.columns[column].name);
    }
    text += "\r\n";
    for (const auto& row : table.rows) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            text += (column == 0 ? "" : ",") + csv_cell(cell_text(row[column], false));
        }
        text += "\r\n";
    }
    return text;
}

}  // namespace

std::string csv_cell(const std::string& cell) {
    const bool formula =
        !cell.empty() && std::string_view("=+-@\t\r").find(cell.front()) != std::string_view::npos;
    const std::string safe = formula ? "'" + cell : cell;
    if (safe.find_first_of(",\"\r\n") == std::string::npos) {
        return safe;
    }
    std::string quoted = "\"";
    for (const char character : safe) {
        quoted += character == '"' ? "\"\"" : std::string(1, character);
    }
    return quoted + "\"";
}

std::string scaled_text(std::uint64_t number) {
    constexpr std::array<const char*, 7> prefixes{"", " k", " M", " G", " T", " P", " E"};
    if (number < 1'000) {
        return std::to_string(number);
    }
    auto value = static_cast<double>(number);
    std::size_t prefix = 0;
    while (value >= 999.5 && prefix + 1 < prefixes.size()) {
        value /= 1'000;
        ++prefix;
    }
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}", value, decimals, prefixes[prefix]);
}

std::string rendered(const Table& table, OutputFormat format) {
    switch (format) {
        case OutputFormat::json:
            return as_json(table);
        case OutputFormat::csv:
            return as_csv(table);
        case OutputFormat::text:
            break;
    }
    return as_text(table);
}

}  // namespace tapmeter::verbs
