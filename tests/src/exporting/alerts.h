#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "pipeline/inspect/alert.h"
#include "pipeline/inspect/signature_set.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {

// A rule whose words every format must escape, and an alert of it.
inline std::unique_ptr<const inspect::SignatureSet> rule_set() {
    inspect::rules::RuleSet rules;
    inspect::rules::parse_rules(
        "drop http any any -> any any (msg:\"say \\\"hello\\\" \x01 \\; \xC3\xA9\"; content:\"a\"; "
        "classtype:trojan-activity; metadata:tag one, created_at 2020_01_02, tag two; sid:7; "
        "rev:3;)\n",
        "x.rules", {}, rules);
    auto set = inspect::SignatureSet::build(std::move(rules), {.generation = 5});
    EXPECT_TRUE(set) << (set ? "" : set.error().message);
    return set ? std::move(*set) : nullptr;
}

inline inspect::Alert alert() {
    inspect::Alert alert;
    alert.source = test_support::ipv4(10, 1, 2, 3);
    alert.destination = test_support::ipv4(93, 184, 216, 34);
    alert.source_port = 51'234;
    alert.destination_port = 80;
    alert.protocol = 6;
    alert.ip_version = 4;
    alert.application = inspect::rules::Application::http;
    alert.gid = 1;
    alert.sid = 7;
    alert.rev = 3;
    alert.generation = 5;
    alert.severity = 1;
    alert.flow_id = 1'234'567'890'123'456;
    alert.at = ObservedAt{Nanoseconds{1'763'633'729'023'456'789}};
    alert.to_server = true;
    return alert;
}

}  // namespace tapmeter::exporting
