#include "src/config/push_address.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

using To = PushAddress::To;

TEST(PushAddress, is_a_server_a_receiver_or_a_file) {
    const auto http = parse_push_url("http://influx.example.net:80");
    ASSERT_TRUE(http);
    EXPECT_EQ(http->to, To::http);
    EXPECT_EQ(http->host, "influx.example.net");
    EXPECT_EQ(http->port, 80);
    EXPECT_EQ(push_url_text(*http), "http://influx.example.net:80");
    const auto https = parse_push_url("https://[2001:db8::7]:8087");
    ASSERT_TRUE(https);
    EXPECT_EQ(https->to, To::https);
    EXPECT_EQ(push_url_text(*https), "https://[2001:db8::7]:8087");
    EXPECT_EQ(parse_push_url("udp://127.0.0.1:1")->to, To::udp);
    const auto file = parse_push_url("file:///var/log/counters.lp");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->to, To::file);
    EXPECT_EQ(file->path, "/var/log/counters.lp");
}

TEST(PushAddress, has_ports_that_may_be_left_out) {
    EXPECT_EQ(parse_push_url("http://h")->port, 8'086);
    EXPECT_EQ(parse_push_url("https://h")->port, 8'086);
    EXPECT_EQ(parse_push_url("udp://h")->port, 8'089);
    EXPECT_EQ(parse_push_url("udp://[::1]")->port, 8'089);
    EXPECT_EQ(push_url_text(*parse_push_url("http://[::1]")), "http://[::1]:8086");
}

TEST(PushAddress, says_what_it_must_be) {
    for (const std::string_view wrong :
         {"", "influx", "http:/h", "ftp://h", "http://", "http://h:0", "http://h:65536",
          "http://h:80/write", "http://a b", "http://u:p@h", "udp://h:x", "file://", "file://etc/x",
          "file:///a\nb"}) {
        EXPECT_FALSE(parse_push_url(wrong)) << wrong;
    }
    EXPECT_NE(parse_push_url("http://h/x").error().find("http://192.0.2.7:8086"),
              std::string::npos);
}

}  // namespace
}  // namespace tapmeter::config
