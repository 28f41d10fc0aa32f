#include "src/exporting/syslog.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace tapmeter::exporting {
namespace {

std::string framed(const SyslogFraming& framing, const std::string& line,
                   const SyslogFraming::Subject& subject = {}) {
    std::vector<char> room(line.size() + SyslogFraming::octets_max);
    std::ranges::copy(line, room.begin());
    const char* const end = framing.frame(
        room.data(), line.size(), ObservedAt{Nanoseconds{1'763'633'733'123'456'789}}, subject);
    return {static_cast<const char*>(room.data()), end};
}

TEST(Syslog, a_message_is_that_of_the_rfc) {
    const SyslogFraming framing("probe1", 16, false);
    EXPECT_EQ(framed(framing, "{\"a\":1}\n"),
              "<134>1 2025-11-20T10:15:33.123456Z probe1 tapmeter " + std::to_string(::getpid()) +
                  " flow - {\"a\":1}");
}

// RFC 5424 section 6.2.1: facility times eight plus severity.
TEST(Syslog, an_alert_says_so_and_how_grave_it_is) {
    const SyslogFraming framing("probe1", 16, false);
    for (const auto& [priority, number] : {std::pair{0, "<130>1 "},
                                           {1, "<130>1 "},
                                           {2, "<132>1 "},
                                           {3, "<133>1 "},
                                           {255, "<133>1 "}}) {
        const auto subject = SyslogFraming::alert_of(static_cast<std::uint8_t>(priority));
        const std::string message = framed(framing, "[1:7:3] a\n", subject);
        EXPECT_TRUE(message.starts_with(number)) << message;
        EXPECT_TRUE(message.ends_with(" alert - [1:7:3] a")) << message;
    }
}

TEST(Syslog, a_stream_has_the_length_before_it) {
    const SyslogFraming framing("probe1", 0, true);
    for (const std::size_t octets : {8U, 800U, 8'000U}) {
        const std::string line = std::string(octets - 1, 'x') + "\n";
        const std::string message = framed(framing, line);
        const std::size_t space = message.find(' ');
        EXPECT_EQ(std::stoull(message.substr(0, space)), message.size() - space - 1);
        EXPECT_EQ(message.substr(space + 1, 5), "<6>1 ");
        EXPECT_TRUE(message.ends_with("xxx"));
        EXPECT_EQ(message.find('\n'), std::string::npos);
    }
}

TEST(Syslog, a_name_that_no_header_can_hold_is_made_one) {
    EXPECT_NE(framed(SyslogFraming("a b\n\xff", 23, false), "{}\n").find(" a?b?? tapmeter "),
              std::string::npos);
    EXPECT_NE(framed(SyslogFraming("", 23, false), "{}\n").find("Z - tapmeter "),
              std::string::npos);
    const std::string message = framed(SyslogFraming(std::string(1'000, 'h'), 23, true), "{}\n");
    EXPECT_NE(message.find(" " + std::string(255, 'h') + " tapmeter"), std::string::npos);
    EXPECT_LE(message.size(), SyslogFraming::octets_max + 2);
}

}  // namespace
}  // namespace tapmeter::exporting
