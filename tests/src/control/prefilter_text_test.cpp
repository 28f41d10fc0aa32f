#include "src/control/prefilter_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tapmeter::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PrefilterChange, reads_every_member) {
    const auto change = parse_prefilter_change(
        R"({"interface":"p0","add":["10.0.0.0/8","2001:db8::/32","192.0.2.1"],)"
        R"("remove":["0.0.0.0/0"],"deny":[1,65535],"allow":[22],"sample":1000000})");
    ASSERT_TRUE(change.has_value()) << change.error().message;
    EXPECT_EQ(change->interface, "p0");
    EXPECT_THAT(change->add, ElementsAre("10.0.0.0/8", "2001:db8::/32", "192.0.2.1"));
    EXPECT_THAT(change->remove, ElementsAre("0.0.0.0/0"));
    EXPECT_THAT(change->deny, ElementsAre(1, 65'535));
    EXPECT_THAT(change->allow, ElementsAre(22));
    EXPECT_EQ(change->sample, 1'000'000U);
}

struct Refused {
    std::string json;
    std::string says;
};

TEST(PrefilterChange, refuses_with_the_cure) {
    const std::vector<Refused> all{
        {"", "no JSON"},
        {"{", "no JSON"},
        {"{}", "nothing to change"},
        {R"({"interface":"p0"})", "nothing to change"},
        {R"({"add":[]})", "nothing to change"},
        {"[]", "not an object"},
        {"null", "not an object"},
        {"5", "not an object"},
        {R"({"smaple":2})", "did you mean \"sample\"?"},
        {R"({"frobnicate":2})", "known: interface, add, remove, deny, allow, sample"},
        {R"({"sample":2,"sample":3})", "\"sample\" is given twice"},
        {R"({"add":[["10.0.0.0/8"]]})", "nested too deep"},
        {R"({"add":{"a":{"b":1}}})", "nested too deep"},
        {R"({"add":{"a":1}})", "add must be a list"},
        {R"({"add":"10.0.0.0/8"})", "add must be a list"},
        {R"({"add":[10]})", "10 is no prefix"},
        {R"({"add":["10.0.0.0/33"]})", "is no prefix"},
        {R"({"add":["10.0.0/8"]})", "is no prefix"},
        {R"({"add":["10.0.0.0/"]})", "is no prefix"},
        {R"({"add":["10.0.0.0/-1"]})", "is no prefix"},
        {R"({"add":["10.0.0.0/8 "]})", "is no prefix"},
        {R"({"add":["10.0.0.0/8/8"]})", "is no prefix"},
        {R"({"add":["10.0.0.0\u0000/8"]})", "is no prefix"},
        {R"({"add":["2001:db8::/129"]})", "is no prefix"},
        {R"({"remove":["example.org"]})", "remove: \"example.org\" is no prefix"},
        {R"({"deny":[0]})", "0 is no port"},
        {R"({"deny":[65536]})", "65536 is no port"},
        {R"({"deny":[-1]})", "-1 is no port"},
        {R"({"deny":[80.0]})", "80.0 is no port"},
        {R"({"deny":["80"]})", "is no port"},
        {R"({"allow":80})", "allow must be a list"},
        {R"({"sample":0})", "sample = 0: must be 1"},
        {R"({"sample":1000001})", "sample = 1000001: must be 1"},
        {R"({"sample":-1})", "must be 1"},
        {R"({"sample":1.5})", "must be 1"},
        {R"({"sample":"2"})", "must be 1"},
        {R"({"sample":99999999999999999999999999})", "must be 1"},
        {R"({"interface":"","sample":2})", "interface must be the name"},
        {R"({"interface":7,"sample":2})", "interface must be the name"},
        {std::string("{\"sample\":\xff}"), "no JSON"},
        {R"({"sample":2} trailing)", "no JSON"},
        {R"({"sample":NaN})", "no JSON"},
        {"{/* comment */\"sample\":2}", "no JSON"},
    };
    for (const Refused& refused : all) {
        const auto change = parse_prefilter_change(refused.json);
        ASSERT_FALSE(change.has_value()) << refused.json;
        EXPECT_EQ(change.error().kind, Error::Kind::invalid_config);
        EXPECT_THAT(change.error().message, HasSubstr(refused.says)) << refused.json;
    }
}

TEST(PrefilterChange, takes_as_many_prefixes_as_the_limit) {
    nlohmann::json change;
    change["add"] = std::vector<std::string>(prefixes_per_change_max, "10.0.0.0/8");
    EXPECT_TRUE(parse_prefilter_change(change.dump()).has_value());
    change["add"].push_back("10.0.0.0/8");
    EXPECT_FALSE(parse_prefilter_change(change.dump()).has_value());
}

TEST(PrefilterChange, messages_do_not_grow_with_the_input) {
    const std::string text = R"({"add":[")" + std::string(100'000, 'x') + R"("]})";
    const auto change = parse_prefilter_change(text);
    ASSERT_FALSE(change.has_value());
    EXPECT_LT(change.error().message.size(), 300U);
}

TEST(PrefilterText, shows_what_is_in_force) {
    const std::vector<PrefilterState> states{{.interface = "p0",
                                              .exclude = {"10.0.0.0/8"},
                                              .excluded_prefixes = 5,
                                              .deny_ports = {22, 443},
                                              .sample = 10}};
    const std::string text = prefilter_as_text(states);
    EXPECT_THAT(text, HasSubstr("interface p0\n  sample      1 in 10\n  deny ports  22 443\n"));
    EXPECT_THAT(text, HasSubstr("exclude     5 prefixes\n    10.0.0.0/8\n    ... and 4 more\n"));
    EXPECT_EQ(prefilter_as_json(states),
              R"({"total":1,"prefilters":[{"interface":"p0","exclude":["10.0.0.0/8"],)"
              R"("excluded_prefixes":5,"deny_ports":[22,443],"sample":10}]})");
    EXPECT_THAT(prefilter_as_csv(states), HasSubstr("\np0,deny_port,443\np0,exclude,10.0.0.0/8\n"));
    EXPECT_THAT(prefilter_as_text({}), HasSubstr("no interface has a prefilter"));
}

}  // namespace
}  // namespace tapmeter::control
