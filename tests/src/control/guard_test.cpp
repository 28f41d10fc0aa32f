#include "src/control/guard.h"

#include <gtest/gtest.h>

namespace tapmeter::control {
namespace {

const std::vector<std::string> hosts = host_names("127.0.0.1", 14'739);

Head reading() {
    Head head;
    head.method = "GET";
    head.hosts = {"127.0.0.1:14739"};
    return head;
}

Head changing() {
    Head head = reading();
    head.method = "POST";
    return head;
}

unsigned verdict(const Head& head) {
    const auto refusal = refuse(head, hosts);
    return refusal ? refusal->status : 200;
}

TEST(Guard, knows_every_name_of_loopback) {
    for (const char* host :
         {"127.0.0.1:14739", "localhost:14739", "LOCALHOST:14739", "[::1]:14739"}) {
        Head head = reading();
        head.hosts = {host};
        EXPECT_EQ(verdict(head), 200U) << host;
    }
    EXPECT_EQ(host_names("::1", 80).front(), "[::1]:80");
    // A client leaves the port out only where it is HTTP's own.
    Head head = reading();
    head.hosts = {"localhost"};
    EXPECT_EQ(verdict(head), 421U);
    EXPECT_FALSE(refuse(head, host_names("127.0.0.1", 80)).has_value());
}

TEST(Guard, header_may_be_as_large_as_the_limit) {
    Head head = reading();
    head.header_octets = header_octets_max;
    EXPECT_EQ(verdict(head), 200U);
    head.header_octets = header_octets_max + 1;
    EXPECT_EQ(verdict(head), 431U);
}

TEST(Guard, body_may_be_as_large_as_the_limit) {
    Head head = changing();
    head.content_lengths = {std::to_string(body_octets_max)};
    EXPECT_EQ(verdict(head), 200U);
    head.content_lengths = {std::to_string(body_octets_max + 1)};
    EXPECT_EQ(verdict(head), 413U);
    for (const char* length : {"", "x", "1x", "-1", " 1", "0x10"}) {
        head.content_lengths = {length};
        EXPECT_EQ(verdict(head), 400U) << length;
    }
    head.content_lengths = {"1", "1"};
    EXPECT_EQ(verdict(head), 400U);
}

TEST(Guard, a_page_of_this_server_may_ask) {
    Head head = changing();
    head.origins = {"http://localhost:14739"};
    head.fetch_sites = {"same-origin"};
    EXPECT_EQ(verdict(head), 200U);
    head.origins = {"http://localhost:14740"};
    EXPECT_EQ(verdict(head), 403U);
    head.origins = {"http://localhost:14739", "null"};
    EXPECT_EQ(verdict(head), 403U);
    head.origins.clear();
    head.fetch_sites = {"same-origin", "cross-site"};
    EXPECT_EQ(verdict(head), 403U);
}

TEST(Guard, the_unix_socket_needs_no_host_but_no_foreign_page_either) {
    Head head = changing();
    head.trusted = true;
    head.hosts.clear();
    EXPECT_EQ(verdict(head), 200U);
    head.origins = {"http://evil.example"};
    EXPECT_EQ(verdict(head), 403U);
}

}  // namespace
}  // namespace tapmeter::control
