#include "src/verbs/file_arguments.h"

#include <gtest/gtest.h>
#include <vector>

namespace tapmeter::verbs {
namespace {

TEST(Filter, is_known_by_its_first_word) {
    for (const auto* const text : {"tcp", "tcp port 443", "not arp", "(udp)", "! tcp",
                                   "tcp[13] = 2", "host 192.0.2.1", "ip6", "!(vlan)"}) {
        EXPECT_TRUE(looks_like_filter(text)) << text;
    }
    for (const auto* const text : {"", " ", "file.pcap", "tcp.pcap", "./tcp", "tcpdump", "a b"}) {
        EXPECT_FALSE(looks_like_filter(text)) << text;
    }
}

TEST(Files, must_exist) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(files_fault(Words{"-", "/dev/null"}), std::nullopt);
    EXPECT_NE(files_fault(Words{"-", "-"})->find("only once"), std::string::npos);
    EXPECT_NE(files_fault(Words{"/nowhere"})->find("no such file"), std::string::npos);
    EXPECT_NE(files_fault(Words{"/"})->find("is a directory"), std::string::npos);
    EXPECT_EQ(files_fault(Words{"-", "udp", "port", "53"}), std::nullopt);
    EXPECT_NE(files_fault(Words{"udp", "port", "53"})->find("no file is named"), std::string::npos);
}

TEST(Files, stand_in_front_of_the_filter) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(files_among(Words{"-", "/dev/null", "udp", "-"}), 2U);
    EXPECT_EQ(files_among(Words{"-", "/nowhere"}), 2U);
    EXPECT_EQ(files_among(Words{"not arp"}), 0U);
    EXPECT_EQ(files_among(Words{}), 0U);
}

}  // namespace
}  // namespace tapmeter::verbs
