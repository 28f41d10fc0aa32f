#include "src/verbs/rules_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace tapmeter::verbs {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class RulesCheck : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "rules_check.XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{folder_ / name} << text;
        return (folder_ / name).string();
    }
    ExitCode check(const std::vector<std::string>& files, const Config::Signatures& config = {},
                   OutputFormat format = OutputFormat::text) {
        CommonOptions common;
        common.output = format;
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        const ExitCode code = check_rules(files, config, common);
        out_ = ::testing::internal::GetCapturedStdout();
        err_ = ::testing::internal::GetCapturedStderr();
        return code;
    }

    fs::path folder_;
    std::string out_;
    std::string err_;
};

constexpr const char* good = "alert tcp $OFFICE any -> any any (content:\"abc\"; sid:1;)\n";
constexpr const char* bad = "alert tcp any any -> any any (lua:x; sid:2;)\n";

TEST_F(RulesCheck, all_that_load_is_done) {
    Config::Signatures config;
    config.variables = {"OFFICE=10.0.0.0/8"};
    EXPECT_EQ(check({write("a.rules", good)}, config), ExitCode::done) << err_;
    EXPECT_THAT(out_, HasSubstr("rules loaded: 1 of 1\n"));
    EXPECT_THAT(out_, HasSubstr("1 literals"));
}

TEST_F(RulesCheck, what_is_left_out_is_named_with_its_place) {
    const std::string file = write("a.rules", std::string(good) + bad);
    EXPECT_EQ(check({file}), ExitCode::answer_no);
    EXPECT_THAT(out_, HasSubstr(file + ":2:31: the keyword \"lua\" is not supported"));
    EXPECT_THAT(out_, HasSubstr("$OFFICE is not set"));
    EXPECT_THAT(out_, HasSubstr("left out, unsupported: lua: 1\n"));
    EXPECT_THAT(out_, HasSubstr("rules loaded: 0 of 2\n"));
}

TEST_F(RulesCheck, json_has_a_line_a_rule) {
    check({write("a.rules", bad)}, {}, OutputFormat::json);
    std::istringstream lines{out_};
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(nlohmann::json::parse(line)["subject"], "lua");
    std::getline(lines, line);
    EXPECT_EQ(nlohmann::json::parse(line)["cause"], "loaded");
}

TEST_F(RulesCheck, files_of_the_configuration_and_their_cache) {
    Config::Signatures config;
    config.rule_files = {
        write("a.rules", "alert tcp any any -> any any (content:\"abc\"; sid:1;)\n")};
    config.domain_lists = {write("names", "evil.example\n")};
    config.cache_folder = folder_;
    EXPECT_EQ(check({}, config), ExitCode::done) << err_;
    EXPECT_THAT(out_, HasSubstr("rules loaded: 4 of 4\n"));
    EXPECT_EQ(check({}, config), ExitCode::done);
    EXPECT_THAT(out_, HasSubstr("taken from the cache"));
}

TEST_F(RulesCheck, nothing_to_check_and_nothing_to_read_are_refused) {
    EXPECT_EQ(check({}), ExitCode::refused);
    EXPECT_THAT(err_, HasSubstr("no rules to check"));
    EXPECT_EQ(check({(folder_ / "none").string()}), ExitCode::refused);
    EXPECT_THAT(err_, HasSubstr("none: cannot open it"));
    Config::Signatures config;
    config.variables = {"OFFICE"};
    EXPECT_EQ(check({write("a.rules", good)}, config), ExitCode::refused);
    EXPECT_THAT(err_, HasSubstr("must be NAME=VALUE"));
}

}  // namespace
}  // namespace tapmeter::verbs
