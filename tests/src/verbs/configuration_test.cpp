#include "src/verbs/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tapmeter::verbs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

LoadRequest request(const std::string& text) {
    LoadRequest request;
    request.file = "tapmeter.toml";
    request.text = text;
    return request;
}

Loaded loaded(const LoadRequest& request) {
    auto found = load_or_explain(request);
    EXPECT_TRUE(found.has_value());
    return found ? std::move(*found) : Loaded{};
}

TEST(Configuration, as_json_has_every_key_with_its_value_and_origin) {
    LoadRequest wanted = request("[flow]\nidle_timeout = \"10s\"\n");
    wanted.sets = {"flow.flows_max=2048"};
    const Loaded found = loaded(wanted);
    const auto json = nlohmann::json::parse(config_as_json(found, found));
    EXPECT_EQ(json.size(), found.settings.size());
    EXPECT_EQ(json["flow.idle_timeout"]["value"], "10s");
    EXPECT_EQ(json["flow.idle_timeout"]["origin"], "tapmeter.toml:2:16");
    EXPECT_EQ(json["flow.flows_max"]["value"], 2'048);
    EXPECT_THAT(json["flow.flows_max"]["origin"].get<std::string>(), HasSubstr("--set"));
    EXPECT_EQ(json["flow.active_timeout"]["origin"], "default");
}

TEST(Configuration, as_json_stays_valid_whatever_a_file_is_called) {
    const Loaded found =
        loaded(request("[[capture]]\nname = \"p0\"\nsource = \"pcap:/tmp/a\\\"b\\\\c.pcap\"\n"));
    const auto json = nlohmann::json::parse(config_as_json(found, found));
    EXPECT_EQ(json["capture.p0.source"]["value"], "pcap:/tmp/a\"b\\c.pcap");
}

TEST(Configuration, what_is_wrong_is_explained_with_its_place) {
    ::testing::internal::CaptureStderr();
    const auto found = load_or_explain(request("[flow]\nidle_tmeout = \"10s\"\n"));
    const std::string explained = ::testing::internal::GetCapturedStderr();
    EXPECT_FALSE(found.has_value());
    EXPECT_THAT(explained, ::testing::StartsWith("tapmeter: tapmeter.toml:2:1: "));
    EXPECT_THAT(explained, HasSubstr("did you mean \"idle_timeout\"?"));
}

TEST(Configuration, read_again_names_what_needs_a_restart_and_nothing_else) {
    Loaded running = loaded(request("[log]\nlevel = \"info\"\n"));
    const LoadRequest fresh = request("[flow]\nflows_max = 2048\n[log]\nlevel = \"debug\"\n");
    const auto answer = read_again(fresh, running);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_THAT(answer->needs_restart, ElementsAre("flow.flows_max"));
    EXPECT_EQ(answer->config.log_level, Config::LogLevel::debug);
    const auto shown = nlohmann::json::parse(answer->json);
    EXPECT_EQ(shown["log.level"]["value"], "debug") << "takes effect";
    EXPECT_EQ(shown["flow.flows_max"]["value"], 1'048'576) << "the table has the size it had";
}

// The restart is still needed however often somebody reloads.
TEST(Configuration, read_again_says_so_again_until_the_restart) {
    Loaded running = loaded(request(""));
    const LoadRequest fresh = request("[flow]\nflows_max = 2048\n");
    for (int reload = 0; reload < 2; ++reload) {
        const auto answer = read_again(fresh, running);
        ASSERT_TRUE(answer.has_value());
        EXPECT_THAT(answer->needs_restart, ElementsAre("flow.flows_max"));
    }
    const auto taken_back = read_again(request(""), running);
    ASSERT_TRUE(taken_back.has_value());
    EXPECT_THAT(taken_back->needs_restart, IsEmpty());
}

TEST(Configuration, read_again_refuses_with_a_line_an_error) {
    Loaded running = loaded(request(""));
    const auto answer =
        read_again(request("[flow]\nflows_max = 1\nidle_tmeout = \"1s\"\n"), running);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(answer.error().message, HasSubstr("tapmeter.toml:2:"));
    EXPECT_THAT(answer.error().message, HasSubstr("\ntapmeter.toml:3:1: "));
}

}  // namespace
}  // namespace tapmeter::verbs
