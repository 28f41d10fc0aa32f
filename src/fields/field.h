#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/fields/information_element.h"

namespace tapmeter::fields {

// In which flow records a field has a meaning; others' templates are spared it.
enum class Presence : std::uint8_t {
    all,
    ipv4,
    ipv6,
    with_ports,  // ICMP flows have type and code where others have ports
    icmpv4,
    icmpv6,
    others,  // records that stand for more than one flow, by aggregation or sampling
    others_ipv4,
    others_ipv6,
};

// The chapters of tapmeter-fields(7).
enum class Group : std::uint8_t {
    time,
    counters,
    key,
    tcp,
    link,
    end,
    sampling,
    observation,
    own,
    tcp_quality,
    tunnel,
    behaviour,
    payload,
    application,
    netflow,  // of NetFlow version 9 alone, where they stand for the fields of `time`
};
inline constexpr std::size_t groups = 15;

// Where the octets of a field come from.
enum class Source : std::uint8_t {
    record,            // the Flow Record itself
    derived,           // DerivedValues (src/fields/derived.h)
    interface_name,    // variable length: of a table by Observation Point
    application_name,  // variable length: as nDPI calls the protocol
    tcp,               // a report beside the record: flow::TcpReport
    tunnel,            // flow::TunnelReport
    behaviour,         // flow::BehaviourReport
    payload,           // flow::PayloadReport
    signatures,        // flow::SignatureHits
    signature_ids,     // variable length: a list of what those name
};
struct Place {
    Source source = Source::record;
    std::size_t offset = 0;  // there
    std::size_t octets = 0;  // as long as there
    bool network = false;    // in network byte order there: addresses
    unsigned need = 0;       // which of the derived values it wants filled in
};

// One exported field: all that is known of it, once. Templates, encoders, names of JSON members
// and of columns, filter words, the manual page and the tests are made from these rows.
//
// name     what a configuration calls it: the element's, with "reverse" before it where it speaks
//          of the other direction (RFC 5103 section 6.1)
struct Field {
    std::string_view name;
    InformationElement element;
    bool reverse;
    Presence presence;
    Group group;
    Place place;
    std::string_view eve;     // path in the EVE format; empty: not there
    std::string_view column;  // of ClickHouse; empty: none
    std::string_view column_type;
    std::string_view filter;  // word of the filter language; empty: none
    std::string_view help;
};

// Octet number `index` of the value as it is exported, `octets` of them in all, at `place`.
// Shorter than there: the low-order octets of the number (RFC 7011 section 6.2).
constexpr std::size_t octet_at(const Place& place, std::size_t index, std::size_t octets) noexcept {
    if (place.network || std::endian::native == std::endian::big) {
        return place.offset + (place.octets - octets) + index;
    }
    return place.offset + octets - 1 - index;
}

}  // namespace tapmeter::fields
