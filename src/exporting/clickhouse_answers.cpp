#include "src/exporting/clickhouse_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "src/exporting/clickhouse_rows.h"

namespace tapmeter::exporting {
namespace {

// Exceptions by which a server says that these octets will never be rows, so that another try would
// be another refusal (src/Common/ErrorCodes.cpp of ClickHouse): CANNOT_PARSE_TEXT,
// CANNOT_PARSE_INPUT_ASSERTION_FAILED, CANNOT_READ_ALL_DATA, CANNOT_PARSE_NUMBER, INCORRECT_DATA,
// TOO_LARGE_STRING_SIZE.
constexpr std::array refusals{6, 27, 33, 72, 117, 131};

// TOO_MANY_PARTS is for a while, unless it is this one: flow records of so many months.
constexpr std::string_view too_many_months = "partitions for single INSERT block";

}  // namespace

int exception_code(const std::string& answer) {
    constexpr std::string_view mark = "Code: ";
    const std::size_t at = answer.find(mark);
    int code = 0;
    if (at != std::string::npos) {
        std::from_chars(answer.data() + at + mark.size(), answer.data() + answer.size(), code);
    }
    return code;
}

bool is_for_good(const std::string& answer) {
    return std::ranges::find(refusals, exception_code(answer)) != refusals.end() ||
           answer.find(too_many_months) != std::string::npos;
}

std::string columns_text() {
    std::string text;
    for (const ClickHouseColumn& column : clickhouse_columns()) {
        text.append(column.name).append("\t").append(column.type).append("\n");
    }
    return text;
}

std::string columns_fault(std::string_view described, std::string_view ours) {
    const auto known = columns_of(described);
    const std::map<std::string_view, std::string_view> theirs(known.begin(), known.end());
    std::string fault;
    for (const auto& [name, type] : columns_of(ours)) {
        const auto found = theirs.find(name);
        const std::string_view comma = fault.empty() ? "" : ", ";
        if (found == theirs.end()) {
            fault += fmt::format("{}no column {} {}", comma, name, type);
        } else if (!is_readable_as(type, found->second)) {
            fault += fmt::format("{}{} is {} and not {}", comma, name, found->second, type);
        }
    }
    return fault;
}

Columns columns_of(std::string_view text) {
    Columns columns;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (const std::size_t tab = line.find('\t'); tab != std::string_view::npos) {
            columns.emplace_back(line.substr(0, tab), line.substr(tab + 1));
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return columns;
}

std::map<std::uint64_t, std::uint64_t> rows_of(std::string_view answer) {
    std::map<std::uint64_t, std::uint64_t> rows;
    for (const auto& [number, count] : columns_of(answer)) {
        std::uint64_t key = 0;
        std::uint64_t value = 0;
        std::from_chars(number.data(), number.data() + number.size(), key);
        std::from_chars(count.data(), count.data() + count.size(), value);
        rows.emplace(key, value);
    }
    return rows;
}

}  // namespace tapmeter::exporting
