#include <gtest/gtest.h>

#include "src/config/keys.h"

namespace tapmeter::config {
namespace {

std::string rule_of(std::string_view table, std::string_view name) {
    return rule(*find_key(table, name));
}

TEST(Rule, says_type_range_and_words) {
    EXPECT_EQ(rule_of("capture", "queues"), "a whole number from 1 to 64, or \"auto\"");
    EXPECT_EQ(rule_of("capture", "rx_ring"), "a power of two from 64 to 32,768, or \"auto\"");
    EXPECT_EQ(rule_of("capture", "xdp_mode"), "\"auto\", \"native\" or \"generic\"");
    EXPECT_EQ(rule_of("capture", "promiscuous"), "true or false");
    EXPECT_EQ(rule_of("export.ipfix", "quirks"), "\"\" or \"nfdump\"");
    EXPECT_EQ(rule_of("memory", "dpdk"),
              "a size such as \"64KiB\" or \"4GiB\", from 64MiB to 1TiB");
    EXPECT_EQ(
        rule_of("export.ipfix", "template_refresh"),
        "a duration such as \"500ms\", \"30s\", \"5m\" or \"1h\", in whole seconds, from 1s to "
        "1d");
}

}  // namespace
}  // namespace tapmeter::config
