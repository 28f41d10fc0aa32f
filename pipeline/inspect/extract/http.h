#pragma once

#include <cstdint>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/extract/context.h"

namespace tapmeter::inspect::extract {

// Reads one direction of HTTP/1 (RFC 9112): requests or responses, one behind the other, with
// their bodies as far as they are inspected. The flow keeps what the first of each said.
//
// unread   everything from the first octet not yet consumed
// last     nothing follows: what is there of a head or body is read as far as it goes
// other    place of the opposite direction: a response's length depends on its request
// returns  octets consumed; done where the direction is no HTTP; switched behind CONNECT and 101
Read read_http(Bytes unread, bool last, Place& place, const Place& other,
               Context& context) noexcept;

// `lost` octets behind what was read will never come. Reading goes on in a body whose length is
// known, or where a message begins right behind the gap.
void pass_http_gap(std::uint32_t lost, Place& place) noexcept;

// A head that is a datagram of its own (SSDP).
void read_http_datagram(Bytes datagram, Context& context) noexcept;

}  // namespace tapmeter::inspect::extract
