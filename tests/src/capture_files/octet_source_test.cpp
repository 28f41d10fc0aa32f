#include "src/capture_files/octet_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "src/capture_files/file_descriptor.h"
#include "tests/src/capture_files/temporary_file.h"

namespace tapmeter::capture_files {
namespace {

using testing::frame_of;
using testing::TemporaryFile;

// Standard input is something else for a while.
class StandardInput {
public:
    explicit StandardInput(int replacement) : before_(::dup(STDIN_FILENO)) {
        EXPECT_EQ(::dup2(replacement, STDIN_FILENO), STDIN_FILENO);
    }
    StandardInput(const StandardInput&) = delete;
    StandardInput& operator=(const StandardInput&) = delete;
    ~StandardInput() { ::dup2(before_.number(), STDIN_FILENO); }

private:
    FileDescriptor before_;
};

TEST(OctetSource, maps_a_file) {
    const TemporaryFile file(frame_of(100));
    const auto source = open_octets(file.path(), false);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_TRUE((*source)->views_stay_valid());
    EXPECT_EQ((*source)->octets_total(), 100U);
    EXPECT_EQ((*source)->fill(), Fill::more);
    EXPECT_EQ((*source)->ahead().size(), 100U);
}

TEST(OctetSource, a_file_read_through_a_buffer_knows_its_length_and_its_end) {
    const TemporaryFile file(frame_of(100));
    const auto source = open_octets(file.path(), false, true);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_FALSE((*source)->views_stay_valid());
    EXPECT_EQ((*source)->octets_total(), 100U);
    EXPECT_EQ((*source)->fill(), Fill::more);
    EXPECT_EQ((*source)->ahead().size(), 100U);
    EXPECT_EQ((*source)->fill(), Fill::end);
}

TEST(OctetSource, an_empty_file_ends_at_once) {
    const TemporaryFile file({});
    const auto source = open_octets(file.path(), false);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ((*source)->fill(), Fill::end);
}

TEST(OctetSource, standard_input_is_mapped_where_it_is_a_file_at_its_start) {
    const TemporaryFile file(frame_of(100));
    const FileDescriptor descriptor{::open(file.path().c_str(), O_RDONLY | O_CLOEXEC)};
    const StandardInput input(descriptor.number());
    {
        const auto source = open_octets("-", false);
        ASSERT_TRUE(source) << source.error().message;
        EXPECT_TRUE((*source)->views_stay_valid());
    }
    ASSERT_EQ(::lseek(descriptor.number(), 30, SEEK_SET), 30);
    const auto source = open_octets("-", false);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_FALSE((*source)->views_stay_valid()) << "somebody has read a part of it";
    EXPECT_EQ((*source)->fill(), Fill::more);
    EXPECT_EQ((*source)->ahead().size(), 70U);
}

TEST(OctetSource, says_why_it_cannot_be_opened) {
    EXPECT_EQ(open_octets("/nonexistent/x.pcap", false).error().message,
              "cannot be opened: No such file or directory");
    EXPECT_EQ(open_octets("/", false).error().message,
              "cannot be opened: is a directory, must be a capture file, a pipe or - for standard "
              "input");
}

TEST(OctetSource, refuses_a_terminal) {
    const FileDescriptor terminal{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!terminal.is_open()) {
        GTEST_SKIP() << "this machine gives no pseudo terminal";
    }
    const StandardInput input(terminal.number());
    EXPECT_EQ(open_octets("-", false).error().message,
              "cannot be opened: is a terminal; pipe a capture into it or name a file");
}

}  // namespace
}  // namespace tapmeter::capture_files
