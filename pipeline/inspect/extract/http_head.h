#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "pipeline/base/bytes.h"

namespace tapmeter::inspect::extract {

// Start line and fields of one HTTP/1 message (RFC 9112 §2.1) as views. Absent parts are empty.
struct HttpHead {
    bool is_request = false;
    Bytes start_line{};  // without its line end
    Bytes method{};
    Bytes target{};
    std::uint8_t version = 0;  // 0x11 for HTTP/1.1; 0: none was named
    Bytes status{};            // three digits as they stand
    Bytes reason{};
    std::uint16_t status_code = 0;

    Bytes fields{};      // all field lines with their line ends
    Bytes fields_raw{};  // and the empty line behind them
    Bytes host{};
    Bytes user_agent{};
    Bytes referer{};
    Bytes cookie{};  // Cookie, or Set-Cookie in a response
    Bytes content_type{};
    Bytes server{};
    std::optional<std::uint64_t> content_length;
    bool is_chunked = false;
    bool is_plain = true;  // `fields` stand as "name: value\r\n" already, without cookies
};

// Most field lines that are read of one message.
inline constexpr std::size_t http_fields_max = 256;

// Where the head that begins at `octets` ends: the offset behind its empty line; nothing where the
// end is not there. Lines end with CRLF or LF. `searched`: so many octets were searched before.
std::optional<std::size_t> http_head_end(Bytes octets, std::size_t searched) noexcept;

// Reads a head, whole or cut off. Nothing: it begins with neither a request line nor a status line.
std::optional<HttpHead> read_http_head(Bytes head) noexcept;

// True where a request line or status line begins here, as far as the octets go; false where
// one cannot.
bool begins_http(Bytes octets) noexcept;
// The same, with enough octets seen to be certain: "GET /", "HTTP/1.".
bool is_http(Bytes octets) noexcept;

// Writes the target as servers resolve it: path only, percent-decoded, without "." and ".."
// segments and doubled slashes; the query as it stands. Returns its length, at most that of
// `target`; `text` must have room for that.
std::size_t write_normalised_target(Bytes target, std::span<std::byte> text) noexcept;

// Writes host in lower case, without port, and returns its length.
std::size_t write_normalised_host(Bytes host, std::span<std::byte> text) noexcept;

// Writes the fields as "name: value\r\n" each, without the cookies, and returns their length.
std::size_t write_fields(const HttpHead& head, std::span<std::byte> text) noexcept;

}  // namespace tapmeter::inspect::extract
