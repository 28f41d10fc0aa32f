#include "src/config/settings.h"

#include <algorithm>
#include <utility>

#include "src/config/address.h"

namespace tapmeter::config {

namespace {

Block* find_named(std::vector<Block>& blocks, const Key& key, const std::string& name) {
    const auto found = std::ranges::find_if(
        blocks, [&](const Block& block) { return block.text_of(key) == name; });
    return found == blocks.end() ? nullptr : &*found;
}

void merge_block(Block& into, Block stronger) {
    for (auto& [key, given] : stronger.given) {
        into.given.insert_or_assign(key, std::move(given));
    }
    into.refused.merge(stronger.refused);
}

std::string made_name(const Block& block, Group group, std::size_t index) {
    if (group != Group::captures) {
        const std::string_view path = head_table(group).path;  // "export.ipfix"
        return std::string(path.substr(path.find('.') + 1)) + std::to_string(index + 1);
    }
    const auto source = parse_source(block.text_of(address_key(group)));
    return source ? source->short_name() : "capture" + std::to_string(index + 1);
}

}  // namespace

const Given* Block::find(const Key& key) const {
    const auto found = given.find(&key);
    return found == given.end() ? nullptr : &found->second;
}

std::string Block::text_of(const Key& key) const {
    const Given* found = find(key);
    const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->value);
    return text == nullptr ? std::string() : *text;
}

const Table& head_table(Group group) {
    return *std::ranges::find_if(all_tables(), [group](const Table& table) {
        return table.group == group && table.heads_block;
    });
}

const Key& name_key(Group group) {
    return *find_key(head_table(group).path, "name");
}

const Key& address_key(Group group) {
    return *std::ranges::find_if(all_keys(), [group](const Key& key) {
        return table_of(key).group == group && key.traits.required;
    });
}

void merge(Settings& into, Settings stronger) {
    merge_block(into.single, std::move(stronger.single));
    for (const Group group : block_groups) {
        const Key& key = name_key(group);
        // Only blocks of earlier files are changed: two of one name in one file are an error,
        // found later.
        const std::size_t earlier = into.list(group).size();
        for (Block& block : stronger.list(group)) {
            const std::string name = block.text_of(key);
            Block* found = name.empty() ? nullptr : find_named(into.list(group), key, name);
            if (found != nullptr && found < into.list(group).data() + earlier) {
                merge_block(*found, std::move(block));
            } else {
                into.list(group).push_back(std::move(block));
            }
        }
    }
}

std::vector<std::string> block_names(const Settings& settings, Group group) {
    std::vector<std::string> names;
    for (const Block& block : settings.list(group)) {
        names.push_back(block.text_of(name_key(group)));
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string made =
            names[i].empty() ? made_name(settings.list(group)[i], group, i) : std::string();
        std::string name = made;
        for (int again = 2; !made.empty() && std::ranges::find(names, name) != names.end();
             ++again) {
            const std::string mark = "-" + std::to_string(again);
            name = made.substr(0, name_octets_max - mark.size()) + mark;
        }
        names[i] = made.empty() ? names[i] : name;
    }
    return names;
}

}  // namespace tapmeter::config
