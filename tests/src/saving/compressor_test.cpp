#include "src/saving/compressor.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/src/saving/folder.h"

namespace tapmeter::saving {
namespace {

using testing::Folder;
using Names = std::vector<std::string>;

void put(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

TEST(Compressor, replaces_each_file_and_ends_when_all_are_done) {
    const Folder folder;
    {
        Compressor compressor;
        for (const auto* const name : {"a", "b", "c"}) {
            put(folder / name, std::string(100'000, 'x'));
            compressor.add(folder / name);
        }
    }
    EXPECT_EQ(folder.names(), (Names{"a.zst", "b.zst", "c.zst"}));
    EXPECT_LT(std::filesystem::file_size(folder / "a.zst"), 1'000U);
}

// A ring of files: the name is used again while the file before it is still being compressed.
TEST(Compressor, leaves_a_new_file_of_the_same_name_alone) {
    const Folder folder;
    {
        Compressor compressor;
        put(folder / "a", std::string(10, 'x'));
        compressor.add(folder / "a");
        put(folder / "a", "new");
    }
    EXPECT_EQ(folder.names(), (Names{"a", "a.zst"}));
    EXPECT_EQ(std::filesystem::file_size(folder / "a"), 3U);
    Compressor().add(folder / "a");
    EXPECT_EQ(folder.names(), Names{"a.zst"});
}

TEST(Compressor, a_file_that_is_gone_is_no_matter) {
    const Folder folder;
    Compressor().add(folder / "nothing");
    EXPECT_EQ(folder.names(), Names{});
}

}  // namespace
}  // namespace tapmeter::saving
