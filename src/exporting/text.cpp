#include "src/exporting/text.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace tapmeter::exporting {
namespace {

using Groups = std::array<std::uint16_t, 8>;

struct Run {
    std::size_t first = 0;
    std::size_t length = 0;
};

// The zeros that "::" stands for: the longest run of two and more, the first of equals.
Run longest_zeros(const Groups& groups, std::size_t count) noexcept {
    Run best;
    Run run;
    for (std::size_t i = 0; i < count; ++i) {
        if (groups[i] != 0) {
            run.length = 0;
            continue;
        }
        run.first = run.length == 0 ? i : run.first;
        ++run.length;
        if (run.length > best.length) {
            best = run;
        }
    }
    return best.length >= 2 ? best : Run{};
}

char* write_ipv4(char* to, const std::uint8_t* octets) noexcept {
    return fmt::format_to(to, FMT_COMPILE("{}.{}.{}.{}"), octets[0], octets[1], octets[2],
                          octets[3]);
}

char* write_ipv6(char* to, const decode::Address& address) noexcept {
    Groups groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups[i] =
            static_cast<std::uint16_t>((unsigned{address[2 * i]} << 8U) | address[2 * i + 1]);
    }
    const bool mapped =
        groups[5] == 0xFFFF && std::ranges::all_of(std::span{groups}.first<5>(),
                                                   [](std::uint16_t group) { return group == 0; });
    const std::size_t count = mapped ? 6 : groups.size();
    const Run zeros = longest_zeros(groups, count);
    for (std::size_t i = 0; i < count;) {
        if (zeros.length != 0 && i == zeros.first) {
            *to++ = ':';
            *to++ = ':';
            i += zeros.length;
            continue;
        }
        if (i != 0 && !(zeros.length != 0 && i == zeros.first + zeros.length)) {
            *to++ = ':';
        }
        to = fmt::format_to(to, FMT_COMPILE("{:x}"), groups[i]);
        ++i;
    }
    if (mapped) {
        *to++ = ':';
        to = write_ipv4(to, &address[12]);
    }
    return to;
}

struct Moment {
    std::chrono::year_month_day date;
    unsigned second_of_day;
    std::uint32_t nanosecond;
};

Moment moment_of(ObservedAt at) noexcept {
    using namespace std::chrono;
    const std::chrono::nanoseconds since_1970{
        std::max<std::int64_t>(at.time_since_epoch().count(), 0)};
    const auto day = duration_cast<days>(since_1970);
    const auto second = duration_cast<seconds>(since_1970 - day);
    return {year_month_day{sys_days{day}}, static_cast<unsigned>(second.count()),
            static_cast<std::uint32_t>((since_1970 - day - second).count())};
}

char* write_seconds(char* to, const Moment& moment) noexcept {
    const unsigned of_day = moment.second_of_day;
    return fmt::format_to(
        to, FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}"),
        static_cast<int>(moment.date.year()), static_cast<unsigned>(moment.date.month()),
        static_cast<unsigned>(moment.date.day()), of_day / 3600, of_day / 60 % 60, of_day % 60);
}

// Octets of the UTF-8 sequence at the start of `text` (RFC 3629: shortest form, no surrogates, not
// above U+10FFFF); 0: it is none.
std::size_t utf8_octets(std::string_view text) noexcept {
    const auto octet = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && octet(i) >= low && octet(i) <= high;
    };
    const unsigned first = octet(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return follows(1, 0x80, 0xBF) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return follows(1, low, high) && follows(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return follows(1, low, high) && follows(2, 0x80, 0xBF) && follows(3, 0x80, 0xBF) ? 4 : 0;
    }
    return 0;
}

using ProtocolNames = std::array<std::array<char, 16>, 256>;

// IANA's keywords, of the protocols that are seen; the others as three digits.
constexpr std::array named_protocols{
    std::pair{0, "HOPOPT"},      std::pair{1, "ICMP"},       std::pair{2, "IGMP"},
    std::pair{3, "GGP"},         std::pair{4, "IPv4"},       std::pair{5, "ST"},
    std::pair{6, "TCP"},         std::pair{8, "EGP"},        std::pair{9, "IGP"},
    std::pair{12, "PUP"},        std::pair{17, "UDP"},       std::pair{27, "RDP"},
    std::pair{33, "DCCP"},       std::pair{41, "IPv6"},      std::pair{43, "IPv6-Route"},
    std::pair{44, "IPv6-Frag"},  std::pair{46, "RSVP"},      std::pair{47, "GRE"},
    std::pair{50, "ESP"},        std::pair{51, "AH"},        std::pair{58, "IPv6-ICMP"},
    std::pair{59, "IPv6-NoNxt"}, std::pair{60, "IPv6-Opts"}, std::pair{88, "EIGRP"},
    std::pair{89, "OSPFIGP"},    std::pair{94, "IPIP"},      std::pair{97, "ETHERIP"},
    std::pair{98, "ENCAP"},      std::pair{103, "PIM"},      std::pair{108, "IPComp"},
    std::pair{112, "VRRP"},      std::pair{115, "L2TP"},     std::pair{124, "ISIS"},
    std::pair{132, "SCTP"},      std::pair{135, "Mobility"}, std::pair{136, "UDPLite"},
    std::pair{137, "MPLS-in-IP"}};

constexpr ProtocolNames protocol_names = [] {
    ProtocolNames names{};
    for (std::size_t number = 0; number < names.size(); ++number) {
        names[number] = {static_cast<char>('0' + number / 100),
                         static_cast<char>('0' + number / 10 % 10),
                         static_cast<char>('0' + number % 10)};
    }
    for (const auto& [number, name] : named_protocols) {
        std::ranges::copy(std::string_view{name}, names[static_cast<std::size_t>(number)].begin());
    }
    return names;
}();

}  // namespace

char* write_address(char* to, const decode::Address& address, std::uint8_t ip_version) noexcept {
    return ip_version == 6 ? write_ipv6(to, address) : write_ipv4(to, &address[12]);
}

char* write_eve_timestamp(char* to, ObservedAt at) noexcept {
    const Moment moment = moment_of(at);
    return fmt::format_to(write_seconds(to, moment), FMT_COMPILE(".{:06}+0000"),
                          moment.nanosecond / 1'000);
}

char* write_rfc3339(char* to, ObservedAt at) noexcept {
    const Moment moment = moment_of(at);
    return fmt::format_to(write_seconds(to, moment), FMT_COMPILE(".{:09}Z"), moment.nanosecond);
}

std::string json_string(std::string_view text) {
    std::string escaped = "\"";
    while (!text.empty()) {
        const std::size_t octets = utf8_octets(text);
        const auto first = static_cast<unsigned char>(text.front());
        if (octets == 0) {
            escaped += "\\ufffd";
        } else if (first == '"' || first == '\\') {
            escaped += {'\\', text.front()};
        } else if (first < 0x20 || first == 0x7F) {
            escaped += fmt::format("\\u{:04x}", first);
        } else {
            escaped += text.substr(0, octets);
        }
        text.remove_prefix(std::max<std::size_t>(octets, 1));
    }
    return escaped + '"';
}

std::string_view protocol_name(std::uint8_t protocol) noexcept {
    return protocol_names[protocol].data();
}

}  // namespace tapmeter::exporting
