#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "pipeline/base/bytes.h"

namespace tapmeter::inspect::extract {

inline constexpr std::size_t quic_cid_octets_max = 20;  // RFC 9000 §17.2
inline constexpr std::uint32_t quic_v1 = 0x0000'0001;
inline constexpr std::uint32_t quic_v2 = 0x6b33'43cf;

// What differs between versions in how an Initial packet is protected.
struct QuicVersion {
    std::array<std::uint8_t, 20> salt;
    bool is_v2 = false;      // RFC 9369: other labels and packet types
    bool is_google = false;  // the handshake may be Google's own instead of TLS
};

// v1, v2, drafts 22 to 34, Facebook's drafts, Google's Q050, T050 and T051. Nothing: another.
std::optional<QuicVersion> quic_version_of(std::uint32_t version) noexcept;

// Keys of the Initial packets of one direction (RFC 9001 §5.1, §5.2): known to all who see the
// client's first destination connection id.
struct QuicKeys {
    std::array<std::uint8_t, 16> key{};
    std::array<std::uint8_t, 12> iv{};
    std::array<std::uint8_t, 16> header{};
};
QuicKeys initial_keys(const QuicVersion& version, Bytes connection_id, bool from_client) noexcept;

// Removes the protection of one packet (RFC 9001 §5.3, §5.4).
//
// packet    from its first octet to the end that its Length field says
// number_at offset of the packet number
// room      for the opened packet: at least packet.size() octets
// returns   the frames, in `room`; nothing where it does not authenticate
std::optional<Bytes> open_packet(const QuicKeys& keys, Bytes packet, std::size_t number_at,
                                 std::span<std::byte> room) noexcept;

}  // namespace tapmeter::inspect::extract
