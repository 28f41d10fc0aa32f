#include "pipeline/inspect/rule_file.h"

#include <gtest/gtest.h>

#include <fstream>

namespace tapmeter::inspect {
namespace {

std::string fault_of(RuleFile kind, const std::string& text) {
    const std::string file =
        ::testing::TempDir() + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(file) << text;
    const auto checked = check_rule_file(file, kind);
    if (checked) {
        return "";
    }
    const std::string& message = checked.error().message;
    EXPECT_TRUE(message.starts_with(file + ":")) << message;
    return message.substr(file.size() + 1);
}

TEST(RuleFile, takes_every_form_that_nDPI_reads) {
    EXPECT_EQ(fault_of(RuleFile::own_protocols, R"(# a comment

tcp:81,tcp:8181@HTTP
udp:5061-5062@SIP
host:"example.org",host:"example.com"@Example
ip:192.0.2.0/24@Mine
tcp:0-65535@All
)"),
              "");
    EXPECT_EQ(fault_of(RuleFile::own_categories, "example.org\t5\r\n192.0.2.0/24\t0\nlast\t255\n"),
              "");
}

TEST(RuleFile, names_the_line_of_what_it_does_not) {
    const auto starts = [](const std::string& rule, const std::string& wanted) {
        const std::string fault = fault_of(RuleFile::own_protocols, "tcp:1@A\n" + rule + "\n");
        EXPECT_TRUE(fault.starts_with("2: " + wanted)) << rule << ": " << fault;
    };
    starts("tcp:81", "a rule is");
    starts("@HTTP", "a rule is");
    starts("tcp:81@", "a rule is");
    starts("tcp:65536@A", "\"65536\" is no port");
    starts("tcp:9-8@A", "\"9-8\" is no port");
    starts("udp:@A", "\"\" is no port");
    starts("sctp:1@A", "\"sctp\" is none of");
    starts("host:example.org@A", "a host stands in quotes");
    starts("ip:example@A", "\"example\" is no IPv4 prefix");
    starts("81@A", "\"81\" must be");
    EXPECT_TRUE(fault_of(RuleFile::own_categories, "example.org 5\n").starts_with("1: a rule is"));
    EXPECT_TRUE(
        fault_of(RuleFile::own_categories, "example.org\t256\n").starts_with("1: a rule is"));
    EXPECT_TRUE(fault_of(RuleFile::own_categories, "\t5\n").starts_with("1: a rule is"));
}

TEST(RuleFile, has_limits) {
    std::string protocols;
    for (std::size_t number = 0; number < own_protocols_max; ++number) {
        protocols += "tcp:" + std::to_string(number + 1) + "@own" + std::to_string(number) + "\n";
    }
    EXPECT_EQ(fault_of(RuleFile::own_protocols, protocols), "");
    EXPECT_TRUE(
        fault_of(RuleFile::own_protocols, protocols + "tcp:9@more\n").starts_with("201: more"));
    const std::string head = "host:\"";
    const std::string tail = "\"@A";
    const auto line = [&](std::size_t octets) {
        return head + std::string(octets - head.size() - tail.size(), 'x') + tail;
    };
    EXPECT_EQ(fault_of(RuleFile::own_protocols, line(1'000)), "");
    EXPECT_TRUE(fault_of(RuleFile::own_protocols, line(1'001)).starts_with("1: longer"));
}

TEST(RuleFile, must_exist) {
    const auto checked = check_rule_file("/nowhere/rules", RuleFile::own_protocols);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, Error::Kind::io);
    EXPECT_TRUE(checked.error().message.starts_with("/nowhere/rules: "));
}

}  // namespace
}  // namespace tapmeter::inspect
