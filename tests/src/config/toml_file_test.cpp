#include "src/config/toml_file.h"

#include <gtest/gtest.h>
#include <algorithm>

namespace tapmeter::config {
namespace {

const TomlNode* member(const TomlNode& table, std::string_view key) {
    const auto found = std::ranges::find(table.members, key, &TomlMember::key);
    return found == table.members.end() ? nullptr : &found->value;
}

std::vector<Position> places(const TomlFile& file) {
    std::vector<Position> places;
    for (const Fault& fault : file.faults) {
        places.push_back(fault.at);
    }
    return places;
}

TEST(ParseToml, keeps_values_and_places_in_the_order_of_the_text) {
    const TomlFile file = parse_toml("z = 1\na = \"x\"\n[t]\nb = [true, 1.5]\nd = 1979-05-27\n");

    ASSERT_TRUE(file.faults.empty());
    ASSERT_EQ(file.root.members.size(), 3U);
    EXPECT_EQ(file.root.members[0].key, "z");
    EXPECT_EQ(file.root.members[1].at, (Position{2, 1}));
    EXPECT_EQ(file.root.members[1].value.at, (Position{2, 5}));
    const TomlNode* table = member(file.root, "t");
    ASSERT_NE(table, nullptr);
    const TomlNode* list = member(*table, "b");
    ASSERT_NE(list, nullptr);
    ASSERT_EQ(list->items.size(), 2U);
    EXPECT_TRUE(list->items[0].boolean);
    EXPECT_DOUBLE_EQ(list->items[1].real, 1.5);
    EXPECT_EQ(list->items[1].at, (Position{4, 12}));
    EXPECT_EQ(member(*table, "d")->kind, TomlNode::Kind::date);
}

TEST(ParseToml, counts_columns_in_characters) {
    const TomlFile file = parse_toml(
        "\xEF\xBB\xBF"
        "a = \"\xC3\xA4\" x\r\n");
    ASSERT_EQ(file.faults.size(), 1U);
    EXPECT_EQ(file.faults[0].at, (Position{1, 9}));
}

TEST(ParseToml, reads_on_behind_a_broken_line) {
    const TomlFile file = parse_toml("[flow]\na = \nb = 2\nc = \"x\nd = 4\ne 5\n[log]\nf = 6\n");

    EXPECT_EQ(places(file), (std::vector<Position>{{2, 5}, {4, 7}, {6, 3}}));
    const TomlNode* flow = member(file.root, "flow");
    ASSERT_NE(flow, nullptr);
    EXPECT_NE(member(*flow, "b"), nullptr);
    EXPECT_NE(member(*flow, "d"), nullptr);
    EXPECT_NE(member(*member(file.root, "log"), "f"), nullptr);
    EXPECT_TRUE(file.incomplete);
}

TEST(ParseToml, takes_the_keys_of_a_broken_header_with_it) {
    const TomlFile file = parse_toml("[a]\nx = 1\n[b\ny = 2\n[c]\nz = 3\n");

    ASSERT_EQ(file.faults.size(), 1U);
    EXPECT_EQ(member(*member(file.root, "a"), "y"), nullptr);
    EXPECT_NE(member(*member(file.root, "c"), "z"), nullptr);
}

TEST(ParseToml, names_what_is_there_twice) {
    const TomlFile file =
        parse_toml("[a]\n  x = 1\n  x = 2\n[b]\n[a]\n[[b]]\nc = {d = 1, d = 2}\n");

    ASSERT_GE(file.faults.size(), 3U);
    EXPECT_EQ(file.faults[0].message, "\"x\" is set twice");
    EXPECT_EQ(file.faults[0].at, (Position{3, 3}));
    EXPECT_EQ(file.faults[1].message, "\"a\" is defined twice");
    EXPECT_EQ(file.faults[1].at, (Position{5, 1}));
}

TEST(ParseToml, finds_an_unclosed_list_once) {
    const TomlFile file = parse_toml("a = [1, 2\nb = 3\nc = 4\n");

    EXPECT_EQ(places(file), (std::vector<Position>{{2, 1}}));
    EXPECT_NE(member(file.root, "b"), nullptr);
    EXPECT_EQ(parse_toml("a = [1,\n").faults.size(), 1U);
}

TEST(ParseToml, stops_at_the_limit_of_faults) {
    std::string text;
    for (std::size_t i = 0; i < syntax_faults_max + 10; ++i) {
        text += "x\n";
    }
    EXPECT_EQ(parse_toml(text).faults.size(), syntax_faults_max);
}

TEST(ParseToml, looks_for_one_fault_in_a_large_text) {
    std::string text = "a = \nb = \n";
    EXPECT_EQ(parse_toml(text).faults.size(), 2U);
    text += "# " + std::string(recovery_octets_max, '-');
    EXPECT_EQ(parse_toml(text).faults.size(), 1U);
}

TEST(ParseToml, survives_depth_and_size) {
    EXPECT_EQ(parse_toml("a = " + std::string(1'000'000, '[')).faults.size(), 1U);
    std::string dotted;
    for (int i = 0; i < 10'000; ++i) {
        dotted += "a.";
    }
    EXPECT_FALSE(parse_toml(dotted + "a = 1").faults.empty());
    EXPECT_EQ(parse_toml(std::string(64U << 20U, '#')).faults.size(), 1U);
}

}  // namespace
}  // namespace tapmeter::config
