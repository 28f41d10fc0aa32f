#include "src/capture_files/stream_buffer.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/src/capture_files/capture_builder.h"

namespace tapmeter::capture_files {
namespace {

using testing::File;
using testing::frame_of;

struct Pipe {
    Pipe() : Pipe(ends()) {}
    explicit Pipe(std::array<int, 2> ends) : reading(ends[0]), writing(ends[1]) {}

    static std::array<int, 2> ends() {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        return ends;
    }
    void write(const File& octets) const {
        EXPECT_EQ(::write(writing.number(), octets.data(), octets.size()),
                  static_cast<ssize_t>(octets.size()));
    }

    FileDescriptor reading;
    FileDescriptor writing;
};

TEST(StreamBuffer, shows_what_arrived_and_ends_when_the_writer_has_gone) {
    Pipe pipe;
    StreamBuffer buffer(std::move(pipe.reading));
    EXPECT_EQ(buffer.fill(), Fill::nothing_now);
    EXPECT_TRUE(buffer.ahead().empty());

    pipe.write(frame_of(100));
    EXPECT_EQ(buffer.fill(), Fill::more);
    EXPECT_EQ(buffer.ahead().size(), 100U);
    buffer.consume(60);
    EXPECT_EQ(buffer.fill(), Fill::nothing_now);
    EXPECT_EQ(buffer.ahead().size(), 40U);

    pipe.writing.reset();
    EXPECT_EQ(buffer.fill(), Fill::end);
    EXPECT_EQ(buffer.fill(), Fill::end);
    EXPECT_EQ(buffer.ahead().size(), 40U);
    EXPECT_FALSE(buffer.views_stay_valid());
    EXPECT_EQ(buffer.octets_total(), 0U);
}

TEST(StreamBuffer, always_grows_to_the_largest_record) {
    Pipe pipe;
    StreamBuffer buffer(std::move(pipe.reading));
    const File piece = frame_of(4'096);
    std::size_t consumed = 0;
    for (int round = 0; round < 4; ++round) {
        while (buffer.ahead().size() < block_head_octets_max) {
            pipe.write(piece);
            ASSERT_EQ(buffer.fill(), Fill::more);
        }
        const Bytes ahead = buffer.ahead();
        EXPECT_EQ(ahead.front(), piece[consumed % piece.size()]);
        EXPECT_EQ(ahead.back(), piece[(consumed + ahead.size() - 1) % piece.size()]);
        // All but an octet: what remains must move to the front.
        consumed += ahead.size() - 1;
        buffer.consume(ahead.size() - 1);
        ASSERT_EQ(buffer.ahead().size(), 1U);
        EXPECT_EQ(buffer.ahead().front(), piece[consumed % piece.size()]);
    }
}

TEST(StreamBuffer, a_read_that_fails_is_a_failure_with_its_cause) {
    FileDescriptor directory{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    StreamBuffer buffer(std::move(directory));
    EXPECT_EQ(buffer.fill(), Fill::failed);
    EXPECT_EQ(buffer.failure(), EISDIR);
    EXPECT_EQ(buffer.fill(), Fill::failed);
}

}  // namespace
}  // namespace tapmeter::capture_files
