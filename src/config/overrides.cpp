#include "src/config/overrides.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "src/config/address.h"
#include "src/config/check.h"
#include "src/config/nearest.h"

namespace tapmeter::config {

namespace {

constexpr std::string_view variable_prefix = "TAPMETER_";

struct Target {
    Block* block = nullptr;
    const Key* key = nullptr;
    std::string error;  // when there is no key
};

// How a name is written in a variable: letters in lower case, digits, and underscores.
std::string variable_word(std::string_view text) {
    std::string word(text);
    for (char& c : word) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (upper) {
            c = static_cast<char>(c - 'A' + 'a');
        } else if (!plain) {
            c = '_';
        }
    }
    return word;
}

// Finds the member that a dotted path means.
class PathReader {
public:
    // in_variable   names of blocks are written as in variables
    PathReader(Settings& settings, bool in_variable)
        : settings_(settings), in_variable_(in_variable) {}

    Target find(const std::string& path) {
        for (const Group group : block_groups) {
            const std::string_view head = head_table(group).path;
            if (path.starts_with(head) && path.size() > head.size() &&
                (path[head.size()] == '.' || path[head.size()] == '[')) {
                return find_in_list(group, path);
            }
        }
        const std::size_t dot = path.rfind('.');
        const Key* key = dot == std::string::npos
                             ? nullptr
                             : find_key(path.substr(0, dot), path.substr(dot + 1));
        if (key == nullptr) {
            return {nullptr, nullptr, "unknown key " + shortened(path) + suggestion(path)};
        }
        return {&settings_.single, key, {}};
    }

    // Every path that may be said, with the blocks that there are.
    std::vector<std::string> all_paths() const {
        std::vector<std::string> paths;
        for (const Key& key : all_keys()) {
            const Table& table = table_of(key);
            if (table.group == Group::single) {
                paths.push_back(std::string(table.path) + "." + std::string(key.name));
                continue;
            }
            const std::string_view head = head_table(table.group).path;
            for (const std::string& name : block_names(settings_, table.group)) {
                paths.push_back(std::string(head) + "." + name +
                                std::string(table.path.substr(head.size())) + "." +
                                std::string(key.name));
            }
        }
        return paths;
    }

private:
    std::string suggestion(const std::string& path) const {
        const std::vector<std::string> paths = all_paths();
        const std::vector<std::string_view> views(paths.begin(), paths.end());
        std::string hint = did_you_mean(path, views);
        if (!hint.empty()) {
            return hint;
        }
        const std::string last = path.substr(path.rfind('.') + 1);
        const auto same = std::ranges::find_if(
            views, [&last](std::string_view view) { return view.ends_with("." + last); });
        return same == views.end() ? "" : "; did you mean \"" + std::string(*same) + "\"?";
    }

    Target find_in_list(Group group, const std::string& path) {
        const std::string_view head = head_table(group).path;
        const auto [index, rest] = split_block(group, path.substr(head.size()));
        if (!index) {
            return {nullptr, nullptr, no_such_block(group, path)};
        }
        const std::size_t dot = rest.rfind('.');
        const std::string table =
            std::string(head) +
            (dot == std::string::npos ? std::string() : "." + rest.substr(0, dot));
        const Key* key = find_key(table, rest.substr(dot == std::string::npos ? 0 : dot + 1));
        if (key == nullptr) {
            return {nullptr, nullptr, "unknown key " + shortened(path) + suggestion(path)};
        }
        return {&settings_.list(group)[*index], key, {}};
    }

    // Splits ".p0.queues" or "[0].queues" into the number of the block and the key behind it.
    std::pair<std::optional<std::size_t>, std::string> split_block(Group group,
                                                                   const std::string& path) {
        const std::vector<std::string> names = block_names(settings_, group);
        for (std::size_t i = 0; i < names.size(); ++i) {
            const std::string name = in_variable_ ? variable_word(names[i]) : names[i];
            if (path.starts_with("." + name + ".")) {
                return {i, path.substr(name.size() + 2)};
            }
        }
        const bool bracket = path.front() == '[';
        const std::string_view end_mark = bracket ? "]." : ".";
        std::size_t index = 0;
        const char* const end = path.data() + path.size();
        const auto [rest, error] = std::from_chars(path.data() + 1, end, index);
        const std::string_view behind(rest, static_cast<std::size_t>(end - rest));
        if (error != std::errc{} || !behind.starts_with(end_mark) || index >= names.size()) {
            return {std::nullopt, {}};
        }
        return {index, std::string(behind.substr(end_mark.size()))};
    }

    std::string no_such_block(Group group, const std::string& path) const {
        const Table& table = head_table(group);
        const std::vector<std::string> names = block_names(settings_, group);
        if (names.empty()) {
            return "unknown key " + shortened(path) + ": there is no " + table.header() + " block";
        }
        std::string listed;
        for (const std::string& name : names) {
            listed += (listed.empty() ? "" : ", ") + name;
        }
        const std::string hint = suggestion(path);
        return "unknown key " + shortened(path) +
               (hint.empty() ? ": the " + table.header() + " blocks are " + listed : hint);
    }

