#include "src/exporting/text.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>

namespace tapmeter::exporting {
namespace {

std::string address_text(const decode::Address& address, std::uint8_t version) {
    std::array<char, 64> text{};
    return {text.data(), write_address(text.data(), address, version)};
}

std::string ipv6_text(const char* written) {
    decode::Address address{};
    EXPECT_EQ(::inet_pton(AF_INET6, written, address.data()), 1) << written;
    return address_text(address, 6);
}

std::string eve_time(std::int64_t nanoseconds) {
    std::array<char, 64> text{};
    return {text.data(), write_eve_timestamp(text.data(), ObservedAt{Nanoseconds{nanoseconds}})};
}

TEST(Text, ipv4) {
    decode::Address address{};
    EXPECT_EQ(address_text(address, 4), "0.0.0.0");
    address.fill(255);
    EXPECT_EQ(address_text(address, 4), "255.255.255.255");
}

// RFC 5952 section 4, each rule with its example.
TEST(Text, ipv6_has_one_spelling) {
    EXPECT_EQ(ipv6_text("2001:0db8::0001"), "2001:db8::1") << "4.1 leading zeros";
    EXPECT_EQ(ipv6_text("2001:db8:0:0:0:0:2:1"), "2001:db8::2:1") << "4.2.1 as short as can be";
    EXPECT_EQ(ipv6_text("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1") << "4.2.2 not for one";
    EXPECT_EQ(ipv6_text("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1") << "4.2.3 the longest run";
    EXPECT_EQ(ipv6_text("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1") << "4.2.3 the first";
    EXPECT_EQ(ipv6_text("2001:DB8::ABCD"), "2001:db8::abcd") << "4.3 lower case";
    EXPECT_EQ(ipv6_text("::"), "::");
    EXPECT_EQ(ipv6_text("::1"), "::1");
    EXPECT_EQ(ipv6_text("1::"), "1::");
    EXPECT_EQ(ipv6_text("fe80::"), "fe80::");
    EXPECT_EQ(ipv6_text("::ffff:192.0.2.7"), "::ffff:192.0.2.7") << "5 known prefix";
    EXPECT_EQ(ipv6_text("1:2:3:4:5:6:7:8"), "1:2:3:4:5:6:7:8");
}

TEST(Text, any_ipv6_address_reads_back) {
    std::mt19937 random{1};
    for (int round = 0; round < 20'000; ++round) {
        decode::Address address{};
        for (std::size_t group = 0; group < 8; ++group) {
            const auto draw = random();
            address[2 * group] = draw % 3 == 0 ? 0 : static_cast<std::uint8_t>(draw >> 8U);
            address[2 * group + 1] = draw % 2 == 0 ? 0 : static_cast<std::uint8_t>(draw >> 16U);
        }
        const std::string text = address_text(address, 6);
        EXPECT_LE(text.size(), address_characters_max);
        decode::Address back{};
        ASSERT_EQ(::inet_pton(AF_INET6, text.c_str(), back.data()), 1) << text;
        ASSERT_EQ(back, address) << text;
    }
}

TEST(Text, timestamps) {
    EXPECT_EQ(eve_time(1'763'633'733'123'456'789), "2025-11-20T10:15:33.123456+0000");
    EXPECT_EQ(eve_time(0), "1970-01-01T00:00:00.000000+0000");
    EXPECT_EQ(eve_time(-1), "1970-01-01T00:00:00.000000+0000") << "before what can be written";
    EXPECT_EQ(eve_time(951'782'399'999'999'999), "2000-02-28T23:59:59.999999+0000");
    EXPECT_EQ(eve_time(951'782'400'000'000'000), "2000-02-29T00:00:00.000000+0000") << "leap day";
    EXPECT_EQ(eve_time(INT64_MAX), "2262-04-11T23:47:16.854775+0000");
    std::array<char, 64> text{};
    const std::string fine{
        text.data(),
        write_rfc3339(text.data(), ObservedAt{Nanoseconds{1'763'633'733'000'000'009}})};
    EXPECT_EQ(fine, "2025-11-20T10:15:33.000000009Z");
    EXPECT_LE(eve_time(0).size(), timestamp_characters_max);
    EXPECT_LE(fine.size(), timestamp_characters_max);
}

TEST(Text, strings_are_escaped) {
    EXPECT_EQ(json_string("eth1"), "\"eth1\"");
    EXPECT_EQ(json_string("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(json_string(std::string_view{"\n\t\0\x1f\x7f", 5}),
              R"("\u000a\u0009\u0000\u001f\u007f")");
    EXPECT_EQ(json_string("ü€😀"), "\"ü€😀\"");
}

// RFC 3629: each way of not being UTF-8.
TEST(Text, what_is_no_utf8_is_replaced) {
    EXPECT_EQ(json_string("\x80"), R"("\ufffd")") << "a continuation alone";
    EXPECT_EQ(json_string("\xc3"), R"("\ufffd")") << "cut off";
    EXPECT_EQ(json_string("\xc0\xaf"), R"("\ufffd\ufffd")") << "overlong";
    EXPECT_EQ(json_string("\xe0\x80\xaf"), R"("\ufffd\ufffd\ufffd")") << "overlong";
    EXPECT_EQ(json_string("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "surrogate";
    EXPECT_EQ(json_string("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")") << "too high";
    EXPECT_EQ(json_string("\xf5z"), R"("\ufffdz")");
}

TEST(Text, protocols_have_suricatas_names) {
    EXPECT_EQ(protocol_name(6), "TCP");
    EXPECT_EQ(protocol_name(17), "UDP");
    EXPECT_EQ(protocol_name(1), "ICMP");
    EXPECT_EQ(protocol_name(58), "IPv6-ICMP");
    EXPECT_EQ(protocol_name(132), "SCTP");
    EXPECT_EQ(protocol_name(41), "IPv6");
    EXPECT_EQ(protocol_name(50), "ESP");
    EXPECT_EQ(protocol_name(253), "253");
    EXPECT_EQ(protocol_name(7), "007");
}

}  // namespace
}  // namespace tapmeter::exporting
