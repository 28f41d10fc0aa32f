#include "src/exporting/alert_event.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/src/exporting/alerts.h"

namespace tapmeter::exporting {
namespace {

TEST(AlertEvents, eve_has_suricatas_members) {
    const auto set = rule_set();
    const AlertEvents events{{{.name = "eth\"1", .observation_domain_id = {}}}, *set};
    std::string line;
    events.append_eve(line, alert());
    ASSERT_TRUE(line.ends_with("}\n"));
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["event_type"], "alert");
    EXPECT_EQ(json["timestamp"], "2025-11-20T10:15:29.023456+0000");
    EXPECT_EQ(json["flow_id"], 1'234'567'890'123'456);
    EXPECT_EQ(json["in_iface"], "eth\"1");
    EXPECT_EQ(json["src_ip"], "10.1.2.3");
    EXPECT_EQ(json["dest_port"], 80);
    EXPECT_EQ(json["proto"], "TCP");
    EXPECT_EQ(json["app_proto"], "http");
    EXPECT_EQ(json["direction"], "to_server");
    EXPECT_TRUE(json["community_id"].get<std::string>().starts_with("1:"));
    const auto& of_rule = json["alert"];
    EXPECT_EQ(of_rule["action"], "allowed") << "nothing is blocked here";
    EXPECT_EQ(of_rule["signature_id"], 7);
    EXPECT_EQ(of_rule["rev"], 3);
    EXPECT_EQ(of_rule["gid"], 1);
    EXPECT_EQ(of_rule["signature"], "say \"hello\" \x01 ; \xC3\xA9");
    EXPECT_EQ(of_rule["category"], "A Network Trojan was detected");
    EXPECT_EQ(of_rule["severity"], 1);
    EXPECT_EQ(of_rule["metadata"]["tag"], (nlohmann::json{"one", "two"}));
    EXPECT_EQ(of_rule["metadata"]["created_at"], nlohmann::json::array({"2020_01_02"}));
}

TEST(AlertEvents, both_directions_have_one_community_id) {
    const auto set = rule_set();
    const AlertEvents events{{}, *set};
    inspect::Alert back = alert();
    std::swap(back.source, back.destination);
    std::swap(back.source_port, back.destination_port);
    std::string there;
    std::string here;
    events.append_eve(there, alert());
    events.append_eve(here, back);
    EXPECT_EQ(nlohmann::json::parse(there)["community_id"],
              nlohmann::json::parse(here)["community_id"]);
}

TEST(AlertEvents, of_another_set_only_the_numbers_are_known) {
    const auto set = rule_set();
    const AlertEvents events{{}, *set};
    for (const bool other_generation : {true, false}) {
        inspect::Alert late = alert();
        (other_generation ? late.generation : late.rule) = 99;
        std::string line;
        events.append_eve(line, late);
        const auto json = nlohmann::json::parse(line);
        EXPECT_EQ(json["alert"]["signature_id"], 7);
        EXPECT_EQ(json["alert"]["signature"], "");
    }
}

TEST(AlertEvents, syslog_has_one_line_whatever_the_message_holds) {
    const auto set = rule_set();
    const AlertEvents events{{}, *set};
    EXPECT_EQ(events.syslog_line(alert()),
              "[1:7:3] say \\\"hello\\\" \\u0001 ; \xC3\xA9 [Classification: A Network Trojan was "
              "detected] [Priority: 1] {TCP} 10.1.2.3:51234 -> 93.184.216.34:80");
    inspect::Alert six = alert();
    six.ip_version = 6;
    EXPECT_NE(events.syslog_line(six).find("{TCP} [::a01:203]:51234 -> "), std::string::npos)
        << events.syslog_line(six);
    six.protocol = 58;
    EXPECT_NE(events.syslog_line(six).find("::a01:203 -> "), std::string::npos);
}

TEST(AlertEvents, flat_has_the_names_of_information_elements) {
    const auto set = rule_set();
    const AlertEvents events{{{.name = "eth\"1", .observation_domain_id = {}}}, *set};
    std::string line;
    events.append_flat(line, alert());
    ASSERT_TRUE(line.ends_with("}\n"));
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["observationTimeNanoseconds"], "2025-11-20T10:15:29.023456789Z");
    EXPECT_EQ(json["flowId"], 1'234'567'890'123'456);
    EXPECT_EQ(json["sourceIPv4Address"], "10.1.2.3");
    EXPECT_EQ(json["destinationTransportPort"], 80);
    EXPECT_EQ(json["protocolIdentifier"], 6);
    EXPECT_EQ(json["signatureId"], 7);
    EXPECT_EQ(json["signatureRevision"], 3);
    EXPECT_EQ(json["signatureName"], "say \"hello\" \x01 ; \xC3\xA9");
    EXPECT_EQ(json["signatureDirection"], "to_server");
    EXPECT_EQ(json["applicationName"], "http");
    EXPECT_EQ(json["interfaceName"], "eth\"1");

    inspect::Alert other = alert();
    other.ip_version = 6;
    other.protocol = 58;
    other.generation = 1;
    other.observation_point = 9;
    line.clear();
    events.append_flat(line, other);
    const auto late = nlohmann::json::parse(line);
    EXPECT_TRUE(late.contains("sourceIPv6Address"));
    EXPECT_FALSE(late.contains("sourceTransportPort"));
    EXPECT_FALSE(late.contains("interfaceName"));
    EXPECT_EQ(late["signatureName"], "") << "of a set that is gone";
}

// As Suricata's fast.log, whatever a message holds.
TEST(AlertEvents, fast_has_the_time_and_marks_around_the_message) {
    const auto set = rule_set();
    const AlertEvents events{{}, *set};
    std::string line;
    events.append_fast(line, alert());
    const std::string rest = events.syslog_line(alert());
    const std::size_t end = rest.find(" [Classification");
    EXPECT_EQ(line, "11/20/2025-10:15:29.023456  [**] " + rest.substr(0, end) + " [**]" +
                        rest.substr(end) + "\n");
}

}  // namespace
}  // namespace tapmeter::exporting
