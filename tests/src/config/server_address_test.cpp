#include "src/config/server_address.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

TEST(HttpUrl, is_a_host_and_a_port) {
    for (const char* const text : {"http://127.0.0.1:8123", "https://db.example.net:8443",
                                   "http://[2001:db8::7]:1", "https://db:65535"}) {
        EXPECT_EQ(parse_http_url(text), text);
    }
    for (const char* const text :
         {"", "http://", "db:8123", "http://db", "http://[2001:db8::7]", "http://db:0",
          "http://db:65536", "http://db:8123/", "http://db:8123/path", "http://user@db:1",
          "ftp://db:21", "HTTP://db:1", "http://a b:1", "http://db:1,http://db:2"}) {
        EXPECT_FALSE(parse_http_url(text)) << text;
    }
    EXPECT_NE(parse_http_url("db").error().find("http://HOST:PORT"), std::string::npos);
}

TEST(Brokers, are_one_or_several) {
    for (const char* const text :
         {"kafka", "kafka:9092", "192.0.2.7:9092,kafka2,[2001:db8::7]:9093"}) {
        EXPECT_EQ(parse_brokers(text), text);
    }
    for (const char* const text : {"", ",", "kafka,", ",kafka", "kafka:", "kafka:0", "kafka:x",
                                   "a b", "tcp://kafka:9092", "a,,b", "1.2.3"}) {
        EXPECT_FALSE(parse_brokers(text)) << text;
    }
}

}  // namespace
}  // namespace tapmeter::config
