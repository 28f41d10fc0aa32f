#include "src/config/origin.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace tapmeter {

namespace {

std::string place(const std::string& file, std::uint32_t line, std::uint32_t column) {
    return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace

std::string ConfigOrigin::to_text() const {
    switch (kind) {
        case Kind::built_in:
            return "default";
        case Kind::environment:
            return "environment " + where;
        case Kind::file:
        case Kind::command_line:
            return place(where, at.line, at.column);
    }
    return {};
}

std::string ConfigError::to_text() const {
    return place(file, line, column) + ": " + message;
}

namespace config {

void ErrorList::add(const ConfigOrigin& origin, std::string message) {
    ++total_;
    if (!full()) {
        const ConfigOrigin unplaced{origin.kind, origin.where, {}};
        errors_.push_back(
            {unplaced.to_text(), origin.at.line, origin.at.column, std::move(message)});
    }
}

std::vector<ConfigError> ErrorList::take() {
    // Files in the order in which their first error was found, each from top to bottom.
    std::map<std::string, std::size_t> ranks;
    for (const ConfigError& error : errors_) {
        ranks.try_emplace(error.file, ranks.size());
    }
    std::ranges::stable_sort(errors_, {}, [&ranks](const ConfigError& error) {
        return std::tuple(ranks.at(error.file), error.line, error.column);
    });
    if (total_ > errors_max) {
        errors_.back() = {errors_.front().file, 0, 0,
                          std::to_string(total_ - errors_max + 1) + " more errors are not shown"};
    }
    return std::move(errors_);
}

}  // namespace config
}  // namespace tapmeter
