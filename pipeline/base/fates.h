#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tapmeter {

// Every packet ends under exactly one of these names. The books (pipeline/books.h) add them up:
//     offered  = received + shunted + dropped{reason} + ignored{reason}   (+ what waits in rings)
//     received + shunted = metered + ignored{reason} + non_ip{kind} + undecoded{reason}
// A name is written once, here; metrics, the control interface and the end-of-run report print it.

// What we never got.
enum class Dropped : std::uint8_t {
    rx_missed,      // the NIC's receive ring was full: no worker came in time
    rx_error,       // the NIC or driver refused the frame
    no_buffer,      // no packet buffer: mempool, or the AF_XDP fill ring was empty
    xdp_ring_full,  // the AF_XDP receive ring was full
    no_socket,      // redirected to a queue without a socket
    not_attached,   // came by an interface that was back before we were at it again
    count,
};
inline constexpr std::size_t dropped_reasons = static_cast<std::size_t>(Dropped::count);
inline constexpr std::array<std::string_view, dropped_reasons> dropped_names{
    "rx_missed", "rx_error", "no_buffer", "xdp_ring_full", "no_socket", "not_attached"};

// What we left out on purpose.
enum class Ignored : std::uint8_t {
    excluded_prefix,  // prefilter: source or destination under a dropped prefix
    denied_port,      // prefilter: source or destination port on the deny list
    sampling,         // prefilter: not the one in N
    count,
};
inline constexpr std::size_t ignored_reasons = static_cast<std::size_t>(Ignored::count);
inline constexpr std::array<std::string_view, ignored_reasons> ignored_names{
    "excluded_prefix", "denied_port", "sampling"};

// What a worker leaves out on purpose; shown as ignored too.
enum class LeftOut : std::uint8_t {
    flow_sampling,  // overload: not one of the flows that are metered
    duplicate,      // a copy of a packet that was metered a moment ago, as SPAN ports send them
    filter,         // refused by the expression of its observation point
    own_export,     // a packet of a Transport Session of our own: metering it would make more
    count,
};
inline constexpr std::size_t left_out_reasons = static_cast<std::size_t>(LeftOut::count);
inline constexpr std::array<std::string_view, left_out_reasons> left_out_names{
    "flow_sampling", "duplicate", "filter", "own_export"};

// What is no IP packet: accounted, not an error.
enum class NonIp : std::uint8_t {
    arp,
    lldp,
    lacp,   // IEEE 802.3 slow protocols
    llc,    // IEEE 802.2 frames: spanning tree, IS-IS, ...
    pppoe,  // PPPoE discovery, and sessions that carry no IP
    mpls,   // label stacks above something that is not IP
    macsec,
    ptp,
    eapol,
    other,
    count,
};
inline constexpr std::size_t non_ip_kinds = static_cast<std::size_t>(NonIp::count);
inline constexpr std::array<std::string_view, non_ip_kinds> non_ip_names{
    "arp", "lldp", "lacp", "llc", "pppoe", "mpls", "macsec", "ptp", "eapol", "other"};

// What we could not read as far as a flow key.
enum class Undecoded : std::uint8_t {
    truncated,                   // the frame ends inside a header
    bad_version,                 // the version nibble contradicts the layer below
    bad_header_length,           // IPv4 header length below 5 words
    bad_total_length,            // a length field smaller than the header it counts
    too_many_tags,               // more VLAN tags than decode::vlan_tags_max
    too_many_labels,             // more MPLS labels than decode::mpls_labels_max
    too_many_extension_headers,  // more IPv6 extension headers than decode::extension_headers_max
    unknown_link_type,           // a capture file's link layer that we do not read
    count,
};
inline constexpr std::size_t undecoded_reasons = static_cast<std::size_t>(Undecoded::count);
inline constexpr std::array<std::string_view, undecoded_reasons> undecoded_names{
    "truncated",     "bad_version",     "bad_header_length",          "bad_total_length",
    "too_many_tags", "too_many_labels", "too_many_extension_headers", "unknown_link_type"};

// Index of a fate in its counter array.
template <class Fate>
constexpr std::size_t index_of(Fate fate) noexcept {
    return static_cast<std::size_t>(fate);
}

}  // namespace tapmeter
