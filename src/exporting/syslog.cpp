#include "src/exporting/syslog.h"

#include <fmt/compile.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "pipeline/base/expects.h"
#include "src/exporting/text.h"

namespace tapmeter::exporting {
namespace {

constexpr std::uint32_t severities = 8;
constexpr std::size_t priority_octets_max = 7;     // "<191>1 "
constexpr std::size_t message_id_octets_max = 32;  // section 6
constexpr std::size_t length_octets_max = 21;
constexpr std::size_t host_octets_max = 255;  // RFC 5424 section 6
constexpr std::size_t microsecond_digits = 6;

std::string as_host(std::string host) {
    host.resize(std::min(host.size(), host_octets_max));
    std::ranges::replace_if(
        host, [](char c) { return c <= ' ' || c > '~'; }, '?');
    return host.empty() ? "-" : host;
}

// RFC 5424 section 6.2.3 has six digits of a second at most.
std::size_t write_time(std::span<char, timestamp_characters_max> to, ObservedAt at) noexcept {
    const auto written = static_cast<std::size_t>(write_rfc3339(to.data(), at) - to.data());
    const auto point = std::ranges::find(to, '.');
    const auto whole = static_cast<std::size_t>(point - to.begin()) + 1 + microsecond_digits;
    if (whole >= written) {
        return written;
    }
    to[whole] = 'Z';
    return whole + 1;
}

}  // namespace

SyslogFraming::SyslogFraming(const std::string& host, std::uint32_t facility, bool counted)
    : facility_(facility),
      origin_(fmt::format(" {} tapmeter {} ", as_host(host), ::getpid())),
      counted_(counted) {
    expects(priority_octets_max + timestamp_characters_max + origin_.size() +
                message_id_octets_max + 3 + length_octets_max <=
            octets_max);
}

SyslogFraming::Subject SyslogFraming::alert_of(std::uint8_t priority) noexcept {
    constexpr std::uint8_t critical = 2;
    constexpr std::uint8_t warning = 4;
    constexpr std::uint8_t notice = 5;
    return {.message_id = "alert",
            .severity = priority <= 1 ? critical : (priority == 2 ? warning : notice)};
}

char* SyslogFraming::frame(char* line, std::size_t octets, ObservedAt at,
                           const Subject& subject) const noexcept {
    std::array<char, octets_max> head{};
    std::array<char, timestamp_characters_max> time{};
    char* head_end = fmt::format_to(head.data(), FMT_COMPILE("<{}>1 "),
                                    facility_ * severities + subject.severity % severities);
    head_end = std::copy_n(time.data(), write_time(time, at), head_end);
    head_end = std::ranges::copy(origin_, head_end).out;
    head_end = fmt::format_to(head_end, FMT_COMPILE("{} - "),
                              subject.message_id.substr(0, message_id_octets_max));
    const auto head_octets = static_cast<std::size_t>(head_end - head.data());
    const std::size_t text_octets = octets - 1;  // the length, or the datagram, ends the message

    std::array<char, length_octets_max> length{};
    char* length_end = length.data();
    if (counted_) {
        length_end = std::to_chars(length.data(), length.data() + length.size() - 1,
                                   head_octets + text_octets)
                         .ptr;
        *length_end++ = ' ';
    }
    const auto length_octets = static_cast<std::size_t>(length_end - length.data());
    std::memmove(line + length_octets + head_octets, line, text_octets);
    line = std::copy_n(length.data(), length_octets, line);
    line = std::copy_n(head.data(), head_octets, line);
    return line + text_octets;
}

}  // namespace tapmeter::exporting
