#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace tapmeter::testing {

// The folder of the real captures, which stand outside the tree (their licences differ):
// $TAPMETER_SHARED/pcaps/dev, or `shared` beside the source folder. Nothing where it lacks
// `table`, a path in that folder.
inline std::optional<std::filesystem::path> captures_with(const std::string& table) {
    std::vector<std::filesystem::path> candidates;
    if (const char* shared = std::getenv("TAPMETER_SHARED")) {  // NOLINT(concurrency-mt-unsafe)
        candidates.emplace_back(shared);
    } else if (const char* root = std::getenv("TAPMETER_SOURCE_ROOT")) {  // NOLINT(*-mt-unsafe)
        const std::filesystem::path tree(root);
        candidates.push_back(tree / ".." / "shared");
        candidates.push_back(tree / ".." / ".." / "shared");  // a linked work tree
    }
    for (const std::filesystem::path& candidate : candidates) {
        if (std::filesystem::exists(candidate / "pcaps/dev" / table)) {
            return candidate / "pcaps/dev";
        }
    }
    return std::nullopt;
}

// One line of an oracle's table, by the names in its first line.
using Row = std::map<std::string, std::string>;

inline std::vector<std::string> tab_separated(const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, '\t');) {
        fields.push_back(field);
    }
    return fields;
}

inline std::vector<Row> rows_of(const std::filesystem::path& table) {
    std::ifstream stream(table);
    std::string line;
    std::getline(stream, line);
    const std::vector<std::string> names = tab_separated(line);
    std::vector<Row> rows;
    while (std::getline(stream, line)) {
        const std::vector<std::string> values = tab_separated(line);
        Row row;
        for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) {
            row[names[i]] = values[i];
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace tapmeter::testing
