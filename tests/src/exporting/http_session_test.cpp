#include "src/exporting/http_session.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "src/exporting/secret_file.h"
#include "tests/support/http_server.h"

namespace tapmeter::exporting {
namespace {

using test_support::HttpReply;
using test_support::HttpRequest;
using test_support::HttpServer;
using Fate = HttpAnswer::Fate;

Bytes octets_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

std::filesystem::path temporary(const std::string& name) {
    return std::filesystem::temp_directory_path() /
           ("tapmeter_http_" + std::to_string(::getpid()) + "_" + name);
}

TEST(HttpSession, sends_pieces_as_one_body_and_reads_the_answer) {
    HttpServer server([](const HttpRequest& request) { return HttpReply{200, request.body}; });
    auto session = HttpSession::make({.url = server.url()}).value();
    const std::string long_piece(300'000, 'x');
    const std::string one = "one,";
    const std::string none;
    const std::array body{octets_of(one), octets_of(none), octets_of(long_piece)};
    const HttpAnswer answer = session->post("/?query=a%20b", body);
    EXPECT_EQ(answer.fate, Fate::answered) << answer.failure;
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, (one + long_piece).substr(0, HttpSession::answer_octets_max));
    const auto seen = server.seen();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].target, "/?query=a%20b");
    EXPECT_EQ(seen[0].body, one + long_piece);
    EXPECT_EQ(seen[0].head.find("Authorization"), std::string::npos);
    EXPECT_EQ(seen[0].head.find("Expect"), std::string::npos);
}

// The answer that was cut off must not confuse the next one of the same connection.
TEST(HttpSession, keeps_the_connection) {
    HttpServer server([](const HttpRequest&) { return HttpReply{500, std::string(200'000, 'y')}; });
    auto session = HttpSession::make({.url = server.url()}).value();
    for (int request = 0; request < 3; ++request) {
        const HttpAnswer answer = session->post("/", {});
        EXPECT_EQ(answer.status, 500);
        EXPECT_EQ(answer.body.size(), HttpSession::answer_octets_max);
    }
}

TEST(HttpSession, the_password_is_the_files_and_is_read_anew) {
    const auto file = temporary("password");
    std::ofstream(file) << "first\n";
    HttpServer server([](const HttpRequest&) { return HttpReply{}; });
    auto session = HttpSession::make({.url = server.url(),
                                      .user = "me",
                                      .secret = [&] { return read_secret(file.string()); }})
                       .value();
    session->post("/", {});
    std::ofstream(file) << "second\r\n";
    session->post("/", {});
    std::filesystem::remove(file);
    EXPECT_EQ(session->post("/", {}).fate, Fate::not_reached);
    const auto seen = server.seen();
    ASSERT_EQ(seen.size(), 2U);
    // base64 of "me:first" and "me:second"
    EXPECT_NE(seen[0].head.find("Authorization: Basic bWU6Zmlyc3Q=\r\n"), std::string::npos);
    EXPECT_NE(seen[1].head.find("Authorization: Basic bWU6c2Vjb25k\r\n"), std::string::npos);
}

TEST(HttpSession, tells_who_was_not_reached_from_who_did_not_answer) {
    std::string nobody;
    {
        HttpServer server([](const HttpRequest&) { return HttpReply{0, {}}; });
        nobody = server.url();
        auto session = HttpSession::make({.url = server.url()}).value();
        const HttpAnswer broken = session->post("/", {});
        EXPECT_EQ(broken.fate, Fate::broken);
        EXPECT_FALSE(broken.failure.empty());
    }
    auto session = HttpSession::make({.url = nobody}).value();
    const HttpAnswer answer = session->post("/", {});
    EXPECT_EQ(answer.fate, Fate::not_reached);
    EXPECT_NE(answer.failure.find("onnect"), std::string::npos) << answer.failure;
}

// A connection that was kept and breaks: the library must not send the body again by itself.
TEST(HttpSession, sends_nothing_twice) {
    std::atomic<int> answers{0};
    HttpServer server([&](const HttpRequest&) { return HttpReply{++answers == 2 ? 0 : 200, {}}; });
    auto session = HttpSession::make({.url = server.url()}).value();
    const std::string text = "rows";
    const std::array body{octets_of(text)};
    EXPECT_EQ(session->post("/", body).status, 200);
    EXPECT_EQ(session->post("/", body).fate, Fate::broken);
    EXPECT_EQ(server.seen().size(), 2U);
    EXPECT_EQ(session->post("/", body).status, 200);
    EXPECT_EQ(server.seen().size(), 3U);
}

TEST(HttpSession, ends_when_nobody_waits_for_it_any_more) {
    std::atomic<bool> abandoned{false};
    HttpServer server([&](const HttpRequest&) {
        abandoned = true;
        std::this_thread::sleep_for(std::chrono::milliseconds{1'500});
        return HttpReply{};
    });
    auto session = HttpSession::make({.url = server.url()}).value();
    session->give_up_when([&] { return abandoned.load(); });
    EXPECT_EQ(session->post("/", {}).fate, Fate::broken);
}

TEST(HttpSession, takes_no_longer_than_it_may) {
    HttpServer server([](const HttpRequest&) {
        std::this_thread::sleep_for(std::chrono::milliseconds{600});
        return HttpReply{};
    });
    auto session =
        HttpSession::make({.url = server.url(), .time = std::chrono::milliseconds{100}}).value();
    const HttpAnswer answer = session->post("/", {});
    EXPECT_EQ(answer.fate, Fate::broken);
    EXPECT_NE(answer.failure.find("imed out"), std::string::npos) << answer.failure;
}

TEST(HttpSession, files_that_cannot_be_read_are_named) {
    const auto password =
        HttpSession::make({.url = "http://127.0.0.1:1", .user = "me", .secret = [] {
                               return read_secret("/nonexistent/password");
                           }});
    ASSERT_FALSE(password);
    EXPECT_NE(password.error().message.find("/nonexistent/password"), std::string::npos);
    const auto authorities =
        HttpSession::make({.url = "https://127.0.0.1:1", .tls_ca = "/nonexistent/ca.pem"});
    ASSERT_FALSE(authorities);
    EXPECT_NE(authorities.error().message.find("/nonexistent/ca.pem"), std::string::npos);
}

TEST(HttpSession, encodes_all_that_a_query_must_not_hold) {
    EXPECT_EQ(HttpSession::encoded("a-Z_0.~"), "a-Z_0.~");
    EXPECT_EQ(HttpSession::encoded("`t` (a, b)&=\xff\n"), "%60t%60%20%28a%2C%20b%29%26%3D%FF%0A");
}

}  // namespace
}  // namespace tapmeter::exporting
