#include <algorithm>
#include <utility>

#include "src/config/check.h"
#include "src/config/nearest.h"
#include "src/config/settings.h"

namespace tapmeter::config {

namespace {

using Kind = TomlNode::Kind;

// The word of `path` behind `beginning` and its dot: "prefilter" of "capture.prefilter".
std::string_view first_word_behind(std::string_view path, std::string_view beginning) {
    if (!beginning.empty()) {
        if (!path.starts_with(beginning) || path.size() <= beginning.size() ||
            path[beginning.size()] != '.') {
            return {};
        }
        path.remove_prefix(beginning.size() + 1);
    }
    return path.substr(0, path.find('.'));
}

// All that may stand in the table `path`; in the file itself for an empty path.
std::vector<std::string_view> words_in(std::string_view path) {
    std::vector<std::string_view> words;
    for (const Table& table : all_tables()) {
        const std::string_view word = first_word_behind(table.path, path);
        if (!word.empty() && std::ranges::find(words, word) == words.end()) {
            words.push_back(word);
        }
    }
    for (const Key& key : all_keys()) {
        if (!path.empty() && table_of(key).path == path) {
            words.push_back(key.name);
        }
    }
    return words;
}

// `; it belongs to [flow]`, for a key or table that stands in the wrong place.
std::string belongs(std::string_view word) {
    const auto table = std::ranges::find_if(all_tables(), [word](const Table& row) {
        return row.path.size() > word.size() && row.path.ends_with(word) &&
               row.path[row.path.size() - word.size() - 1] == '.';
    });
    if (table != all_tables().end()) {
        return "; did you mean " + table->header() + "?";
    }
    const auto key = std::ranges::find(all_keys(), word, &Key::name);
    return key == all_keys().end() ? "" : "; it belongs to " + table_of(*key).header();
}

class DocumentReader {
public:
    DocumentReader(std::string file, ErrorList& errors) : file_(std::move(file)), errors_(errors) {}

    // `path` names the table; `block` takes its keys, null where none may stand.
    void read_table(const TomlNode& table, const std::string& path, Block* block) {
        for (const TomlMember& member : table.members) {
            const std::string inner = path.empty() ? member.key : path + "." + member.key;
            const Key* key = block == nullptr ? nullptr : find_key(path, member.key);
            if (const Table* known = find_table(inner); known != nullptr) {
                read_known_table(*known, member, block);
            } else if (is_way_to_table(inner)) {
                read_way_to_table(member, inner);
            } else if (key != nullptr) {
                take(*key, member.value, *block);
            } else {
                refuse(member, path);
            }
        }
    }

    Settings settings;

private:
    static bool is_way_to_table(const std::string& path) {
        return std::ranges::any_of(all_tables(), [&path](const Table& table) {
            return table.path.starts_with(path + ".");
        });
    }

    ConfigOrigin origin(Position at) const { return {ConfigOrigin::Kind::file, file_, at}; }

    // "export" holds tables and no keys of its own.
    void read_way_to_table(const TomlMember& member, const std::string& path) {
        if (member.value.kind == Kind::table) {
            read_table(member.value, path, nullptr);
        } else {
            errors_.add(origin(member.at), shortened(path) + " holds tables only");
        }
    }

    void read_known_table(const Table& table, const TomlMember& member, Block* block) {
        const TomlNode& value = member.value;
        const std::string path(table.path);
        const bool blocks =
            value.kind == Kind::list && std::ranges::all_of(value.items, [](const TomlNode& item) {
                return item.kind == Kind::table;
            });
        if (table.heads_block && blocks) {
            for (const TomlNode& item : value.items) {
                Block fresh{.origin = origin(item.at), .given = {}, .refused = {}};
                read_table(item, path, &fresh);
                settings.list(table.group).push_back(std::move(fresh));
            }
        } else if (!table.heads_block && value.kind == Kind::table) {
            read_table(value, path, table.group == Group::single ? &settings.single : block);
        } else if (value.kind == Kind::table || blocks) {
            errors_.add(origin(member.at),
                        "write " + table.header() +
                            (table.heads_block ? " with two brackets: there may be several"
                                               : " with one bracket: there is only one"));
        } else {
            errors_.add(origin(member.at), shortened(path) + " is a table; write " +
                                               table.header() + " on a line of its own");
        }
    }

    void take(const Key& key, const TomlNode& node, Block& block) {
        auto value = check_node(key, node);
        if (!value) {
            errors_.add(origin(value.error().at), value.error().message);
            block.refused.insert(&key);
            return;
        }
        Given given{.value = std::move(*value), .origin = origin(node.at), .items = {}};
        for (const TomlNode& item : node.items) {
            given.items.push_back(item.at);
        }
        block.given.insert_or_assign(&key, std::move(given));
    }

    void refuse(const TomlMember& member, const std::string& path) {
        if (errors_.full()) {
            errors_.add(origin(member.at), {});
            return;
        }
        const Table* table = find_table(path);
        const bool is_table = member.value.kind == Kind::table || !member.value.items.empty();
        const std::string header =
            table != nullptr ? table->header() : std::string("[").append(path).append("]");
        const std::string where =
            path.empty() ? (is_table ? "" : " outside of any table") : " in " + header;
        const auto words = words_in(path);
        std::string hint = did_you_mean(member.key, words);
        hint = hint.empty() ? belongs(member.key) : hint;
        errors_.add(origin(member.at),
                    (is_table && path.empty() ? "unknown table " : "unknown key ") +
                        shortened(member.key) + where + hint);
    }

    std::string file_;
    ErrorList& errors_;
};

}  // namespace

Settings read_document(const TomlNode& root, const std::string& file, ErrorList& errors) {
    DocumentReader reader(file, errors);
    reader.read_table(root, "", nullptr);
    return std::move(reader.settings);
}

}  // namespace tapmeter::config
