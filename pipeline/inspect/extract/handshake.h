#pragma once

#include <cstddef>
#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/context.h"

namespace tapmeter::inspect::extract {

// One whole handshake message (RFC 8446 §4) without its record; also for QUIC, which has none.
// transport  't' or 'q', for JA4
// returns    true where nothing that is read can follow it in this direction
bool read_handshake(std::uint8_t type, Bytes body, char transport, Context& context) noexcept;

namespace handshake {
inline constexpr std::uint8_t client_hello = 1;
inline constexpr std::uint8_t server_hello = 2;
inline constexpr std::uint8_t certificate = 11;
inline constexpr std::uint8_t server_hello_done = 14;
inline constexpr std::uint8_t client_key_exchange = 16;
inline constexpr std::size_t header_octets = 4;
}  // namespace handshake

}  // namespace tapmeter::inspect::extract
