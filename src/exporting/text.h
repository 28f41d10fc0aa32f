#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"

// Small writers of text for the JSON formats. Each writes at `to` and returns the end of what it
// wrote; the caller has room for the most that it may be.
namespace tapmeter::exporting {

inline constexpr std::size_t address_characters_max = 45;    // "0000:…:255.255.255.255"
inline constexpr std::size_t timestamp_characters_max = 31;  // 28 for EVE, 30 for RFC 3339

// "192.0.2.7"; RFC 5952 for IPv6: "2001:db8::7", "::ffff:192.0.2.7".
char* write_address(char* to, const decode::Address& address, std::uint8_t ip_version) noexcept;

// "2025-11-20T10:15:33.123456+0000", as Suricata writes it. Before 1970 is written as 1970.
char* write_eve_timestamp(char* to, ObservedAt at) noexcept;

// "2025-11-20T10:15:33.123456789Z" (RFC 3339).
char* write_rfc3339(char* to, ObservedAt at) noexcept;

// The text as a JSON string (RFC 8259 section 7), quotes included. Control characters are escaped;
// octets that are no UTF-8 become U+FFFD each.
std::string json_string(std::string_view text);

// How Suricata names the IP protocol: "TCP", "IPv6-ICMP"; an unnamed one by three digits, "253".
std::string_view protocol_name(std::uint8_t protocol) noexcept;

}  // namespace tapmeter::exporting
