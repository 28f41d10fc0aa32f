#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/client_hello.h"

namespace tapmeter::inspect::extract {

using Md5 = std::array<std::uint8_t, 16>;
using Sha1 = std::array<std::uint8_t, 20>;

Md5 md5_of(Bytes octets) noexcept;
Sha1 sha1_of(Bytes octets) noexcept;

// Lower-case hexadecimal digits into `text`, which has room for two an octet. Returns how many.
std::size_t write_hex(std::span<const std::uint8_t> octets, std::span<char> text) noexcept;

// Most that a fingerprint's string can be long, with the limits of a Hello.
inline constexpr std::size_t ja3_octets_max = std::size_t{8} << 10U;

// The string whose MD5 is JA3 (or JA3S): "771,4865-4866,0-23,29-23,0", without GREASE. Returns its
// length; what `text` has no room for is left out (ja3_octets_max is room enough for hellos whose
// lists are within their limits).
std::size_t write_ja3(const Hello& hello, std::span<char> text) noexcept;
std::size_t write_ja3s(const Hello& hello, std::span<char> text) noexcept;

// FoxIO's JA4 of a ClientHello: "t13d1516h2_8daaf6152771_e5627efa2ab1", 36 characters.
// transport  't' TLS over TCP, 'q' QUIC, 'd' DTLS
// source     github.com/FoxIO-LLC/ja4, technical_details/JA4.md
inline constexpr std::size_t ja4_octets = 36;
std::array<char, ja4_octets> ja4_of(const Hello& hello, char transport) noexcept;

}  // namespace tapmeter::inspect::extract
