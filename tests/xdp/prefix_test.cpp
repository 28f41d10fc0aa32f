#include "xdp/prefix.h"

#include <gtest/gtest.h>
#include <fstream>

namespace tapmeter::xdp {
namespace {

TEST(ParsePrefix, reads_what_people_write) {
    const auto ipv4 = parse_prefix("10.0.0.0/8");
    ASSERT_TRUE(ipv4);
    EXPECT_EQ(ipv4->family, Prefix::Family::ipv4);
    EXPECT_EQ(ipv4->length, 8);
    EXPECT_EQ(ipv4->octets[0], 10);

    const auto ipv6 = parse_prefix("2001:db8::/32");
    ASSERT_TRUE(ipv6);
    EXPECT_EQ(ipv6->family, Prefix::Family::ipv6);
    EXPECT_EQ(ipv6->length, 32);
    EXPECT_EQ(ipv6->octets[3], 0xb8);

    EXPECT_EQ(parse_prefix("192.0.2.1")->length, 32) << "a bare address is a network of one";
    EXPECT_EQ(parse_prefix("2001:db8::1")->length, 128);
    EXPECT_EQ(parse_prefix("0.0.0.0/0")->length, 0);
    EXPECT_EQ(parse_prefix("::/0")->length, 0);
    EXPECT_EQ(parse_prefix("::/0")->family, Prefix::Family::ipv6);
    EXPECT_EQ(parse_prefix("::ffff:192.0.2.0/120")->length, 120);
}

TEST(ParsePrefix, and_its_text_are_inverse) {
    for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "172.16.0.0/12",
                             "2001:db8::/32", "::/0", "2001:db8::1/128", "fe80::/10"}) {
        const auto prefix = parse_prefix(text);
        ASSERT_TRUE(prefix) << text;
        EXPECT_EQ(to_text(*prefix), text);
    }
}

TEST(ParsePrefix, host_bits_at_every_length) {
    for (unsigned length = 0; length <= 32; ++length) {
        std::string behind = "/";
        behind += std::to_string(length);
        // 255.255.255.255 has a bit set beyond every length but 32.
        EXPECT_EQ(parse_prefix("255.255.255.255" + behind).has_value(), length == 32) << length;
        EXPECT_TRUE(parse_prefix("0.0.0.0" + behind)) << length;
    }
    for (unsigned length = 0; length <= 128; ++length) {
        std::string behind = "/";
        behind += std::to_string(length);
        EXPECT_EQ(parse_prefix("::1" + behind).has_value(), length == 128) << length;
        EXPECT_EQ(parse_prefix("8000::" + behind).has_value(), length >= 1) << length;
    }
}

TEST(ParsePrefix, host_bits_name_the_right_network) {
    const auto ipv4 = parse_prefix("10.1.2.3/8");
    ASSERT_FALSE(ipv4);
    EXPECT_EQ(ipv4.error().kind, Error::Kind::invalid_config);
    EXPECT_EQ(ipv4.error().message,
              "\"10.1.2.3/8\": has bits set beyond its length; write 10.0.0.0/8 for the network "
              "or 10.1.2.3/32 for the host");
    const auto ipv6 = parse_prefix("2001:db8:1:2::/33");
    ASSERT_FALSE(ipv6);
    EXPECT_NE(ipv6.error().message.find("2001:db8::/33 for the network"), std::string::npos)
        << ipv6.error().message;
}

TEST(ParsePrefix, refuses_what_is_no_prefix) {
    using namespace std::string_view_literals;
    for (const std::string_view text : {""sv,
                                        " "sv,
                                        "/"sv,
                                        "/8"sv,
                                        "10"sv,
                                        "10.0.0"sv,
                                        "10.0.0.0.0"sv,
                                        "256.0.0.0"sv,
                                        "10.0.0.0/"sv,
                                        "10.0.0.0/33"sv,
                                        "10.0.0.0/-1"sv,
                                        "10.0.0.0/+8"sv,
                                        "10.0.0.0/ 8"sv,
                                        "10.0.0.0 /8"sv,
                                        " 10.0.0.0/8"sv,
                                        "10.0.0.0/8 "sv,
                                        "10.0.0.0/8x"sv,
                                        "10.0.0.0/8/8"sv,
                                        "10.0.0.0/4294967304"sv,
                                        "10.0.0.0/255.0.0.0"sv,
                                        "010.0.0.0/8x"sv,
                                        "::/129"sv,
                                        ":::/8"sv,
                                        "2001:db8/32"sv,
                                        "fe80::1%eth0"sv,
                                        "example.org"sv,
                                        "10.0.0.0\0/8"sv,
                                        "10.0.0.0/8\0"sv,
                                        "0x0a.0.0.0"sv}) {
        const auto prefix = parse_prefix(text);
        ASSERT_FALSE(prefix) << text;
        EXPECT_EQ(prefix.error().kind, Error::Kind::invalid_config);
        EXPECT_FALSE(prefix.error().message.empty());
    }
}

