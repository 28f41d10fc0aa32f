#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/keys.h"
#include "src/config/origin.h"

namespace tapmeter::config {

// A checked value that somebody gave for a key.
struct Given {
    Value value;
    ConfigOrigin origin;
    std::vector<Position> items;  // of a list in a file: where each item stands
};

// One [[block]], or all the tables that stand once.
struct Block {
    ConfigOrigin origin;  // of its header
    std::map<const Key*, Given> given;
    std::set<const Key*> refused;  // given, but wrong: an error already, so not missing

    const Given* find(const Key& key) const;
    // The text given for `name`, empty when nothing was given.
    std::string text_of(const Key& key) const;
};

// All that was said, before it becomes a Config.
struct Settings {
    Block single;
    std::array<std::vector<Block>, static_cast<std::size_t>(Group::count)> lists;

    std::vector<Block>& list(Group group) { return lists.at(static_cast<std::size_t>(group)); }
    const std::vector<Block>& list(Group group) const {
        return lists.at(static_cast<std::size_t>(group));
    }
};

// The keys that the code asks for by name.
const Key& name_key(Group group);
const Key& address_key(Group group);  // source, collector, path: what a block cannot do without
const Table& head_table(Group group);

// Reads the tables of one file. Unknown keys and wrong values become errors; the rest is kept.
Settings read_document(const TomlNode& root, const std::string& file, ErrorList& errors);

// Puts `stronger` over `into`: single values replace; a block with the name of an earlier one
// changes that one; other blocks are added.
void merge(Settings& into, Settings stronger);

// The name of each block of a list: the given one, else one made of its address.
std::vector<std::string> block_names(const Settings& settings, Group group);

}  // namespace tapmeter::config
