#include "src/control/recall_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/control/flat_json.h"
#include "tests/src/metrics/sample.h"

namespace tapmeter::control {
namespace {

using testing::HasSubstr;

decode::Address ipv4(std::uint8_t last) {
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, last};
}

TEST(RecallText, reads_a_host) {
    const auto recall = parse_recall(R"({"host":"192.0.2.7"})");
    ASSERT_TRUE(recall) << recall.error().message;
    EXPECT_EQ(recall->of, Recall::Of::host);
    EXPECT_EQ(recall->key.low, ipv4(7));
    EXPECT_EQ(recall->key.ip_version, 4);
    EXPECT_EQ(parse_recall(R"({"host":"2001:db8::7"})")->key.ip_version, 6);
}

// Whichever end is named first.
TEST(RecallText, reads_a_flow) {
    const auto one = parse_recall(R"({"protocol":"tcp","source":"192.0.2.9","source_port":443,)"
                                  R"("destination":"192.0.2.7","destination_port":50000})");
    const auto other = parse_recall(R"({"protocol":6,"source":"192.0.2.7","source_port":50000,)"
                                    R"("destination":"192.0.2.9","destination_port":443})");
    ASSERT_TRUE(one && other);
    EXPECT_EQ(one->of, Recall::Of::flow);
    EXPECT_EQ(one->key, other->key);
    EXPECT_EQ(one->key.low, ipv4(7));
    EXPECT_EQ(one->key.low_port, 50'000);
    EXPECT_EQ(one->key.high_port, 443);
    EXPECT_EQ(one->key.protocol, 6);
    const auto icmp =
        parse_recall(R"({"protocol":"icmp","source":"192.0.2.9","destination":"192.0.2.7"})");
    ASSERT_TRUE(icmp);
    EXPECT_EQ(icmp->key.protocol, 1);
}

TEST(RecallText, reads_a_filter_as_it_stands) {
    const auto recall = parse_recall(R"({"filter":"tcp port 443 and not host 192.0.2.7"})");
    ASSERT_TRUE(recall) << recall.error().message;
    EXPECT_EQ(recall->of, Recall::Of::filter);
    EXPECT_EQ(recall->expression, "tcp port 443 and not host 192.0.2.7");
}

struct Refused {
    std::string json;
    std::string says;
};

TEST(RecallText, refuses_with_the_cure) {
    const std::vector<Refused> all{
        {"", "recall: no JSON"},
        {"[]", "write one such as {\"host\": \"192.0.2.7\"}"},
        {"{}", "protocol is missing; name a host, a filter"},
        {R"({"hots":"192.0.2.7"})", "did you mean \"host\"?"},
        {R"({"host":"192.0.2.7","host":"192.0.2.8"})", "given twice"},
        {R"({"host":"192.0.2.7","protocol":"tcp"})", "host stands alone"},
        {R"({"filter":"udp","host":"192.0.2.7"})", "filter stands alone"},
        {R"({"filter":""})", "such as {\"filter\": \"tcp port 443\"}"},
        {R"({"filter":7})", "filter stands alone"},
        {R"({"host":"192.0.2"})", "host: \"192.0.2\" is no address"},
        {R"({"host":7})", "host: 7 is no address"},
        {R"({"host":"192.0.2.7\u0000"})", "is no address"},
        {R"({"protocol":"tpc","source":"192.0.2.7","destination":"192.0.2.7"})",
         "protocol: \"tpc\" is none"},
        {R"({"protocol":256,"source":"192.0.2.7","destination":"192.0.2.7"})",
         "protocol: 256 is none"},
        {R"({"protocol":"tcp","source":"192.0.2.7","destination":"192.0.2.7"})",
         "source_port is missing"},
        {R"({"protocol":"tcp","source":"192.0.2.7","source_port":1,"destination":"192.0.2.7"})",
         "destination_port is missing"},
        {R"({"protocol":"tcp","source":"192.0.2.7","source_port":65536,)"
         R"("destination":"192.0.2.7","destination_port":1})",
         "source_port: 65536 is no port"},
        {R"({"protocol":"tcp","source":"192.0.2.7","source_port":1,)"
         R"("destination":"::1","destination_port":1})",
         "different versions"},
    };
    for (const Refused& refused : all) {
        const auto recall = parse_recall(refused.json);
        ASSERT_FALSE(recall) << refused.json;
        EXPECT_EQ(recall.error().kind, Error::Kind::invalid_config);
        EXPECT_THAT(recall.error().message, HasSubstr(refused.says)) << refused.json;
    }
}

TEST(RecallText, tells_what_is_kept_and_what_was_written) {
    metrics::Snapshot snapshot = metrics::sample_snapshot();
    snapshot.workers[0].books.history.held = {1'000, 64'000};
    snapshot.workers[0].books.history.recalled.wanted = {12, 700};
    snapshot.workers[0].books.history.recalled.refused[index_of(NotWritten::left_history)] = {2, 9};
    snapshot.recalls.emplace().closed = 3;
    EXPECT_THAT(recalls_as_text(snapshot), HasSubstr("packets kept"));
    EXPECT_THAT(recalls_as_csv(snapshot), HasSubstr("packets recalled,12\n"));
    EXPECT_THAT(recalls_as_csv(snapshot), HasSubstr("packets lost: left_history,2\n"));
    const auto json = nlohmann::json::parse(recalls_as_json(snapshot));
    EXPECT_EQ(json["history"]["held"]["packets"], 1'000);
    EXPECT_EQ(json["recalls"]["closed"], 3);
}

TEST(FlatJson, has_a_bounded_depth) {
    EXPECT_TRUE(parse_flat(R"({"a":[1,2]})", "it", "{}"));
    EXPECT_FALSE(parse_flat(R"({"a":[[1]]})", "it", "{}"));
    EXPECT_FALSE(parse_flat(std::string(100'000, '['), "it", "{}"));
    EXPECT_EQ(shown(nlohmann::json(std::string(100, 'x'))).size(), 63U);
}

}  // namespace
}  // namespace tapmeter::control
