#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "src/pushing/way.h"
#include "tests/src/pushing/http_receiver.h"

namespace tapmeter::pushing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view lines = "tapmeter_link_up,interface=eth1 value=1 1700000000000000000\n";

Config::Influxdb config_for(const HttpReceiver& receiver) {
    Config::Influxdb config;
    config.url = receiver.url();
    return config;
}

std::string file_with(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + name;
    std::ofstream(path) << text;
    return path;
}

TEST(HttpWay, writes_to_version_1) {
    HttpReceiver receiver;
    Config::Influxdb config = config_for(receiver);
    config.database = "tap meter";
    const auto way = open_way(config);
    ASSERT_TRUE(way);
    ASSERT_TRUE((*way)->push(lines, {}));
    const auto requests = receiver.requests();
    ASSERT_EQ(requests.size(), 1U);
    EXPECT_THAT(requests[0].head,
                StartsWith("POST /write?db=tap%20meter&precision=ns HTTP/1.1\r\n"));
    EXPECT_THAT(requests[0].head, HasSubstr("Content-Type: text/plain; charset=utf-8"));
    EXPECT_THAT(requests[0].head, Not(HasSubstr("Authorization")));
    EXPECT_EQ(requests[0].body, lines);
}

TEST(HttpWay, knows_a_user_of_version_1) {
    HttpReceiver receiver;
    Config::Influxdb config = config_for(receiver);
    config.user = "Aladdin";
    config.token_file = file_with("password", "open sesame\n");
    const auto way = open_way(config);
    ASSERT_TRUE(way);
    ASSERT_TRUE((*way)->push(lines, {}));
    EXPECT_THAT(receiver.requests()[0].head,
                HasSubstr("Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"))
        << "the example of RFC 7617 section 2";
}

TEST(HttpWay, writes_to_version_2_with_a_token_read_each_time) {
    HttpReceiver receiver;
    Config::Influxdb config = config_for(receiver);
    config.bucket = "a/b";
    config.organization = "ops & net";
    config.token_file = file_with("token", "first==\n");
    const auto way = open_way(config);
    ASSERT_TRUE(way);
    ASSERT_TRUE((*way)->push(lines, {}));
    file_with("token", "second");
    ASSERT_TRUE((*way)->push(lines, {}));
    const auto requests = receiver.requests();
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_THAT(requests[0].head, StartsWith("POST /api/v2/write?org=ops%20%26%20net&bucket=a%2Fb"
                                             "&precision=ns HTTP/1.1\r\n"));
    EXPECT_THAT(requests[0].head, HasSubstr("Authorization: Token first=="));
    EXPECT_THAT(requests[1].head, HasSubstr("Authorization: Token second"));
    EXPECT_EQ(requests[1].connection, 1U) << "the connection is kept";
}

TEST(HttpWay, says_what_the_server_does_not_like) {
    HttpReceiver receiver;
    const auto way = open_way(config_for(receiver));
    ASSERT_TRUE(way);
    receiver.answer_with("404 Not Found", "{\"error\":\"database not found\nor so\"}");
    const auto refused = (*way)->push(lines, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message,
                HasSubstr("HTTP status 404 {\"error\":\"database not found or so\"}"));
    EXPECT_THAT(refused.error().message, HasSubstr(receiver.url()));
    receiver.answer_with("200 OK", std::string(100'000, 'x'));
    EXPECT_TRUE((*way)->push(lines, {})) << "more than is kept of an answer";
    receiver.answer_with("302 Found");
    EXPECT_FALSE((*way)->push(lines, {})) << "redirections are not followed";
    receiver.answer_with("204 No Content");
    EXPECT_TRUE((*way)->push(lines, {}));
}

TEST(HttpWay, waits_no_longer_than_told) {
    HttpReceiver receiver;
    receiver.answer_with("");
    const auto way = open_way(config_for(receiver));
    ASSERT_TRUE(way);
    const auto began = steady_clock::now();
    EXPECT_FALSE((*way)->push(lines, {.time = milliseconds{200}, .is_abandoned = {}}));
    EXPECT_GE(steady_clock::now() - began, milliseconds{190});
    EXPECT_FALSE((*way)->push(lines, {.time = std::chrono::minutes{1}, .is_abandoned = [&] {
                                          return !receiver.requests().empty();
                                      }}));
    EXPECT_LT(steady_clock::now() - began, std::chrono::seconds{20});
}

TEST(HttpWay, says_that_nobody_is_there) {
    std::string url;
    {
        const HttpReceiver gone;
        url = gone.url();
    }
    Config::Influxdb config;
    config.url = url;
    const auto way = open_way(config);
    ASSERT_TRUE(way) << "it may come later";
    const auto refused = (*way)->push(lines, {});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr(url));
    EXPECT_THAT(refused.error().message, HasSubstr("see that InfluxDB runs there"));
}

TEST(HttpWay, does_not_believe_a_server_without_a_certificate) {
    HttpReceiver receiver;
    Config::Influxdb config;
    config.url = "https" + receiver.url().substr(4);
    const auto way = open_way(config);
    ASSERT_TRUE(way);
    EXPECT_FALSE((*way)->push(lines, {.time = milliseconds{500}, .is_abandoned = {}}));
    EXPECT_TRUE(receiver.requests().empty());
}

TEST(HttpWay, refuses_files_that_cannot_be_used) {
    Config::Influxdb config;
    config.url = "http://127.0.0.1:1";
    config.token_file = "/nowhere/token";
    EXPECT_THAT(open_way(config).error().message, HasSubstr("/nowhere/token"));
    config.token_file = file_with("two_lines", "one\ntwo");
    EXPECT_THAT(open_way(config).error().message, HasSubstr("one line"));
    config.token_file = file_with("long", std::string(4'097, 'x'));
    EXPECT_FALSE(open_way(config));
    config.token_file = file_with("long", std::string(4'096, 'x'));
    EXPECT_TRUE(open_way(config));
    config.tls_ca = "/nowhere/ca.pem";
    EXPECT_THAT(open_way(config).error().message, HasSubstr("/nowhere/ca.pem"));
    config = {};
    config.url = "ftp://h";
    EXPECT_FALSE(open_way(config));
}

}  // namespace
}  // namespace tapmeter::pushing
