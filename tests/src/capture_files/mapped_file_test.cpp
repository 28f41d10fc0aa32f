#include "src/capture_files/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/src/capture_files/temporary_file.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::TemporaryFile;

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

std::unique_ptr<MappedFile> map(const TemporaryFile& file, bool keep_pages = false) {
    const FileDescriptor descriptor{::open(file.path().c_str(), O_RDONLY | O_CLOEXEC)};
    return MappedFile::map(descriptor, std::filesystem::file_size(file.path()), keep_pages);
}

// Octets of mapped files that are resident in this process.
std::size_t resident_file_octets() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssFile:")) {
            return std::stoul(line.substr(8)) * 1'024;
        }
    }
    return 0;
}

// Walks over the file as a reader does; returns the most that became resident on the way.
std::size_t walk(MappedFile& file) {
    const std::size_t before = resident_file_octets();
    std::size_t most = before;
    while (file.fill() == Fill::more) {
        most = std::max(most, resident_file_octets());
        file.consume(file.ahead().size());
    }
    return most - before;
}

TEST(MappedFile, shows_the_file_step_by_step) {
    File content(mapped_first_octets + mapped_step_octets + 5);
    content.front() = std::byte{1};
    content.back() = std::byte{9};
    const TemporaryFile file(content);
    const auto mapped = map(file);
    ASSERT_NE(mapped, nullptr);

    EXPECT_TRUE(mapped->ahead().empty());
    EXPECT_EQ(mapped->octets_total(), content.size());
    EXPECT_EQ(mapped->fill(), Fill::more);
    EXPECT_EQ(mapped->ahead().size(), mapped_first_octets);
    EXPECT_EQ(mapped->ahead().front(), std::byte{1});
    mapped->consume(1);
    EXPECT_EQ(mapped->fill(), Fill::more);
    EXPECT_EQ(mapped->ahead().size(), mapped_step_octets - 1) << "steps end where pages do";
    EXPECT_EQ(mapped->fill(), Fill::more);
    EXPECT_EQ(mapped->ahead().size(), content.size() - 1);
    EXPECT_EQ(mapped->ahead().back(), std::byte{9});
    EXPECT_EQ(mapped->fill(), Fill::end);
    EXPECT_EQ(mapped->ahead().size(), content.size() - 1);
}

TEST(MappedFile, little_of_a_large_file_is_resident_at_a_time) {
    const TemporaryFile file({});
    std::filesystem::resize_file(file.path(), 192 * mebibyte);
    const auto mapped = map(file);
    EXPECT_LT(walk(*mapped), mapped_behind_octets + 3 * mapped_step_octets);
    EXPECT_GT(walk(*map(file, true)), 190 * mebibyte) << "what keep_pages asks for";
}

TEST(MappedFile, views_outlive_the_pages_that_were_given_back) {
    const TemporaryFile file({});
    std::filesystem::resize_file(file.path(), 64 * mebibyte);
    {
        std::fstream stream(file.path(), std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(100);
        stream.put('x');
    }
    const auto mapped = map(file);
    ASSERT_EQ(mapped->fill(), Fill::more);
    const Bytes view = mapped->ahead().subspan(100, 1);
    walk(*mapped);
    mapped->close();
    EXPECT_EQ(view[0], std::byte{'x'});
    EXPECT_TRUE(mapped->views_stay_valid());
}

// Whether there are such pages is for the file system to say; what is read is the same.
TEST(MappedFile, looking_for_large_pages_reads_nothing_away) {
    const TemporaryFile small(std::vector<std::byte>(mebibyte, std::byte{3}));
    EXPECT_FALSE(map(small)->has_large_pages()) << "shorter than one of them";

    const TemporaryFile large(std::vector<std::byte>(9 * mebibyte, std::byte{5}));
    const auto mapped = map(large);
    mapped->has_large_pages();
    std::size_t octets = 0;
    while (mapped->fill() == Fill::more) {
        octets += mapped->ahead().size();
        EXPECT_EQ(mapped->ahead().back(), std::byte{5});
        mapped->consume(mapped->ahead().size());
    }
    EXPECT_EQ(octets, 9 * mebibyte);
    EXPECT_EQ(mapped->failure(), 0);
}

TEST(MappedFile, a_file_that_was_shortened_before_has_no_large_pages_and_fails_later) {
    const TemporaryFile file({});
    std::filesystem::resize_file(file.path(), 3 * mapped_step_octets);
    const auto mapped = map(file);
    std::filesystem::resize_file(file.path(), 0);
    EXPECT_FALSE(mapped->has_large_pages());
    EXPECT_EQ(mapped->fill(), Fill::failed);
    EXPECT_EQ(mapped->failure(), EFAULT);
}

TEST(MappedFile, a_file_that_became_shorter_is_a_failure_not_a_signal) {
    const TemporaryFile file({});
    std::filesystem::resize_file(file.path(), 3 * mapped_step_octets);
    const auto mapped = map(file);
    ASSERT_EQ(mapped->fill(), Fill::more);
    ASSERT_EQ(mapped->fill(), Fill::more);
    std::filesystem::resize_file(file.path(), mapped_step_octets + mapped_first_octets);

    EXPECT_EQ(mapped->fill(), Fill::failed);
    EXPECT_EQ(mapped->failure(), EFAULT);
    EXPECT_EQ(mapped->fill(), Fill::failed) << "and stays one";
}

}  // namespace
}  // namespace tapmeter::capture_files
