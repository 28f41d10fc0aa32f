#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pipeline/base/bytes.h"
#include "pipeline/base/units.h"
#include "pipeline/inspect/extract/context.h"

namespace tapmeter::inspect::extract {

// A name in text is at most 255 octets on the wire (RFC 1035 §2.3.4).
inline constexpr std::size_t dns_name_octets_max = 255;
// Pointers that one name may follow (RFC 1035 §4.1.4); each must point backwards as well.
inline constexpr std::size_t dns_pointers_max = 16;
inline constexpr std::size_t dns_questions_max = 32;
inline constexpr std::size_t dns_header_octets = 12;

// Queries whose responses are waited for, to time them: the newest of a flow.
inline constexpr std::size_t dns_pending_max = 4;
struct DnsPlace {
    // Wraps after 71 minutes, long after any answer.
    std::array<std::uint32_t, dns_pending_max> sent_microseconds{};
    std::array<std::uint16_t, dns_pending_max> ids{};
    std::uint8_t waiting = 0;  // a bit for each
    std::uint8_t next = 0;     // the one that a new query replaces
};
static_assert(sizeof(DnsPlace) == 28);

// Writes the name at `offset` of a message, dotted, and returns its length. `end` becomes the
// offset behind the name where it stands, or 0 where it is broken: a label behind the message, a
// pointer forwards or too many, a name too long.
std::size_t write_dns_name(Bytes message, std::size_t offset, std::span<std::byte> text,
                           std::size_t& end) noexcept;

// True where a message may begin here: opcode and counts are such that DNS has. For ports that
// are nobody's; `octets` may be cut.
bool is_dns(Bytes octets) noexcept;

// Reads one message (RFC 1035 §4.1); also mDNS (RFC 6762) and LLMNR (RFC 4795).
// at  when it was observed
void read_dns(Bytes message, ObservedAt at, DnsPlace& pending, Context& context) noexcept;

// Reads one direction of DNS over TCP: each message behind its length in 16 bits (RFC 1035
// §4.2.2).
struct DnsStream {
    ObservedAt at{};
    DnsPlace& pending;
};
Read read_dns_stream(Bytes unread, bool last, DnsStream& stream, Context& context) noexcept;

}  // namespace tapmeter::inspect::extract
