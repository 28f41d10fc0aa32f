#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/context.h"
#include "pipeline/inspect/extract/quic_keys.h"
#include "pipeline/inspect/reassembly.h"

namespace tapmeter::inspect::extract {

// Initial packets that are opened for one flow; opening one costs some microseconds.
inline constexpr std::uint8_t quic_initials_max = 16;
// Packets in one datagram (RFC 9000 §12.2).
inline constexpr std::size_t quic_coalesced_max = 8;

// What a QUIC flow remembers until both hellos were seen.
struct QuicPlace {
    std::array<std::byte, quic_cid_octets_max> connection_id{};  // the client's first
    std::uint8_t connection_id_octets = 0;
    std::uint8_t initials = 0;     // opened, or tried
    std::uint8_t client_side = 0;  // only with has_client
    bool has_client = false;
    std::array<bool, 2> done{};  // by side: nothing more to tell
};

// True where a QUIC long header (RFC 8999 §5.1) of a version that can be read begins here, or the
// public header of Google's QUIC with a version.
bool is_quic(Bytes datagram) noexcept;

// Reads one datagram: Initial packets, opened, their CRYPTO frames put in order in `stream` (one
// a side), hellos read.
struct QuicFlow {
    QuicPlace& place;
    Reassembly& reassembly;
    Stream& stream;  // of the sender
};
void read_quic(Bytes datagram, QuicFlow& flow, Context& context) noexcept;

// The client hello of Google's own handshake, wherever it stands in the first octets: tags SNI and
// UAID.
void read_gquic_hello(Bytes octets, Context& context) noexcept;

}  // namespace tapmeter::inspect::extract
