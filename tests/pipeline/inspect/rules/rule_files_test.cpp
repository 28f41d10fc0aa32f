#include "pipeline/inspect/rules/rule_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tapmeter::inspect::rules {
namespace {

namespace fs = std::filesystem;

class RuleFiles : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "rules.XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{folder_ / name} << text;
        return (folder_ / name).string();
    }

    fs::path folder_;
};

TEST_F(RuleFiles, a_pattern_reads_all_that_it_matches) {
    write("a.rules", "alert tcp any any -> any any (sid:1;)\n");
    write("b.rules",
          "alert tcp any any -> any any (sid:2;)\nalert tcp any any -> any any (lua:x; sid:3;)\n");
    write("c.txt", "alert tcp any any -> any any (sid:4;)\n");
    const auto set = read_rules({.rule_files = {(folder_ / "*.rules").string()}});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->rules.size(), 2U);
    ASSERT_EQ(set->left_out.size(), 1U);
    EXPECT_EQ(set->left_out[0].sid, 0U) << "the sid stands behind the fault";
    EXPECT_NE(text_of(set->left_out[0]).find("b.rules:2:"), std::string::npos);
}

TEST_F(RuleFiles, what_is_not_there_is_an_error_with_its_name) {
    const auto file = read_rules({.rule_files = {(folder_ / "none.rules").string()}});
    ASSERT_FALSE(file);
    EXPECT_NE(file.error().message.find("none.rules: cannot open it"), std::string::npos);
    const auto pattern = read_rules({.rule_files = {(folder_ / "*.none").string()}});
    ASSERT_FALSE(pattern);
    EXPECT_NE(pattern.error().message.find("no file matches"), std::string::npos);
    const auto folder = read_rules({.rule_files = {folder_.string()}});
    ASSERT_FALSE(folder);
    EXPECT_NE(folder.error().message.find("is a folder"), std::string::npos);
}

TEST_F(RuleFiles, configured_variables_win) {
    write("a.rules", "alert tcp $HOME_NET any -> any any (sid:1;)\n");
    const auto set = read_rules({.rule_files = {(folder_ / "a.rules").string()},
                                 .variables = {{"HOME_NET", "10.0.0.0/8"}}});
    ASSERT_TRUE(set && set->rules.size() == 1);
    EXPECT_FALSE(set->rules[0].source.is_any());
}

TEST_F(RuleFiles, lists_become_rules) {
    const auto addresses =
        write("bad.ips", "# feed\n192.0.2.1\n198.51.100.0/24 ; comment\nnot an address\n");
    const auto domains = write("bad.names", "Evil.Example\n*.worse.example,2020\nno/name\n");
    const auto set = read_rules({.address_lists = {addresses}, .domain_lists = {domains}});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_EQ(set->rules.size(), 1U + 2U * 3U);
    EXPECT_EQ(set->left_out.size(), 2U);
    const Rule& list = set->rules.front();
    EXPECT_EQ(list.sid, list_sid_first);
    EXPECT_TRUE(list.both_ways && list.threshold);
    const Rule& name = set->rules.back();
    EXPECT_EQ(name.message, "listed domain worse.example");
}

}  // namespace
}  // namespace tapmeter::inspect::rules
