#pragma once

#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/metadata.h"

namespace tapmeter::inspect::extract {

// What the first octets say, in a few comparisons and without any state. `certain` means that the
// octets have the shape of this protocol and of no other: a dissector need not be asked.
struct Recognised {
    enum class Certainty : std::uint8_t { none, wants_more, certain };

    Protocol protocol = Protocol::unknown;  // only with `certain`
    Certainty certainty = Certainty::none;

    constexpr bool is_certain() const noexcept { return certainty == Certainty::certain; }
    constexpr bool wants_more() const noexcept { return certainty == Certainty::wants_more; }
};

struct Ports {
    std::uint16_t source = 0;
    std::uint16_t destination = 0;

    constexpr bool have(std::uint16_t port) const noexcept {
        return source == port || destination == port;
    }
};

// Most octets of a stream that are looked at before it stays unknown.
inline constexpr std::size_t first_octets_max = 2'048;

// octets  the first of one direction of a TCP connection, as many as are there
Recognised recognise_stream(Bytes octets, Ports ports) noexcept;

// True where a TLS hello begins here: for connections that turn to TLS later, as by STARTTLS.
bool begins_tls(Bytes octets) noexcept;

// datagram  the payload of any datagram of the flow
Recognised recognise_datagram(Bytes datagram, Ports ports) noexcept;

}  // namespace tapmeter::inspect::extract
