#include "src/verbs/http_client.h"

#include <gtest/gtest.h>

namespace tapmeter::verbs {
namespace {

TEST(HttpClient, says_who_is_not_there) {
    const auto answer = ask(Door{.socket = "/nonexistent/control.sock", .url = {}},
                            {.path = "/api/v1/health", .post = false, .body = {}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, HttpFault::Kind::nobody_there);
    EXPECT_NE(answer.error().message.find("/nonexistent/control.sock"), std::string::npos);
}

TEST(HttpClient, a_url_is_asked_instead_of_the_socket) {
    // Port 9 of loopback: nothing listens there in a test's world.
    const Door door{.socket = "/nonexistent/control.sock", .url = "http://127.0.0.1:9"};
    EXPECT_EQ(door.name(), "http://127.0.0.1:9");
    const auto answer = ask(door, {.path = "/", .post = false, .body = {}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, HttpFault::Kind::nobody_there);
}

}  // namespace
}  // namespace tapmeter::verbs
