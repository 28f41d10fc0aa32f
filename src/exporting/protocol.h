#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/base/bytes.h"
#include "pipeline/base/units.h"

namespace tapmeter::exporting {

// What heads a message, without version and length.
struct MessageHeader {
    std::uint32_t export_time = 0;  // seconds since 1970
    std::uint32_t sequence = 0;     // of what went before, as Protocol counts, modulo 2^32
    ObservationDomainId domain{};
    // Of NetFlow alone. Its times count from here, in seconds since 1970: what it calls the start
    // of the device. Never later than export_time.
    std::int64_t uptime_origin = 0;
    std::uint32_t records = 0;  // in the message, templates among them
};

// How the messages of one protocol are headed. Behind the header stand Sets of records, in IPFIX as
// in NetFlow version 9; in version 5 nothing but records. Static storage.
struct Protocol {
    std::string_view label;         // of outputs: "ipfix/main"
    std::size_t header_octets;      // a multiple of four
    std::size_t set_header_octets;  // 0: there are no Sets
    std::size_t message_octets_max;
    // Largest message unless the operator says otherwise.
    std::size_t message_octets_auto;
    std::size_t sequence_at;  // its offset in the header
    std::uint16_t template_set_id;
    bool counts_messages;  // in its sequence; else Data Records
    bool tells_uptime;
    // Writes the header of `message`, which is header_octets long and more.
    void (*store)(std::span<std::byte> message, const MessageHeader& header) noexcept;
    MessageHeader (*read)(Bytes message) noexcept;  // `records` stays 0
};

extern const Protocol ipfix_protocol;     // RFC 7011 section 3.1
extern const Protocol netflow9_protocol;  // RFC 3954 section 5.1
extern const Protocol netflow5_protocol;  // Cisco's version 5: 30 records of 48 octets at most

// The longest header of any protocol.
inline constexpr std::size_t header_octets_max = 24;

// Whether a time, in seconds since 1970, can be told in 32 bits of milliseconds since `origin`.
constexpr bool is_told_by_uptime(std::int64_t seconds, std::int64_t origin) noexcept {
    constexpr std::int64_t seconds_max = 0xFFFF'FFFF / 1'000 - 1;
    return seconds >= origin && seconds - origin <= seconds_max;
}

// The wall clock, for a message that leaves now.
std::uint32_t export_time_now() noexcept;

}  // namespace tapmeter::exporting
