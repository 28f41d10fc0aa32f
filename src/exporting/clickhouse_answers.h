#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapmeter::exporting {

// What a server of ClickHouse says, and what its columns are called.

// Number of the exception in a server's answer, "Code: 60. DB::Exception: ..."; 0: none.
int exception_code(const std::string& answer);

// It will never have these rows: another try would be another refusal.
bool is_for_good(const std::string& answer);

// Names and types of our columns, in order, as system.columns gives them: "NAME\tTYPE\n" each.
std::string columns_text();

// The same again in pieces, which are of `text`.
using Columns = std::vector<std::pair<std::string_view, std::string_view>>;
Columns columns_of(std::string_view text);

// Columns as system.columns gives them, against those that rows were made with. Empty: all is well.
std::string columns_fault(std::string_view described, std::string_view ours);

// Rows by the numbers of their blocks, of lines "NUMBER\tROWS\n".
std::map<std::uint64_t, std::uint64_t> rows_of(std::string_view answer);

}  // namespace tapmeter::exporting
