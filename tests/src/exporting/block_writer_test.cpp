#include "src/exporting/block_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "src/exporting/json_output.h"
#include "tests/src/exporting/json_test.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::mixed_records;

// Through the output that it serves: nothing else fills its queue.
class BlockWriterTest : public JsonTest {};

TEST_F(BlockWriterTest, a_new_file_is_for_owner_and_group) {
    const mode_t before = ::umask(0);
    const auto file = open_line_file(path());
    ::umask(before);
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->regular);
    struct stat status {};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST_F(BlockWriterTest, a_fifo_without_a_reader_is_an_error_not_a_wait) {
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    EXPECT_FALSE(open_line_file(path()));
}

TEST_F(BlockWriterTest, a_symbolic_link_is_refused) {
    fs::create_symlink(folder_ / "elsewhere", path());
    const auto output = open_json(config(), json_points);
    ASSERT_FALSE(output);
    EXPECT_EQ(output.error().kind, Error::Kind::io);
    EXPECT_NE(output.error().message.find("symbolic link"), std::string::npos);
    EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
}

TEST_F(BlockWriterTest, a_reader_that_goes_away_is_an_error_to_count) {
    ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
    std::unique_ptr<Output> output;
    {
        const Descriptor reader(::open(path().c_str(), O_RDONLY | O_NONBLOCK));
        output = open_json(config(), json_points).value();
    }
    output->take(mixed_records(100));
    output->flush(steady_clock::now() + seconds{20});
    EXPECT_EQ(output->counters().dropped[1].records, 100U);
    EXPECT_FALSE(output->counters().up);
    expect_balanced(output->counters());
}

// RLIMIT_FSIZE stands for the full disk: the block that does not fit is cut off again, so the file
// ends with a whole line and holds exactly what is counted as sent.
TEST_F(BlockWriterTest, a_full_disk_leaves_whole_lines) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit{100'000, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
    std::string said;
    {
        auto output =
            open_json(config(), json_points, [&](std::string line) { said = line; }).value();
        output->take(mixed_records(1'000));
        output->flush(steady_clock::now() + seconds{20});
        const OutputCounters counters = output->counters();
        expect_balanced(counters);
        EXPECT_GT(counters.sent.records, 0U);
        EXPECT_GT(counters.dropped[1].records, 0U);
        EXPECT_EQ(counters.sent.records, lines());
        EXPECT_EQ(content(path()).back(), '\n');
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_NE(said.find("json/test"), std::string::npos);
    EXPECT_NE(said.find("File too large"), std::string::npos) << said;
}

}  // namespace
}  // namespace tapmeter::exporting
