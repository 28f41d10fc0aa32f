#include "dpdk/eal_log.h"

#include <gtest/gtest.h>
#include <rte_log.h>

#include <string>

namespace tapmeter::dpdk {
namespace {

void say(std::uint32_t level, const std::string& text) {
    rte_log(level, RTE_LOGTYPE_USER1, "%s\n", text.c_str());
}

TEST(EalLog, keeps_warnings_and_worse_after_the_mark) {
    say(RTE_LOG_ERR, "before");
    const std::uint64_t mark = log_mark();
    say(RTE_LOG_NOTICE, "chatter");
    EXPECT_EQ(log_since(mark), "");
    EXPECT_EQ(quoted_log_since(mark), "");
    say(RTE_LOG_WARNING, "first");
    say(RTE_LOG_ERR, "second\twith\x1b[31mcolour");
    EXPECT_EQ(log_since(mark), "first; second with [31mcolour");
    EXPECT_EQ(quoted_log_since(mark), " (DPDK says: first; second with [31mcolour)");
}

TEST(EalLog, forgets_the_oldest_and_cuts_the_longest) {
    const std::uint64_t mark = log_mark();
    for (std::size_t line = 0; line <= log_lines_max; ++line) {
        say(RTE_LOG_ERR, "line " + std::to_string(line) + ".");
    }
    EXPECT_EQ(log_since(mark).find("line 0."), std::string::npos);
    EXPECT_NE(log_since(mark).find("line 1."), std::string::npos);

    const std::uint64_t later = log_mark();
    say(RTE_LOG_ERR, std::string(log_line_octets_max, 'x'));
    EXPECT_EQ(log_since(later).size(), log_line_octets_max);
    const std::uint64_t last = log_mark();
    say(RTE_LOG_ERR, std::string(log_line_octets_max + 1, 'x'));
    EXPECT_EQ(log_since(last).size(), log_line_octets_max);
}

}  // namespace
}  // namespace tapmeter::dpdk
