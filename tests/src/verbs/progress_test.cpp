#include "src/verbs/progress.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tapmeter::verbs {
namespace {

// What a Progress that was shown these leaves on standard error, up to its end.
std::string shown(bool wanted, const std::vector<capture_files::Progress>& all) {
    ::testing::internal::CaptureStderr();
    {
        Progress progress(wanted);
        for (const capture_files::Progress& one : all) {
            progress.show(one);
        }
    }
    return ::testing::internal::GetCapturedStderr();
}

capture_files::Progress at(std::uint64_t read, std::uint64_t total) {
    capture_files::Progress progress;
    progress.octets_read = Octets{read};
    progress.octets_total = Octets{total};
    return progress;
}

TEST(Progress, is_one_line_written_over_and_cleared_at_the_end) {
    EXPECT_EQ(shown(true, {at(0, 2'000'000), at(1'000'000, 2'000'000), at(2'000'000, 2'000'000)}),
              "\r  0 % of 2.00 MB\r 50 % of 2.00 MB\r100 % of 2.00 MB\r\033[K");
}

TEST(Progress, of_a_pipe_tells_octets_because_nobody_knows_the_end) {
    EXPECT_EQ(shown(true, {at(1'500, 0)}), "\r1.50 kB\r\033[K");
}

TEST(Progress, says_nothing_where_nobody_wants_it_or_nothing_was_shown) {
    EXPECT_EQ(shown(false, {at(1, 2)}), "");
    EXPECT_EQ(shown(true, {}), "");
}

}  // namespace
}  // namespace tapmeter::verbs
