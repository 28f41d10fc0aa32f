#include "src/config/overrides.h"

#include <gtest/gtest.h>

#include "tests/src/config/config_text.h"

namespace tapmeter::config {
namespace {

constexpr auto two_blocks =
    "[[capture]]\nsource = \"eth0.100\"\n[[capture]]\nname = \"p1\"\nsource = \"eth1\"\n"
    "[[export.ipfix]]\nname = \"main\"\ncollector = \"udp://192.0.2.7\"\n";

LoadRequest request_of(std::vector<std::string> sets, std::vector<std::string> environment) {
    LoadRequest request;
    request.file = "t.toml";
    request.text = two_blocks;
    request.sets = std::move(sets);
    request.environment = std::move(environment);
    return request;
}

TEST(Set, reaches_tables_and_blocks_by_name_and_number) {
    const auto loaded = load_config(request_of(
        {"flow.idle_timeout=10s", "capture.eth0.100.queues=2", "capture[1].prefilter.sample=7",
         "export.ipfix.main.time=ns", "flow.idle_timeout=11s", "capture.0.rx_ring=64"},
        {}));
    ASSERT_TRUE(loaded) << errors_of(loaded);
    EXPECT_EQ(loaded->config.flow.idle_timeout, std::chrono::seconds{11});  // the last one counts
    EXPECT_EQ(loaded->config.captures[0].queues, 2U);
    EXPECT_EQ(loaded->config.captures[0].rx_ring, 64U);
    EXPECT_EQ(loaded->config.captures[1].prefilter.sample, 7U);
    EXPECT_EQ(loaded->config.ipfix[0].time_unit, Config::TimeUnit::nanoseconds);
    EXPECT_EQ(loaded->find("capture.eth0.100.queues")->origin.to_text(),
              "--set capture.eth0.100.queues");
}

TEST(Set, answers_mistakes_with_what_was_meant) {
    const auto loaded = load_config(request_of(
        {"flow.idle_timout=10s", "idle_timeout=10s", "capture.p2.queues=1", "capture[2].queues=1",
         "capture.p1.qeues=1", "capture.queues=1", "export.json.x.path=y", "flow", "=1",
         "capture[1.queues=1", "flow.idle_timeout="},
        {}));
    const std::string errors = errors_of(loaded);
    EXPECT_EQ(loaded.error().size(), 11U) << errors;
    for (const auto* const part :
         {"--set flow.idle_timout: unknown key \"flow.idle_timout\"; did you mean "
          "\"flow.idle_timeout\"?",
          "--set idle_timeout: unknown key \"idle_timeout\"; did you mean \"flow.idle_timeout\"?",
          "did you mean \"capture.p1.queues\"?", "there is no [[export.json]] block",
          "--set flow: must be KEY=VALUE",
          "--set flow.idle_timeout: idle_timeout = \"\": must be"}) {
        EXPECT_NE(errors.find(part), std::string::npos) << part << "\n" << errors;
    }
}

TEST(Environment, is_stronger_than_files_and_weaker_than_set) {
    const std::vector<std::string> environment{"TAPMETER_FLOW__IDLE_TIMEOUT=10s",
                                               "TAPMETER_CAPTURE__ETH0_100__QUEUES=2",
                                               "TAPMETER_CAPTURE__1__PREFILTER__SAMPLE=7",
                                               "TAPMETER_EXPORT__IPFIX__MAIN__TIME=us",
                                               "HOME=/root",
                                               "TAPMETER_SOMETHING_ELSE=1",
                                               "TAPMETER"};
    const auto loaded = load_config(request_of({"flow.idle_timeout=12s"}, environment));
    ASSERT_TRUE(loaded) << errors_of(loaded);
    EXPECT_EQ(loaded->config.flow.idle_timeout, std::chrono::seconds{12});
    EXPECT_EQ(loaded->config.captures[0].queues, 2U);
    EXPECT_EQ(loaded->config.captures[1].prefilter.sample, 7U);
    EXPECT_EQ(loaded->find("export.ipfix.main.time")->origin.to_text(),
              "environment TAPMETER_EXPORT__IPFIX__MAIN__TIME");
}

TEST(Environment, refuses_misspelt_variables) {
    const auto loaded = load_config(
        request_of({}, {"TAPMETER_FLOW_IDLE_TIMEOUT=10s", "TAPMETER_FLOW__IDLE_TIMOUT=10s",
                        "TAPMETER_FLOW__IDLE_TIMEOUT=x", "TAPMETER_CAPTURE__P9__QUEUES=1"}));
    const std::string errors = errors_of(loaded);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().size(), 4U) << errors;
    EXPECT_NE(errors.find("did you mean TAPMETER_FLOW__IDLE_TIMEOUT?"), std::string::npos);
    EXPECT_NE(errors.find("environment TAPMETER_FLOW__IDLE_TIMEOUT: idle_timeout = \"x\""),
              std::string::npos);
}

TEST(Addresses, of_the_command_line_replace_those_of_the_files) {
    LoadRequest request = request_of({}, {});
    request.text = std::string(two_blocks) + "queue = 64\n";
    request.sources = {"eth1", "xdp:eth5"};
    request.collectors = {"192.0.2.7:4739", "[::1]:1"};
    request.json_paths = {"-"};
    const auto loaded = load_config(request);
    ASSERT_TRUE(loaded) << errors_of(loaded);
    ASSERT_EQ(loaded->config.captures.size(), 2U);
    EXPECT_EQ(loaded->config.captures[0].name, "p1");  // its block keeps its settings
    EXPECT_EQ(loaded->config.captures[1].name, "eth5");
    ASSERT_EQ(loaded->config.ipfix.size(), 2U);
    EXPECT_EQ(loaded->config.ipfix[0].queue_messages, 64U);
    EXPECT_EQ(loaded->config.ipfix[1].host, "::1");
    EXPECT_EQ(loaded->config.json[0].path, "-");
    EXPECT_EQ(loaded->find("export.json.json1.path")->origin.to_text(), "--json -");
}

TEST(Addresses, are_checked) {
    LoadRequest request;
    request.sources = {"xpd:eth1", "eth1", "eth1"};
    request.collectors = {"quic://h"};
    const std::string errors = errors_of(load_config(request));
    EXPECT_NE(errors.find("-i xpd:eth1: source"), std::string::npos) << errors;
    EXPECT_NE(errors.find("appears twice"), std::string::npos) << errors;
    EXPECT_NE(errors.find("-n quic://h"), std::string::npos) << errors;
}

TEST(Filter, behind_the_options_is_that_of_every_capture) {
    LoadRequest request;
    request.file = "x.toml";
    request.text =
        "[[capture]]\nsource = \"eth1\"\nfilter_raw = \"arp\"\n[[capture]]\nsource = "
        "\"eth2\"\nfilter = \"icmp\"\n";
    EXPECT_EQ(load_config(request)->config.captures[0].filter_raw, "arp");
    request.filter = "tcp port 443";
    const auto loaded = load_config(request);
    ASSERT_TRUE(loaded);
    for (const Config::Capture& capture : loaded->config.captures) {
        EXPECT_EQ(capture.filter, "tcp port 443");
        EXPECT_EQ(capture.filter_raw, "");
    }
    request.filter = "tcp prot 443";
    const auto wrong = load_config(request);
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().front().to_text().find("libpcap says"), std::string::npos);
}

TEST(Filter, cannot_be_set_in_both_ways) {
    LoadRequest request;
    request.file = "x.toml";
    request.text = "[[capture]]\nsource = \"eth1\"\nfilter_raw = \"arp\"\nfilter = \"icmp\"\n";
    const auto loaded = load_config(request);
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().front().to_text().find("both set"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::config
