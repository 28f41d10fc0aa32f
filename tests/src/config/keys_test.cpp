#include "src/config/keys.h"

#include <gtest/gtest.h>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "src/config/check.h"
#include "tests/src/config/config_text.h"

namespace tapmeter::config {
namespace {

std::string page(const std::string& name) {
    std::ifstream file(std::string(CONF_FOLDER) + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The shipped file with the comment sign of every key and table header taken away; prose stays.
std::string without_comment_signs(const std::string& file) {
    std::istringstream lines(file);
    std::string text;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t name = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", 2);
        const bool is_key = name > 2 && name != std::string::npos && line.substr(name, 3) == " = ";
        if (line.starts_with("# [[") || (line.starts_with("# ") && is_key)) {
            line.erase(0, 2);
        }
        text += line + "\n";
    }
    return text;
}

// As the man page's source writes it: scdoc takes a bare underscore for the start of emphasis.
std::string escaped(std::string text) {
    for (std::size_t at = 0; (at = text.find(" _ ", at)) != std::string::npos; at += 4) {
        text.replace(at, 3, " \\_ ");
    }
    return text;
}

std::string default_text(const Key& key) {
    return toml_text(key, default_value(key));
}

TEST(Keys, are_unique_and_explained) {
    std::set<std::pair<TableId, std::string_view>> seen;
    for (const Key& key : all_keys()) {
        EXPECT_TRUE(seen.emplace(key.table, key.name).second) << key.name;
        EXPECT_FALSE(key.help.empty()) << key.name;
        EXPECT_FALSE(rule(key).empty()) << key.name;
        EXPECT_EQ(find_key(table_of(key).path, key.name), &key);
    }
    EXPECT_EQ(seen.size(), 186U);  // a key more or less is a change for users: say so here
    EXPECT_EQ(find_key("flow", "rx_ring"), nullptr);
    EXPECT_EQ(find_table("flw"), nullptr);
    EXPECT_EQ(find_table("export.ipfix")->header(), "[[export.ipfix]]");
    EXPECT_EQ(find_table("capture.prefilter")->header(), "[capture.prefilter]");
}

TEST(Keys, have_defaults_that_pass_their_own_check) {
    for (const Key& key : all_keys()) {
        if (key.traits.required) {
            continue;
        }
        const auto checked = check_text(key, default_text(key));
        ASSERT_TRUE(checked) << key.name << ": " << checked.error().message;
        EXPECT_EQ(toml_text(key, *checked), default_text(key)) << key.name;
    }
}

TEST(Keys, reach_a_member_of_their_own) {
    // Sets one key after the other to a value that is not its default; only that key changes.
    const std::map<Type, std::string> other{
        {Type::name, "other"},          {Type::source, "xdp:eth7"},
        {Type::collector, "udp://h:1"}, {Type::listen, "127.0.0.1:1"},
        {Type::http_url, "http://h:1"}, {Type::brokers, "h"},
        {Type::push_url, "http://h:1"}, {Type::path, "/other"},
        {Type::group, "other"},         {Type::file, "other"},
        {Type::texts, "a,b"},           {Type::ports, "1,2"},
        {Type::cores, "3,5"},           {Type::duration, "7s"},
        {Type::size, "3GiB"},           {Type::fields, "default"},
        {Type::filter, "tcp"},          {Type::secret, "/other.pem"},
        {Type::packet_filter, "tcp"},   {Type::packet_filter_raw, "udp"},
        {Type::prefixes, "10.0.0.0/8"}};
    for (const Key& key : all_keys()) {
        std::string text = key.type == Type::number ? std::to_string(key.min * 2) : std::string();
        if (key.type == Type::flag) {
            text = default_text(key) == "true" ? "false" : "true";
        }
        if (key.type == Type::choice) {
            const bool first_is_default = in_quotes(key.words[0]) == default_text(key);
            text = key.words.at(first_is_default ? 1 : 0);
        }
        if (key.traits.power_of_two && key.min * 2 == key.max) {
            text = std::to_string(key.min);
        }
        text = other.contains(key.type) ? other.at(key.type) : text;
        if (key.type == Type::size && key.max < 1ULL << 30U) {
            text = "4KiB";
        }
        if (key.type == Type::duration && key.max < 1'000) {
            text = std::to_string(key.max / 2) + "ms";
        }
        const auto value = check_text(key, text);
        ASSERT_TRUE(value) << key.name << ": " << value.error().message;
        Config config;
        config.captures.resize(2);
        config.services.resize(2);
        config.ipfix.resize(2);
        config.json.resize(2);
        config.clickhouse.resize(2);
        config.kafka.resize(2);
        const std::size_t block = table_of(key).group == Group::single ? 0 : 1;
        key.access.set(config, block, *value);
        for (const Key& each : all_keys()) {
            const bool same = each.access.get(config, block) == default_value(each);
            EXPECT_EQ(same, &each != &key) << key.name << " and " << each.name;
        }
    }
}

TEST(ShippedFile, loads) {
    LoadRequest request;
    request.file = "tapmeter.toml";
    request.text = page("tapmeter.toml");
    const auto loaded = load_config(request);
    ASSERT_TRUE(loaded) << errors_of(loaded);
    ASSERT_EQ(loaded->config.captures.size(), 1U);
    for (const Setting& setting : loaded->settings) {
        const bool is_source = setting.key == "source";
        EXPECT_EQ(setting.origin.kind == ConfigOrigin::Kind::file, is_source) << setting.path;
    }
}

TEST(ShippedFile, names_every_key_with_its_true_default) {
    const std::string text = page("tapmeter.toml");
    // It must still load, to the same.
    const auto loaded = load_text(without_comment_signs(text));
    ASSERT_TRUE(loaded) << errors_of(loaded);
    std::set<std::string> named;
    for (const Setting& setting : loaded->settings) {
        EXPECT_EQ(setting.origin.kind, ConfigOrigin::Kind::file) << setting.path << " is missing";
        const std::size_t bracket = setting.table.find_first_not_of('[');
        const std::string table = setting.table.substr(bracket, setting.table.find(']') - bracket);
        const Key* key = find_key(table, setting.key);
        ASSERT_NE(key, nullptr);
        named.insert(table + "." + setting.key);
        // A derived name or id is filled in; "auto" is what the file says.
        const bool derived = key->traits.automatic &&
                             (key->type == Type::name || setting.key == "observation_domain_id");
        if (!key->traits.required && !derived) {
            EXPECT_EQ(setting.value, default_text(*key)) << setting.path;
        }
        if (derived) {
            EXPECT_NE(text.find("# " + setting.key + " = \"auto\""), std::string::npos);
        }
    }
    EXPECT_EQ(named.size(), all_keys().size());
}

TEST(ManPage, names_every_key_with_its_true_default) {
    const std::string text = page("man/tapmeter.toml.5.scd");
    for (const Table& table : all_tables()) {
        const std::size_t begin = text.find("\n## " + table.header() + "\n");
        ASSERT_NE(begin, std::string::npos) << table.header();
        const std::string section = text.substr(begin, text.find("\n#", begin + 2) - begin);
        for (const Key& key : all_keys()) {
            if (key.table != table.id) {
                continue;
            }
            const std::string value = key.traits.required ? "(required)" : default_text(key);
            const std::string entry = "\n*" + std::string(key.name) + "* = " + value + "\n";
            const std::size_t at = section.find(entry);
            ASSERT_NE(at, std::string::npos) << table.path << entry;
            const std::string body = section.substr(at, section.find("\n\n", at) - at);
            const std::string must = escaped("Must be " + rule(key) + ".");
            EXPECT_NE(body.find(must), std::string::npos) << key.name << ": " << must;
            EXPECT_EQ(body.find("Takes effect at a reload") != std::string::npos, key.traits.live)
                << key.name;
        }
    }
}

}  // namespace
}  // namespace tapmeter::config