TEST(ParsePrefix, quotes_hostile_text_harmlessly) {
    const auto prefix = parse_prefix(std::string(5'000, 'x') + "\x1b[2J");
    ASSERT_FALSE(prefix);
    EXPECT_LT(prefix.error().message.size(), 200U);
    const auto escape = parse_prefix("\x1b[2J\n");
    ASSERT_FALSE(escape);
    EXPECT_EQ(escape.error().message.find('\x1b'), std::string::npos);
    EXPECT_EQ(escape.error().message.find('\n'), std::string::npos);
}

class PrefixFile : public ::testing::Test {
protected:
    std::filesystem::path file_of(const std::string& text) {
        const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
        path_ = std::filesystem::temp_directory_path() /
                (std::string("tapmeter_prefixes_") + test->name() + std::to_string(::getpid()));
        std::ofstream(path_, std::ios::binary) << text;
        return path_;
    }
    ~PrefixFile() override { std::filesystem::remove(path_); }

    std::filesystem::path path_;
};

TEST_F(PrefixFile, one_a_line_with_comments) {
    const auto prefixes =
        read_prefix_file(file_of("# what we do not want\n"
                                 "10.0.0.0/8\n"
                                 "\n"
                                 "  2001:db8::/32\t# documentation\r\n"
                                 "192.0.2.1#one host\n"
                                 "198.51.100.0/24"));
    ASSERT_TRUE(prefixes) << prefixes.error().message;
    ASSERT_EQ(prefixes->size(), 4U);
    EXPECT_EQ(to_text((*prefixes)[1]), "2001:db8::/32");
    EXPECT_EQ(to_text((*prefixes)[3]), "198.51.100.0/24") << "the last line needs no newline";
}

TEST_F(PrefixFile, may_be_empty) {
    const auto prefixes = read_prefix_file(file_of(""));
    ASSERT_TRUE(prefixes);
    EXPECT_TRUE(prefixes->empty());
}

TEST_F(PrefixFile, names_file_line_and_column) {
    const auto prefixes = read_prefix_file(file_of("10.0.0.0/8\n\n   10.1.2.3/8 # oops\n"));
    ASSERT_FALSE(prefixes);
    EXPECT_EQ(prefixes.error().kind, Error::Kind::invalid_config);
    EXPECT_EQ(prefixes.error().message.find(path_.string() + ":3:4: \"10.1.2.3/8\""), 0U)
        << prefixes.error().message;
}

TEST_F(PrefixFile, refuses_octets_that_are_no_text) {
    const auto nul = read_prefix_file(file_of(std::string("10.0.0.0/8\0\n", 12)));
    ASSERT_FALSE(nul);
    EXPECT_NE(nul.error().message.find(":1:1:"), std::string::npos) << nul.error().message;
}

TEST_F(PrefixFile, lines_up_to_the_limit) {
    EXPECT_TRUE(
        read_prefix_file(file_of(std::string("# ") + std::string(1'022, 'x') + "\n10.0.0.0/8")));
    const auto longer =
        read_prefix_file(file_of(std::string("\n# ") + std::string(1'023, 'x') + "\n"));
    ASSERT_FALSE(longer);
    EXPECT_NE(longer.error().message.find(":2:1024:"), std::string::npos) << longer.error().message;
}

TEST_F(PrefixFile, holds_100_000_and_no_more) {
    std::string text;
    for (std::size_t i = 0; i < excluded_prefixes_max; ++i) {
        text += std::string("10.") + std::to_string(i >> 16U) + "." +
                std::to_string(i >> 8U & 255U) + "." + std::to_string(i & 255U) + "\n";
    }
    const auto full = read_prefix_file(file_of(text));
    ASSERT_TRUE(full) << full.error().message;
    EXPECT_EQ(full->size(), excluded_prefixes_max);
    const auto over = read_prefix_file(file_of(text + "# one more:\n11.0.0.0\n"));
    ASSERT_FALSE(over);
    EXPECT_NE(over.error().message.find(":100002:1: more than 100000 prefixes"), std::string::npos)
        << over.error().message;
}

TEST(PrefixFileMissing, is_an_error_with_its_name) {
    const auto prefixes = read_prefix_file("/nonexistent/prefixes");
    ASSERT_FALSE(prefixes);
    EXPECT_EQ(prefixes.error().kind, Error::Kind::io);
    EXPECT_NE(prefixes.error().message.find("/nonexistent/prefixes"), std::string::npos);
    EXPECT_NE(prefixes.error().message.find("ENOENT"), std::string::npos);
    const auto directory = read_prefix_file("/");
    ASSERT_FALSE(directory) << "a directory opens, and reading it fails";
    EXPECT_NE(directory.error().message.find("EISDIR"), std::string::npos)
        << directory.error().message;
}

}  // namespace
}  // namespace tapmeter::xdp
