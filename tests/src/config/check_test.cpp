#include "src/config/check.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

const Key& key(std::string_view table, std::string_view name) {
    return *find_key(table, name);
}

struct Limit {
    std::string table;
    std::string name;
    std::string text;
    bool fits;
};

class BothSides : public testing::TestWithParam<Limit> {};

TEST_P(BothSides, of_every_limit) {
    const Limit& limit = GetParam();
    const auto value = check_text(key(limit.table, limit.name), limit.text);
    EXPECT_EQ(value.has_value(), limit.fits) << limit.name << " = " << limit.text;
    if (!value) {
        EXPECT_NE(value.error().message.find("must be"), std::string::npos);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Check, BothSides,
    testing::Values(
        Limit{"instance", "observation_domain_id", "0", false},
        Limit{"instance", "observation_domain_id", "1", true},
        Limit{"instance", "observation_domain_id", "4294967295", true},
        Limit{"instance", "observation_domain_id", "4294967296", false},
        Limit{"capture", "queues", "0", false}, Limit{"capture", "queues", "64", true},
        Limit{"capture", "queues", "65", false}, Limit{"capture", "queues", "auto", true},
        Limit{"capture", "rx_ring", "32", false}, Limit{"capture", "rx_ring", "64", true},
        Limit{"capture", "rx_ring", "65", false}, Limit{"capture", "rx_ring", "32768", true},
        Limit{"capture", "rx_ring", "65536", false}, Limit{"capture", "frame_octets", "2048", true},
        Limit{"capture", "frame_octets", "3072", false},
        Limit{"capture", "frame_octets", "8192", false},
        Limit{"capture.prefilter", "sample", "1000000", true},
        Limit{"capture.prefilter", "sample", "1000001", false},
        Limit{"capture.prefilter", "deny_ports", "1,65535", true},
        Limit{"capture.prefilter", "deny_ports", "0", false},
        Limit{"capture.prefilter", "deny_ports", "65536", false},
        Limit{"capture", "link_speed", "0", false}, Limit{"capture", "link_speed", "1", true},
        Limit{"capture", "link_speed", "10000000", true},
        Limit{"capture", "link_speed", "10000001", false},
        Limit{"kpi.service", "hosts", "10.1.0.0/32", true},
        Limit{"kpi.service", "hosts", "10.1.0.0/33", false},
        Limit{"kpi.service", "hosts", "2001:db8::/128,::1", true},
        Limit{"kpi.service", "hosts", "2001:db8::/129", false},
        Limit{"memory", "dpdk", "64MiB", true}, Limit{"memory", "dpdk", "65535KiB", false},
        Limit{"memory", "dpdk", "1TiB", true}, Limit{"memory", "dpdk", "1025GiB", false},
        Limit{"flow", "flows_max", "1023", false}, Limit{"flow", "flows_max", "1Ki", true},
        Limit{"flow", "flows_max", "134217728", true},
        Limit{"flow", "flows_max", "134217729", false},
        Limit{"flow", "idle_timeout", "999ms", false}, Limit{"flow", "idle_timeout", "1s", true},
        Limit{"flow", "idle_timeout", "1h", true}, Limit{"flow", "idle_timeout", "61m", false},
        Limit{"flow", "tcp_end_timeout", "0s", true}, Limit{"flow", "tcp_end_timeout", "1m", true},
        Limit{"flow", "tcp_end_timeout", "60001ms", false},
        Limit{"export.ipfix", "template_refresh", "1500ms", false},
        Limit{"export.ipfix", "template_refresh", "2000ms", true},
        Limit{"export.ipfix", "max_message", "511", false},
        Limit{"export.ipfix", "max_message", "512", true},
        Limit{"export.ipfix", "max_message", "65507", true},
        Limit{"export.ipfix", "max_message", "65508", false},
        Limit{"export.ipfix", "quirks", "", true}, Limit{"log", "level", "", false},
        Limit{"control", "socket", "off", true}, Limit{"control", "socket", "relative", false},
        Limit{"control", "socket", "/" + std::string(106, 'a'), true},
        Limit{"control", "socket", "/" + std::string(107, 'a'), false},
        Limit{"control", "group", std::string(32, 'a'), true},
        Limit{"control", "group", std::string(33, 'a'), false},
        Limit{"control", "group", "a b", false},
        Limit{"export.json", "path", std::string(4'095, 'a'), true},
        Limit{"export.json", "path", std::string(4'096, 'a'), false},
        Limit{"export.json", "path", "a\nb", false}));

TEST(CheckNode, refuses_wrong_types) {
    TomlNode number;
    number.kind = TomlNode::Kind::integer;
    number.integer = 30;
    EXPECT_FALSE(check_node(key("flow", "idle_timeout"), number));
    EXPECT_FALSE(check_node(key("capture", "promiscuous"), number));
    EXPECT_FALSE(check_node(key("instance", "name"), number));
    EXPECT_TRUE(check_node(key("capture", "queues"), number));
    number.integer = -1;
    EXPECT_FALSE(check_node(key("capture", "queues"), number));

    TomlNode text;
    text.text = "4";  // a number in quotes is a text
    EXPECT_FALSE(check_node(key("capture", "queues"), text));
    EXPECT_FALSE(check_node(key("memory", "dpdk"), text));
    EXPECT_FALSE(check_node(key("capture.prefilter", "exclude"), text));
}

TEST(CheckText, takes_lists_with_commas_or_as_toml_writes_them) {
    const Key& exclude = key("capture.prefilter", "exclude");
    const std::vector<std::string> both{"10.0.0.0/8", "2001:db8::/32"};
    EXPECT_EQ(*check_text(exclude, "10.0.0.0/8,2001:db8::/32"), Value{both});
    EXPECT_EQ(*check_text(exclude, "[\"10.0.0.0/8\", '2001:db8::/32']"), Value{both});
    EXPECT_EQ(*check_text(exclude, ""), Value{std::vector<std::string>{}});
    EXPECT_EQ(*check_text(exclude, "[]"), Value{std::vector<std::string>{}});
    EXPECT_FALSE(check_text(exclude, "a,,b"));
    EXPECT_EQ(*check_text(key("flow", "idle_timeout"), "\"10s\""), Value{std::uint64_t{10'000}});
}

TEST(CheckText, refuses_octets_that_a_file_may_not_hold) {
    const Key& exclude = key("capture.prefilter", "exclude");
    EXPECT_FALSE(check_text(exclude, "10.0.0.0/8,\xFF"));
    EXPECT_FALSE(check_text(exclude, std::string_view("a\0b", 3)));
    EXPECT_TRUE(check_text(exclude, "\xC3\xA4"));
}

TEST(TomlText, is_one_spelling_for_each_value) {
    const auto spelled = [](const Key& row, std::string_view text) {
        return toml_text(row, *check_text(row, text));
    };
    EXPECT_EQ(spelled(key("flow", "idle_timeout"), "60s"), "\"1m\"");
    EXPECT_EQ(spelled(key("flow", "flows_max"), "4M"), "4000000");
    EXPECT_EQ(spelled(key("memory", "dpdk"), "1073741824"), "\"1GiB\"");
    EXPECT_EQ(spelled(key("export.ipfix", "collector"), "udp://h"), "\"udp://h:4739\"");
    EXPECT_EQ(spelled(key("http", "listen"), "localhost:80"), "\"127.0.0.1:80\"");
    EXPECT_EQ(spelled(key("workers", "cores"), "2,3,4"), "\"2-4\"");
    EXPECT_EQ(spelled(key("capture.prefilter", "deny_ports"), "1,2"), "[1, 2]");
    EXPECT_EQ(spelled(key("control", "socket"), "off"), "\"off\"");
}

TEST(InQuotes, escapes_what_toml_and_json_must_not_see) {
    EXPECT_EQ(in_quotes("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
    EXPECT_EQ(in_quotes("\xC3\xA4"), "\"\xC3\xA4\"");
    EXPECT_EQ(shortened(std::string(80, 'a')), "\"" + std::string(80, 'a') + "\"");
    EXPECT_EQ(shortened(std::string(81, 'a')), "\"" + std::string(80, 'a') + "\"...");
    const std::string umlauts = std::string(79, 'a') + "\xC3\xA4\xC3\xA4";
    EXPECT_EQ(shortened(umlauts), "\"" + std::string(79, 'a') + "\"...");
}

}  // namespace
}  // namespace tapmeter::config
