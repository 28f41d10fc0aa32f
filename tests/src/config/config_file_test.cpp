#include "src/config/config_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fstream>

#include "src/config/toml_text.h"

namespace tapmeter::config {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, gone at its end.
class ConfigFile : public testing::Test {
protected:
    ConfigFile() {
        std::string name = (fs::temp_directory_path() / "config_XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~ConfigFile() override { fs::remove_all(folder_); }

    fs::path write(const std::string& name, const std::string& text) const {
        const fs::path file = folder_ / name;
        fs::create_directories(file.parent_path());
        std::ofstream(file) << text;
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        return file;
    }
    Reader owner() const { return {.user = ::geteuid()}; }

    fs::path folder_;
};

TEST_F(ConfigFile, is_read_whole) {
    const std::string text(200'000, 'x');
    EXPECT_EQ(read_config_file(write("a.toml", text), owner()), text);
    EXPECT_EQ(read_config_file(write("empty.toml", ""), owner()), "");
}

TEST_F(ConfigFile, must_exist_and_be_a_file) {
    EXPECT_NE(read_config_file(folder_ / "none", owner()).error().find("No such file"),
              std::string::npos);
    EXPECT_EQ(read_config_file(folder_, owner()).error(), "not a regular file");
    EXPECT_EQ(read_config_file("/dev/null", owner()).error(), "not a regular file");
    const fs::path pipe = folder_ / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(read_config_file(pipe, owner()).error(), "not a regular file");  // and no waiting
}

TEST_F(ConfigFile, has_a_size_limit) {
    EXPECT_TRUE(read_config_file(write("max.toml", std::string(file_octets_max, ' ')), owner()));
    EXPECT_NE(read_config_file(write("more.toml", std::string(file_octets_max + 1, ' ')), owner())
                  .error()
                  .find("larger than 4 MiB"),
              std::string::npos);
}

TEST_F(ConfigFile, must_not_be_writable_by_strangers) {
    const fs::path file = write("a.toml", "");
    fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
    const auto refused = read_config_file(file, {.user = 1'000});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("chmod go-w"), std::string::npos);
    fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
    EXPECT_TRUE(read_config_file(file, {.user = 1'000}));
}

TEST_F(ConfigFile, of_root_must_belong_to_root) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give files away";
    }
    const fs::path file = write("a.toml", "");
    EXPECT_TRUE(read_config_file(file, {.user = 0}));
    fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
    EXPECT_FALSE(read_config_file(file, {.user = 0}));
    EXPECT_TRUE(read_config_file(file, {.user = 1'000}));
    fs::permissions(file, fs::perms::group_write, fs::perm_options::remove);
    ASSERT_EQ(::chown(file.c_str(), 65'534, 65'534), 0);
    EXPECT_NE(read_config_file(file, {.user = 0}).error().find("chown root"), std::string::npos);
    EXPECT_TRUE(read_config_file(file, {.user = 1'000}));
}

TEST_F(ConfigFile, has_parts_in_two_folders_in_the_order_of_names) {
    const fs::path file = write("a.toml", "");
    EXPECT_TRUE(config_parts(file)->empty());
    const fs::path own = write("a.toml.d/10.toml", "");
    const fs::path second = write("conf.d/20.toml", "");
    const fs::path first = write("conf.d/10.toml", "");
    write("conf.d/10.toml~", "");
    write("conf.d/.hidden.toml", "");
    EXPECT_EQ(*config_parts(file), (std::vector<fs::path>{first, second, own}));
}

TEST_F(ConfigFile, has_a_limited_number_of_parts) {
    const fs::path file = write("a.toml", "");
    for (std::size_t i = 0; i < parts_max; ++i) {
        write("conf.d/" + std::to_string(i) + ".toml", "");
    }
    EXPECT_EQ(config_parts(file)->size(), parts_max);
    write("conf.d/more.toml", "");
    EXPECT_FALSE(config_parts(file));
}

}  // namespace
}  // namespace tapmeter::config
