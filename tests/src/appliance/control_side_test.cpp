// src/appliance/control_side.cpp: what the control server may ask of the running appliance.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/appliance/appliance.h"
#include "tests/src/appliance/appliance_bench.h"

namespace tapmeter {
namespace {

using testing::ApplianceBench;
using ::testing::HasSubstr;

TEST(ControlSide, reload_without_a_configuration_is_refused) {
    ApplianceBench bench({"gen:"});
    ASSERT_TRUE(bench.build().has_value());
    const auto answer = bench.appliance->reload();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(answer.error().message, HasSubstr("without a configuration"));
    EXPECT_EQ(bench.appliance->reloads(true), 0U);
}

TEST(ControlSide, reload_says_what_needs_a_restart_and_counts) {
    ApplianceBench bench({"gen:"});
    std::vector<std::string> needs_restart{"flow.flows_max", "workers.count"};
    bench.read_config_again = [&]() -> Result<Appliance::NewConfig> {
        return Appliance::NewConfig{
            .config = bench.config, .json = R"({"read":"again"})", .needs_restart = needs_restart};
    };
    ASSERT_TRUE(bench.build().has_value());
    EXPECT_EQ(bench.appliance->effective_config_json(), R"({"read":"first"})");
    EXPECT_EQ(bench.appliance->reload().value_or("refused"),
              "needs a restart: flow.flows_max\nneeds a restart: workers.count\n");
    EXPECT_EQ(bench.appliance->effective_config_json(), R"({"read":"again"})");
    needs_restart.clear();
    EXPECT_EQ(bench.appliance->reload().value_or("refused"), "nothing has changed\n");
    EXPECT_EQ(bench.appliance->reloads(true), 2U);
    EXPECT_EQ(bench.appliance->reloads(false), 0U);
}

TEST(ControlSide, a_configuration_that_cannot_be_read_or_applied_changes_nothing) {
    ApplianceBench bench({"gen:"});
    bool readable = false;
    bench.read_config_again = [&]() -> Result<Appliance::NewConfig> {
        if (!readable) {
            return failed(Error::Kind::invalid_config, "x.toml:3:1: unknown key");
        }
        Config fresh = bench.config;
        fresh.captures[0].prefilter.exclude = {"10.0.0.0/99"};
        return Appliance::NewConfig{.config = fresh, .json = "{}", .needs_restart = {}};
    };
    ASSERT_TRUE(bench.build().has_value());
    auto answer = bench.appliance->reload();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().message, "x.toml:3:1: unknown key");
    readable = true;
    answer = bench.appliance->reload();
    ASSERT_FALSE(answer.has_value());
    EXPECT_THAT(answer.error().message, HasSubstr("10.0.0.0/99"));
    EXPECT_EQ(bench.appliance->reloads(false), 2U);
    EXPECT_EQ(bench.appliance->reloads(true), 0U);
    EXPECT_EQ(bench.appliance->effective_config_json(), R"({"read":"first"})");
}

TEST(ControlSide, a_reload_changes_the_template_of_a_collector) {
    ApplianceBench bench({"gen:"});
    bench.config.ipfix.resize(2);
    bench.config.ipfix[0].name = "main";
    bench.config.ipfix[1].name = "spare";
    for (Config::Ipfix& one : bench.config.ipfix) {
        one.host = "127.0.0.1";
        one.port = 9;
    }
    Config fresh = bench.config;
    bench.read_config_again = [&]() -> Result<Appliance::NewConfig> {
        return Appliance::NewConfig{.config = fresh, .json = "{}", .needs_restart = {}};
    };
    ASSERT_TRUE(bench.build().has_value());
    EXPECT_EQ(bench.appliance->reload().value_or("refused"), "nothing has changed\n");
    fresh.ipfix[0].fields = {"sourceAddress", "octetDeltaCount"};
    fresh.ipfix[1].fields = {"default", "signatureIds"};  // an element of ours, without a number
    const auto refused = bench.appliance->reload();
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().message, HasSubstr("export.ipfix 'spare': template holds"));
    EXPECT_EQ(bench.appliance->reloads(false), 1U);
    fresh.ipfix[1].fields.clear();
    EXPECT_EQ(bench.appliance->reload().value_or("refused"),
              "output ipfix/main: template changed: 8 new Templates from id 1024, 8 are used no "
              "more\n")
        << "not before, and of this one alone";
    EXPECT_EQ(bench.appliance->reload().value_or("refused"), "nothing has changed\n");
}

TEST(ControlSide, an_interface_without_a_prefilter_has_none_to_change) {
    ApplianceBench bench({"gen:"});
    ASSERT_TRUE(bench.build().has_value());
    const auto shown = bench.appliance->prefilter();
    ASSERT_FALSE(shown.has_value());
    EXPECT_EQ(shown.error().kind, Error::Kind::no_such_device);
    EXPECT_THAT(shown.error().message, HasSubstr("only AF_XDP has a prefilter"));
    for (const std::string interface : {"p0", "p9", ""}) {
        control::PrefilterChange change;
        change.interface = interface;
        change.add = {"10.0.0.0/8"};
        const auto changed = bench.appliance->change_prefilter(change);
        ASSERT_FALSE(changed.has_value());
        EXPECT_EQ(changed.error().kind, Error::Kind::no_such_device);
        EXPECT_THAT(changed.error().message,
                    HasSubstr(interface.empty() ? "no interface" : "\"" + interface + "\""));
    }
}

TEST(ControlSide, request_stop_ends_the_wait) {
    ApplianceBench bench({"gen:"});
    ASSERT_TRUE(bench.build().has_value());
    ASSERT_TRUE(bench.appliance->start().has_value());
    control::Instance& door = *bench.appliance;
    EXPECT_FALSE(bench.appliance->wait_for(std::chrono::milliseconds(0)));
    door.request_stop();
    EXPECT_TRUE(bench.appliance->wait_for(std::chrono::milliseconds(0)));
    bench.appliance->stop(std::chrono::seconds(10));
    EXPECT_EQ(testing::broken_law(door.snapshot()), "");
}

}  // namespace
}  // namespace tapmeter
