// Alerts of signatures through an output of lines, beside the flow records.

#include <nlohmann/json.hpp>

#include "src/exporting/alert_event.h"
#include "tests/src/exporting/alerts.h"
#include "tests/src/exporting/json_test.h"
#include "tests/support/collector.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using Format = Config::Json::Format;

class JsonAlerts : public JsonTest {
protected:
    std::vector<std::string> written() const {
        std::ifstream stream(path());
        std::vector<std::string> all;
        for (std::string line; std::getline(stream, line);) {
            all.push_back(line);
        }
        return all;
    }
    // A flow record, two alerts and another record.
    OutputCounters taken(Format format) {
        auto output = open_json(config(format), json_points).value();
        const std::array records{test_support::tcp_record()};
        const std::array alerts{alert(), alert()};
        output->take(records);
        output->take_alerts(alerts, words_);
        output->take(records);
        output->flush(steady_clock::now() + seconds{20});
        const OutputCounters counters = output->counters();
        EXPECT_EQ(counters.taken.alerts, 2U);
        EXPECT_EQ(counters.sent.alerts, 2U);
        EXPECT_EQ(counters.taken.records, 2U);
        EXPECT_EQ(counters.sent.records + counters.left_out.records, 2U);
        return counters;
    }

    std::unique_ptr<const inspect::SignatureSet> set_ = rule_set();
    AlertEvents words_{json_points, *set_};
};

TEST_F(JsonAlerts, stand_between_the_records_in_the_order_they_came) {
    EXPECT_EQ(taken(Format::eve).left_out.records, 0U);
    const auto lines = written();
    ASSERT_EQ(lines.size(), 4U);
    for (const std::size_t place : {0U, 3U}) {
        EXPECT_EQ(nlohmann::json::parse(lines[place])["event_type"], "flow");
    }
    for (const std::size_t place : {1U, 2U}) {
        EXPECT_EQ(nlohmann::json::parse(lines[place])["alert"]["signature_id"], 7);
    }
}

TEST_F(JsonAlerts, are_in_the_flat_format_too) {
    taken(Format::flat);
    const auto lines = written();
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_TRUE(nlohmann::json::parse(lines[0]).contains("flowStartNanoseconds"));
    const auto json = nlohmann::json::parse(lines[1]);
    EXPECT_EQ(json["signatureId"], 7);
    EXPECT_EQ(json["interfaceName"], "eth1");
}

TEST_F(JsonAlerts, are_all_that_the_fast_format_has) {
    EXPECT_EQ(taken(Format::fast).left_out.records, 2U);
    const auto lines = written();
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_NE(lines[0].find(" [**] [1:7:3] say "), std::string::npos) << lines[0];
    EXPECT_TRUE(lines[0].ends_with("{TCP} 10.1.2.3:51234 -> 93.184.216.34:80")) << lines[0];
}

TEST_F(JsonAlerts, a_message_of_syslog_says_what_it_is_about) {
    test_support::UdpListener listener;
    Config::Json json = config(Format::fast);
    json.to = Config::Json::To::udp;
    json.host = "127.0.0.1";
    json.port = listener.port();
    json.framing = Config::Json::Framing::syslog;
    auto output = open_json(json, json_points).value();
    const std::array alerts{alert()};
    output->take_alerts(alerts, words_);
    output->flush(steady_clock::now() + seconds{20});
    const auto datagram = listener.receive(seconds{10});
    ASSERT_TRUE(datagram.has_value());
    std::string message;
    for (const std::byte octet : *datagram) {
        message += static_cast<char>(octet);
    }
    EXPECT_TRUE(message.starts_with("<130>1 2025-11-20T10:15:29.023456Z ")) << message;
    EXPECT_NE(message.find(" alert - [1:7:3] say "), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
}

// A rule's words have no limit; a block has. What fits into none is counted, and the next one goes.
TEST_F(JsonAlerts, a_line_longer_than_a_block_is_dropped_and_counted) {
    inspect::rules::RuleSet rules;
    const std::string escaped(12'000, '\x01');  // six octets each in JSON
    inspect::rules::parse_rules(
        "alert ip any any -> any any (msg:\"long\"; metadata:k " + escaped + "; sid:7;)\n",
        "x.rules", {}, rules);
    ASSERT_EQ(rules.rules.size(), 1U);
    const auto set = inspect::SignatureSet::build(std::move(rules), {.generation = 5});
    ASSERT_TRUE(set) << set.error().message;
    const AlertEvents words{json_points, **set};
    auto output = open_json(config(), json_points).value();
    const std::array alerts{alert()};
    const std::array records{test_support::tcp_record()};
    output->take(records);
    output->take_alerts(alerts, words);
    output->take_alerts(alerts, words_);
    output->flush(steady_clock::now() + seconds{20});
    const OutputCounters counters = output->counters();
    EXPECT_EQ(counters.taken.alerts, 2U);
    EXPECT_EQ(counters.dropped[0].alerts, 1U);
    EXPECT_EQ(counters.sent.alerts, 1U);
    EXPECT_EQ(written().size(), 2U);
}

}  // namespace
}  // namespace tapmeter::exporting
