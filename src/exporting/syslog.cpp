#include "src/exporting/syslog.h"

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

constexpr std::uint32_t severity_informational = 6;
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
    : priority_(fmt::format("<{}>1 ", facility * 8 + severity_informational)),
      origin_(fmt::format(" {} tapmeter {} flow - ", as_host(host), ::getpid())),
      counted_(counted) {
    constexpr std::size_t length_octets_max = 21;
    expects(priority_.size() + timestamp_characters_max + origin_.size() + length_octets_max <=
            octets_max);
}

char* SyslogFraming::frame(char* line, std::size_t octets, ObservedAt end) const noexcept {
    std::array<char, timestamp_characters_max> time{};
    const std::size_t time_octets = write_time(time, end);
    const std::size_t text_octets = octets - 1;  // the length, or the datagram, ends the message
    const std::size_t head_octets = priority_.size() + time_octets + origin_.size();

    std::array<char, 21> length{};
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
    line = std::ranges::copy(priority_, line).out;
    line = std::copy_n(time.data(), time_octets, line);
    line = std::ranges::copy(origin_, line).out;
    return line + text_octets;
}

}  // namespace tapmeter::exporting
