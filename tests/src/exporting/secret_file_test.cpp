#include "src/exporting/secret_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tapmeter::exporting {
namespace {

TEST(SecretFile, is_whole_but_for_its_last_line_feed) {
    const auto file =
        std::filesystem::temp_directory_path() / ("tapmeter_secret_" + std::to_string(::getpid()));
    const auto read = [&](const std::string& text) {
        std::ofstream(file, std::ios::binary) << text;
        return read_secret(file.string());
    };
    EXPECT_EQ(read("").value(), "");
    EXPECT_EQ(read(" a b \n").value(), " a b ");
    EXPECT_EQ(read("a\nb\r\n").value(), "a\nb");
    EXPECT_EQ(read(std::string(4'096, 'x')).value().size(), 4'096U);
    EXPECT_FALSE(read(std::string(4'097, 'x')));
    std::filesystem::remove(file);
    const auto gone = read_secret(file.string());
    ASSERT_FALSE(gone);
    EXPECT_NE(gone.error().message.find(file.string()), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::exporting
