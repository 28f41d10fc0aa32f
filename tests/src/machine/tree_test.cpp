#include "src/machine/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/machine/fake_machine.h"

namespace tapmeter::machine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Tree, reads_below_its_root_and_answers_nothing_where_there_is_nothing) {
    testing::FakeRoot root;
    root.file("/a/number", "17").file("/a/text", "x y").link("/a/driver", "../../drivers/ice");
    const Tree tree = root.tree();
    EXPECT_EQ(tree.number("/a/number"), 17U);
    EXPECT_EQ(tree.text("/a/text"), "x y");
    EXPECT_FALSE(tree.number("/a/text"));
    EXPECT_FALSE(tree.text("/nowhere"));
    EXPECT_FALSE(tree.text("/a")) << "a folder is no text";
    EXPECT_THAT(tree.names("/a"), ElementsAre("driver", "number", "text"));
    EXPECT_TRUE(tree.names("/nowhere").empty());
    EXPECT_EQ(tree.leads_to("/a/driver"), "ice");
    EXPECT_FALSE(tree.leads_to("/a/text"));
    EXPECT_TRUE(tree.is_folder("/a"));
    EXPECT_FALSE(tree.is_folder("/a/text"));
    EXPECT_FALSE(tree.is_real());
}

TEST(Tree, writes_to_what_is_there_and_makes_nothing) {
    testing::FakeRoot root;
    root.file("/a/number", "17");
    ASSERT_TRUE(root.tree().write("/a/number", "18"));
    EXPECT_EQ(root.tree().number("/a/number"), 18U);
    const auto refused = root.tree().write("/a/other", "1");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("/a/other: cannot be set to \"1\": No such"));
    EXPECT_FALSE(root.tree().exists("/a/other"));
}

}  // namespace
}  // namespace tapmeter::machine
