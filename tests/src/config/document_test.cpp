#include <gtest/gtest.h>

#include "src/config/settings.h"
#include "src/config/toml_file.h"

namespace tapmeter::config {
namespace {

struct Document {
    Settings settings;
    std::vector<ConfigError> errors;
};

Document read(const std::string& text) {
    ErrorList errors;
    const TomlFile file = parse_toml(text);
    EXPECT_TRUE(file.faults.empty());
    Settings settings = read_document(file.root, "t.toml", errors);
    return {std::move(settings), errors.take()};
}

TEST(Document, gives_each_key_its_place) {
    const Document document = read(
        "[[capture]]\nsource = \"eth0\"\n[capture.prefilter]\nexclude = [\"10.0.0.0/8\",\n "
        "\"192.0.2.0/24\"]\n[[capture]]\nsource = \"eth1\"\n[flow]\nidle_timeout = \"5s\"\n");
    EXPECT_TRUE(document.errors.empty());
    const auto& captures = document.settings.list(Group::captures);
    ASSERT_EQ(captures.size(), 2U);
    EXPECT_EQ(captures[1].origin.at, (Position{6, 1}));
    const Given* exclude = captures[0].find(*find_key("capture.prefilter", "exclude"));
    ASSERT_NE(exclude, nullptr);
    EXPECT_EQ(exclude->items, (std::vector<Position>{{4, 12}, {5, 2}}));
    const Given* timeout = document.settings.single.find(*find_key("flow", "idle_timeout"));
    ASSERT_NE(timeout, nullptr);
    EXPECT_EQ(timeout->origin.to_text(), "t.toml:9:16");
}

TEST(Document, may_be_written_with_inline_tables) {
    const Document document =
        read("capture = [{source = \"eth0\", prefilter = {sample = 2}}]\nflow.key = \"5tuple\"\n");
    EXPECT_TRUE(document.errors.empty());
    EXPECT_EQ(document.settings.list(Group::captures).size(), 1U);
    EXPECT_EQ(document.settings.single.given.size(), 1U);
}

TEST(Document, goes_on_behind_an_error) {
    const Document document = read("[flow]\nx = 1\nidle_timeout = \"5s\"\ny = 2\n[log]\nz = 3\n");
    EXPECT_EQ(document.errors.size(), 3U);
    EXPECT_EQ(document.settings.single.given.size(), 1U);
}

}  // namespace
}  // namespace tapmeter::config
