#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/bytes.h"

namespace tapmeter::inspect::extract {

// What may stand in one hello, at most: real ones have some 20 suites and 20 extensions.
inline constexpr std::size_t cipher_suites_max = 512;
inline constexpr std::size_t extensions_max = 192;

// Extensions of TLS (IANA registry) that are read.
namespace tls_extension {
inline constexpr std::uint16_t server_name = 0x0000;
inline constexpr std::uint16_t supported_groups = 0x000a;
inline constexpr std::uint16_t point_formats = 0x000b;
inline constexpr std::uint16_t signature_algorithms = 0x000d;
inline constexpr std::uint16_t alpn = 0x0010;
inline constexpr std::uint16_t supported_versions = 0x002b;
inline constexpr std::uint16_t quic_transport_parameters = 0x0039;
inline constexpr std::uint16_t quic_transport_parameters_draft = 0xffa5;
}  // namespace tls_extension

// A ClientHello or ServerHello, cut into views (RFC 8446 §4.1.2, §4.1.3; RFC 5246 §7.4.1). Lists
// hold 16-bit numbers, big-endian, without their length.
struct Hello {
    std::uint16_t version = 0;  // legacy_version
    Bytes cipher_suites{};      // of a ServerHello: the chosen one
    Bytes server_name{};        // host_name (RFC 6066 §3)
    Bytes supported_groups{};
    Bytes point_formats{};  // 8-bit numbers
    Bytes signature_algorithms{};
    Bytes supported_versions{};  // of a ServerHello: the chosen one
    Bytes alpn{};                // names, each behind its length in 8 bits (RFC 7301)
    Bytes quic_transport_parameters{};
    std::array<std::uint16_t, extensions_max> extensions{};  // types in their order
    std::size_t extensions_count = 0;
    bool has_server_name = false;
    bool is_cut = false;    // it ends early, or a length in it lies: what came before is here
    bool too_many = false;  // more suites or extensions than are read: no fingerprints
};

// Reads the body of a handshake message of type 1 or 2. Never fails: a hello that breaks off has
// `is_cut` and what could be read.
void read_client_hello(Bytes body, Hello& hello) noexcept;
void read_server_hello(Bytes body, Hello& hello) noexcept;

// Values that clients mix in so that servers learn to ignore what they do not know (RFC 8701).
constexpr bool is_grease(std::uint16_t value) noexcept {
    return (value & 0x0f0fU) == 0x0a0aU && (value >> 8U) == (value & 0xffU);
}

// Number at `index` of a list of 16-bit numbers; the caller stays below list_size().
constexpr std::uint16_t number_at(Bytes list, std::size_t index) noexcept {
    return load_be16(list.subspan(index * 2).first<2>());
}
constexpr std::size_t list_size(Bytes list) noexcept {
    return list.size() / 2;
}

// The highest version offered (of a ServerHello: the one chosen), GREASE apart: from
// supported_versions, else legacy_version.
std::uint16_t version_of(const Hello& hello) noexcept;

}  // namespace tapmeter::inspect::extract