    Settings& settings_;
    bool in_variable_;
};

struct Assignment {
    std::string path;
    std::string value;
    ConfigOrigin origin;
};

void assign(PathReader& reader, const Assignment& said, ErrorList& errors) {
    const Target target = reader.find(said.path);
    if (target.key == nullptr) {
        errors.add(said.origin, target.error);
        return;
    }
    auto value = check_text(*target.key, said.value);
    if (!value) {
        errors.add(said.origin, value.error().message);
        target.block->refused.insert(target.key);
        return;
    }
    target.block->given.insert_or_assign(target.key, Given{std::move(*value), said.origin, {}});
}

// TAPMETER_FLOW_IDLE_TIMEOUT is a mistake that must not pass unseen; TAPMETER_HOME is not ours.
std::optional<std::string> meant_variable(PathReader& reader, const std::string& word) {
    for (const std::string& path : reader.all_paths()) {
        if (variable_word(path) == word) {
            std::string variable(variable_prefix);
            for (const char c : path) {
                variable +=
                    c == '.' ? std::string("__") : std::string(1, variable_word({&c, 1})[0]);
            }
            std::ranges::transform(variable, variable.begin(), [](char c) {
                return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
            });
            return variable;
        }
    }
    return std::nullopt;
}

std::string_view option_of(Group group) {
    switch (group) {
        case Group::captures:
            return "-i ";
        case Group::ipfix:
            return "-n ";
        default:
            return "--json ";
    }
}

}  // namespace

void apply_sets(Settings& settings, std::span<const std::string> sets, ConfigOrigin::Kind kind,
                ErrorList& errors) {
    PathReader reader(settings, false);
    for (const std::string& set : sets) {
        const std::size_t equals = set.find('=');
        const ConfigOrigin origin{kind, "--set " + set.substr(0, equals), {}};
        if (equals == std::string::npos || equals == 0) {
            errors.add({kind, "--set " + set, {}},
                       "must be KEY=VALUE, such as flow.idle_timeout=10s");
            continue;
        }
        assign(reader, {set.substr(0, equals), set.substr(equals + 1), origin}, errors);
    }
}

void apply_environment(Settings& settings, std::span<const std::string> environment,
                       ErrorList& errors) {
    PathReader reader(settings, true);
    for (const std::string& variable : environment) {
        const std::size_t equals = variable.find('=');
        if (!variable.starts_with(variable_prefix) || equals == std::string::npos) {
            continue;
        }
        const std::string name = variable.substr(0, equals);
        const ConfigOrigin origin{ConfigOrigin::Kind::environment, name, {}};
        std::string path = variable_word(name.substr(variable_prefix.size()));
        if (path.find("__") == std::string::npos) {
            if (const auto meant = meant_variable(reader, path)) {
                errors.add(origin, "unknown variable; did you mean " + *meant + "?");
            }
            continue;
        }
        for (std::size_t at = path.find("__"); at != std::string::npos; at = path.find("__", at)) {
            path.replace(at, 2, ".");
        }
        assign(reader, {path, variable.substr(equals + 1), origin}, errors);
    }
}

void use_addresses(Settings& settings, Group group, std::span<const std::string> addresses,
                   ErrorList& errors) {
    if (addresses.empty()) {
        return;
    }
    const Key& key = address_key(group);
    std::vector<Block> chosen;
    for (const std::string& said : addresses) {
        const ConfigOrigin origin{
            ConfigOrigin::Kind::command_line, std::string(option_of(group)) + said, {}};
        auto value = check_text(key, group == Group::ipfix ? collector_url(said) : said);
        if (!value) {
            errors.add(origin, value.error().message);
            continue;
        }
        const auto same = std::ranges::find_if(settings.list(group), [&](const Block& block) {
            return block.find(key) != nullptr && block.find(key)->value == *value;
        });
        Block block{.origin = origin, .given = {}, .refused = {}};
        if (same != settings.list(group).end()) {
            block = *same;
        }
        block.given.insert_or_assign(&key, Given{std::move(*value), origin, {}});
        chosen.push_back(std::move(block));
    }
    settings.list(group) = std::move(chosen);
}

void use_filter(Settings& settings, const std::string& expression, ErrorList& errors) {
    if (expression.empty()) {
        return;
    }
    const ConfigOrigin origin{ConfigOrigin::Kind::command_line, "the filter", {}};
    const Key& key = *find_key("capture", "filter");
    auto value = check_text(key, expression);
    if (!value) {
        errors.add(origin, value.error().message);
        return;
    }
    for (Block& block : settings.list(Group::captures)) {
        block.given.erase(find_key("capture", "filter_raw"));
        block.given.insert_or_assign(&key, Given{*value, origin, {}});
    }
}

}  // namespace tapmeter::config
