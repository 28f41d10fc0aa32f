#include <algorithm>
#include <utility>

#include "src/config/check.h"
#include "src/config/load.h"

namespace tapmeter {

namespace {

constexpr std::size_t comment_column_max = 40;  // comments stand in one column up to here

std::string padded(std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text;
}

// A file name may hold anything; a comment may not hold a line feed.
std::string comment_of(const ConfigOrigin& origin) {
    std::string text = origin.to_text();
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
    return text;
}

std::string_view kind_name(ConfigOrigin::Kind kind) {
    switch (kind) {
        case ConfigOrigin::Kind::built_in:
            return "default";
        case ConfigOrigin::Kind::file:
            return "file";
        case ConfigOrigin::Kind::environment:
            return "environment";
        case ConfigOrigin::Kind::command_line:
            return "command line";
    }
    return {};
}

// The path up to the key: the table, and which of its blocks.
std::string_view block_of(const Setting& setting) {
    return std::string_view(setting.path).substr(0, setting.path.size() - setting.key.size());
}

void add_changed(const Loaded& from, const Loaded& other, bool live,
                 std::vector<std::string>& changed) {
    for (const Setting& setting : from.settings) {
        const Setting* before = other.find(setting.path);
        const bool same = before != nullptr && before->value == setting.value;
        // A block that comes or goes is a restart, whatever its keys are.
        const bool is_live = setting.live && before != nullptr;
        if (!same && is_live == live && std::ranges::find(changed, setting.path) == changed.end()) {
            changed.push_back(setting.path);
        }
    }
}

}  // namespace

std::string dump(const Loaded& loaded, bool with_origins) {
    std::string text;
    std::string_view block;
    for (const Setting& setting : loaded.settings) {
        if (block != block_of(setting)) {
            block = block_of(setting);
            text += (text.empty() ? "" : "\n") + setting.table + "\n";
        }
        const std::string line = setting.key + " = " + setting.value;
        text += with_origins
                    ? padded(line, comment_column_max) + "  # " + comment_of(setting.origin)
                    : line;
        text += "\n";
    }
    return text;
}

std::string dump_json(const Loaded& loaded) {
    using config::in_quotes;
    std::string text;
    for (const Setting& setting : loaded.settings) {
        const ConfigOrigin& origin = setting.origin;
        text += "{\"key\":" + in_quotes(setting.path) + ",\"value\":" + setting.value +
                ",\"origin\":{\"kind\":" + in_quotes(kind_name(origin.kind));
        if (origin.kind != ConfigOrigin::Kind::built_in) {
            text += ",\"where\":" + in_quotes(origin.where);
        }
        if (origin.at.line != 0) {
            text += ",\"line\":" + std::to_string(origin.at.line) +
                    ",\"column\":" + std::to_string(origin.at.column);
        }
        text += "}}\n";
    }
    return text;
}

std::vector<std::string> changed_settings(const Loaded& before, const Loaded& after, bool live) {
    std::vector<std::string> changed;
    add_changed(after, before, live, changed);
    add_changed(before, after, live, changed);
    return changed;
}

}  // namespace tapmeter
