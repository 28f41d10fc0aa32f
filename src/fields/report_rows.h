#pragma once

#include <array>
#include <cstddef>

#include "pipeline/flow/behaviour.h"
#include "pipeline/flow/tcp_report.h"
#include "pipeline/flow/tunnel_report.h"
#include "src/fields/field.h"

namespace tapmeter::fields {

// The fields that do not stand in the Flow Record itself but in a report beside it. A record
// without that report has 0 there.
namespace reports {

using flow::BehaviourReport;
using flow::TcpReport;
using flow::TcpSideQuality;
using flow::TunnelReport;
using Direction = TcpReport::Direction;
using Ways = BehaviourReport::Direction;

consteval Field row(std::string_view name, Place place, std::string_view eve,
                    std::string_view help) {
    const Presence presence = place.source == Source::tcp ? Presence::with_ports : Presence::all;
    const Group group = place.source == Source::tcp      ? Group::tcp_quality
                        : place.source == Source::tunnel ? Group::tunnel
                                                         : Group::behaviour;
    return {name, element(name), false, presence, group, place, eve, "", "", "", help};
}
// Of IANA's registry, in the other direction (RFC 5103 section 6.1).
consteval Field turned(std::string_view name, std::string_view of, Field field) {
    field.name = name;
    field.element = element(of);
    field.reverse = true;
    return field;
}
// With a column of ClickHouse.
consteval Field kept(std::string_view column, std::string_view type, Field field) {
    field.column = column;
    field.column_type = type;
    return field;
}
consteval Field tcp(std::string_view name, std::size_t offset, std::size_t octets,
                    std::string_view eve, std::string_view help) {
    return row(name, {Source::tcp, offset, octets, false, 0}, eve, help);
}
consteval Field tunnel(std::string_view name, std::size_t offset, std::size_t octets,
                       std::string_view eve, std::string_view help) {
    return row(name, {Source::tunnel, offset, octets, false, 0}, eve, help);
}
consteval Field tunnel_address(std::string_view name, std::size_t offset, std::string_view eve,
                               std::string_view help) {
    return row(name, {Source::tunnel, offset, 16, true, 0}, eve, help);
}
// Label stack section: three octets, of a number of four.
consteval Field section(std::string_view name, std::size_t label, std::string_view help) {
    constexpr std::size_t high = std::endian::native == std::endian::big ? 1 : 0;
    return row(
        name,
        {Source::tunnel, offsetof(TunnelReport, mpls_stack) + label * sizeof(std::uint32_t) + high,
         3, false, 0},
        "tapmeter.tunnel.mpls", help);
}
consteval Field behaviour(std::string_view name, std::size_t offset, std::size_t octets,
                          std::string_view eve, std::string_view help) {
    return row(name, {Source::behaviour, offset, octets, false, 0}, eve, help);
}
consteval Field mac(std::string_view name, std::size_t offset, std::string_view eve,
                    std::string_view help) {
    return row(name, {Source::behaviour, offset, 6, true, 0}, eve, help);
}

// Where a direction of a report begins.
inline constexpr std::size_t tcp_of_source = offsetof(TcpReport, forward);
inline constexpr std::size_t tcp_of_destination = offsetof(TcpReport, reverse);
inline constexpr std::size_t seen_of_source = tcp_of_source + offsetof(Direction, seen);
inline constexpr std::size_t seen_of_destination = tcp_of_destination + offsetof(Direction, seen);
inline constexpr std::size_t back = sizeof(Ways);  // from one direction to the other

inline constexpr std::array rows{
    kept("retrans_timeout_fwd", "UInt32",
         tcp("tcpTimeoutRetransmissionDeltaCount",
             seen_of_source + offsetof(TcpSideQuality, retransmissions), 4, "",
             "segments sent again behind a timeout, of the source")),
    kept("retrans_fast_fwd", "UInt32",
         tcp("tcpFastRetransmissionDeltaCount",
             seen_of_source + offsetof(TcpSideQuality, fast_retransmissions), 4,
             "tapmeter.tcp.toserver.fast_retransmissions",
             "segments sent again soon behind duplicate acknowledgements, of the source")),
    tcp("tcpSpuriousRetransmissionDeltaCount",
        seen_of_source + offsetof(TcpSideQuality, spurious_retransmissions), 4,
        "tapmeter.tcp.toserver.spurious_retransmissions",
        "segments sent again although they had been acknowledged, of the source"),
    kept("out_of_order_fwd", "UInt32",
         tcp("tcpOutOfOrderDeltaCount", seen_of_source + offsetof(TcpSideQuality, out_of_order), 4,
             "tapmeter.out_of_order_toserver", "segments overtaken by later ones, of the source")),
    kept("lost_segments_fwd", "UInt32",
         tcp("tcpLostSegmentDeltaCount", seen_of_source + offsetof(TcpSideQuality, lost_segments),
             4, "tapmeter.tcp.toserver.lost_segments",
             "segments with a gap before them, of the source")),
    tcp("tcpUnseenAcknowledgedDeltaCount",
        seen_of_source + offsetof(TcpSideQuality, unseen_acknowledged), 4,
        "tapmeter.tcp.toserver.acked_unseen",
        "acknowledgements of what was not seen of the other end, of the source"),
    tcp("tcpDuplicateAckDeltaCount", seen_of_source + offsetof(TcpSideQuality, duplicate_acks), 4,
        "tapmeter.tcp.toserver.duplicate_acks", "acknowledgements repeated, of the source"),
    kept("zero_windows_fwd", "UInt32",
         tcp("tcpZeroWindowDeltaCount", seen_of_source + offsetof(TcpSideQuality, zero_windows), 4,
             "tapmeter.tcp.toserver.zero_windows",
             "segments that announce a closed window, of the source")),
    tcp("tcpFullWindowDeltaCount", seen_of_source + offsetof(TcpSideQuality, windows_full), 4,
        "tapmeter.tcp.toserver.windows_full",
        "segments that fill the other end's window, of the source"),
    tcp("tcpKeepAliveDeltaCount", seen_of_source + offsetof(TcpSideQuality, keep_alives), 4,
        "tapmeter.tcp.toserver.keep_alives", "keep-alive segments, of the source"),
    tcp("tcpRoundTripDeltaCount", tcp_of_source + offsetof(Direction, round_trips), 4,
        "tapmeter.tcp.toserver.round_trips",
        "round trips timed from a segment that way to its acknowledgement, of the source"),
    tcp("tcpRoundTripMinMicroseconds", tcp_of_source + offsetof(Direction, round_trip_min_us), 4,
        "tapmeter.tcp.toserver.rtt_min_us", "shortest of them, in microseconds, of the source"),
    tcp("tcpRoundTripMeanMicroseconds", tcp_of_source + offsetof(Direction, round_trip_mean_us), 4,
        "tapmeter.tcp.toserver.rtt_avg_us", "their mean, in microseconds, of the source"),
    tcp("tcpRoundTripMaxMicroseconds", tcp_of_source + offsetof(Direction, round_trip_max_us), 4,
        "tapmeter.tcp.toserver.rtt_max_us", "longest of them, in microseconds, of the source"),
    tcp("tcpMaximumSegmentOctets", tcp_of_source + offsetof(Direction, segment_octets_max), 2,
        "tapmeter.tcp.toserver.mss", "MSS option of the SYN of the source; 0: none"),
    kept("retrans_timeout_rev", "UInt32",
         tcp("reverseTcpTimeoutRetransmissionDeltaCount",
             seen_of_destination + offsetof(TcpSideQuality, retransmissions), 4, "",
             "segments sent again behind a timeout, of the destination")),
    kept("retrans_fast_rev", "UInt32",
         tcp("reverseTcpFastRetransmissionDeltaCount",
             seen_of_destination + offsetof(TcpSideQuality, fast_retransmissions), 4,
             "tapmeter.tcp.toclient.fast_retransmissions",
             "segments sent again soon behind duplicate acknowledgements, of the destination")),
    tcp("reverseTcpSpuriousRetransmissionDeltaCount",
        seen_of_destination + offsetof(TcpSideQuality, spurious_retransmissions), 4,
        "tapmeter.tcp.toclient.spurious_retransmissions",
        "segments sent again although they had been acknowledged, of the destination"),
    kept("out_of_order_rev", "UInt32",
         tcp("reverseTcpOutOfOrderDeltaCount",
             seen_of_destination + offsetof(TcpSideQuality, out_of_order), 4,
             "tapmeter.out_of_order_toclient",
             "segments overtaken by later ones, of the destination")),
    kept("lost_segments_rev", "UInt32",
         tcp("reverseTcpLostSegmentDeltaCount",
             seen_of_destination + offsetof(TcpSideQuality, lost_segments), 4,
             "tapmeter.tcp.toclient.lost_segments",
             "segments with a gap before them, of the destination")),
    tcp("reverseTcpUnseenAcknowledgedDeltaCount",
        seen_of_destination + offsetof(TcpSideQuality, unseen_acknowledged), 4,
        "tapmeter.tcp.toclient.acked_unseen",
        "acknowledgements of what was not seen of the other end, of the destination"),
    tcp("reverseTcpDuplicateAckDeltaCount",
        seen_of_destination + offsetof(TcpSideQuality, duplicate_acks), 4,
        "tapmeter.tcp.toclient.duplicate_acks", "acknowledgements repeated, of the destination"),
    kept("zero_windows_rev", "UInt32",
         tcp("reverseTcpZeroWindowDeltaCount",
             seen_of_destination + offsetof(TcpSideQuality, zero_windows), 4,
             "tapmeter.tcp.toclient.zero_windows",
             "segments that announce a closed window, of the destination")),
    tcp("reverseTcpFullWindowDeltaCount",
        seen_of_destination + offsetof(TcpSideQuality, windows_full), 4,
        "tapmeter.tcp.toclient.windows_full",
        "segments that fill the other end's window, of the destination"),
    tcp("reverseTcpKeepAliveDeltaCount",
        seen_of_destination + offsetof(TcpSideQuality, keep_alives), 4,
        "tapmeter.tcp.toclient.keep_alives", "keep-alive segments, of the destination"),
    tcp("reverseTcpRoundTripDeltaCount", tcp_of_destination + offsetof(Direction, round_trips), 4,
        "tapmeter.tcp.toclient.round_trips",
        "round trips timed from a segment that way to its acknowledgement, of the destination"),
    tcp("reverseTcpRoundTripMinMicroseconds",
        tcp_of_destination + offsetof(Direction, round_trip_min_us), 4,
        "tapmeter.tcp.toclient.rtt_min_us",
        "shortest of them, in microseconds, of the destination"),
    tcp("reverseTcpRoundTripMeanMicroseconds",
        tcp_of_destination + offsetof(Direction, round_trip_mean_us), 4,
        "tapmeter.tcp.toclient.rtt_avg_us", "their mean, in microseconds, of the destination"),
    tcp("reverseTcpRoundTripMaxMicroseconds",
        tcp_of_destination + offsetof(Direction, round_trip_max_us), 4,
        "tapmeter.tcp.toclient.rtt_max_us", "longest of them, in microseconds, of the destination"),
    tcp("reverseTcpMaximumSegmentOctets",
        tcp_of_destination + offsetof(Direction, segment_octets_max), 2,
        "tapmeter.tcp.toclient.mss", "MSS option of the SYN of the destination; 0: none"),
    tcp("tcpInitialRoundTripMicroseconds", offsetof(TcpReport, initial_round_trip_us), 4,
        "tapmeter.tcp.initial_rtt_us",
        "from the last SYN to the first segment with ACK behind it, in microseconds; 0: not seen"),
    kept("rtt_client_us", "UInt32",
         tcp("tcpClientRoundTripMicroseconds", offsetof(TcpReport, client_round_trip_us), 4,
             "tapmeter.rtt_client_us",
             "from the SYN-ACK to the client's ACK, in microseconds; 0: not seen")),
    kept(
        "rtt_server_us", "UInt32",
        tcp("tcpServerRoundTripMicroseconds", offsetof(TcpReport, server_round_trip_us), 4,
            "tapmeter.rtt_server_us", "from the SYN to the SYN-ACK, in microseconds; 0: not seen")),
    kept("server_latency_us", "UInt32",
         tcp("tcpServerResponseMicroseconds", offsetof(TcpReport, server_response_us), 4,
             "tapmeter.server_latency_us",
             "from the client's first octets to the server's, in microseconds; 0: not seen")),
    tcp("tcpOpening", offsetof(TcpReport, opening), 1, "tapmeter.tcp.opening",
        "how the connection began: 0 unknown, 1 unanswered, 2 refused, 3 half open, 4 established"),
    tcp("tcpLookedAtWhole", offsetof(TcpReport, complete), 1, "tapmeter.tcp.complete",
        "1: every segment of the flow was looked at; 0: not all"),
    tcp("tcpWindowScale", tcp_of_source + offsetof(Direction, window_scale), 2,
        "tapmeter.tcp.toserver.window_scale", "window scale option of the source's SYN"),
    turned("reverseTcpWindowScale", "tcpWindowScale",
           tcp("tcpWindowScale", tcp_of_destination + offsetof(Direction, window_scale), 2,
               "tapmeter.tcp.toclient.window_scale", "the same of the destination's")),
    tunnel_address("outerSourceAddress", offsetof(TunnelReport, source), "tapmeter.tunnel.src_ip",
                   "source of the outermost IP header; IPv4 in the last four octets"),
    tunnel_address("outerDestinationAddress", offsetof(TunnelReport, destination),
                   "tapmeter.tunnel.dest_ip", "its destination, likewise"),
    tunnel("outerIpVersion", offsetof(TunnelReport, ip_version), 1, "",
           "4 or 6, of the outermost IP header; 0: there is one header only"),
    tunnel("outerIpClassOfService", offsetof(TunnelReport, type_of_service), 1,
           "tapmeter.tunnel.tos", "type of service, or traffic class, of the outermost IP header"),
    tunnel("tunnelLayers", offsetof(TunnelReport, layers), 1, "", "tunnels around the packet"),
    kept("tunnel_kind", "UInt8",
         tunnel("tunnelKind", offsetof(TunnelReport, innermost_kind), 1,
                "tapmeter.tunnel.layers[].kind",
                "innermost tunnel, by its place in the list above; 0: none")),
    kept("tunnel_id", "UInt32",
         tunnel("tunnelId", offsetof(TunnelReport, innermost_id), 4, "tapmeter.tunnel.layers[].id",
                "VNI, TEID, GRE key, VSID, session: number of the innermost tunnel that has one")),
    tunnel("reverseTunnelId", offsetof(TunnelReport, reverse_id), 4, "tapmeter.tunnel.reverse_id",
           "the same of the destination's first packet"),
    tunnel("pppoeSessionId", offsetof(TunnelReport, pppoe_session), 2,
           "tapmeter.tunnel.pppoe_session", "PPPoE session; 0: none"),
    tunnel("encapsulations", offsetof(TunnelReport, encapsulations), 4, "tapmeter.tunnel.around",
           "bit k: place k + 1 in that list stands around the packet"),
    tunnel("IPSecSPI", offsetof(TunnelReport, security_index), 4, "tapmeter.tunnel.spi",
           "security parameters index of AH or ESP"),
    tunnel("mplsLabelStackDepth", offsetof(TunnelReport, mpls_labels), 4, "",
           "labels that are kept, of the outermost"),
    section("mplsTopLabelStackSection", 0,
            "top label: 20 bits, 3 of traffic class, 1 bottom of stack"),
    section("mplsLabelStackSection2", 1, "the label below it"),
    section("mplsLabelStackSection3", 2, "the third"),
    section("mplsLabelStackSection4", 3, "the fourth"),
    behaviour("peakPacketsPerSecond", offsetof(BehaviourReport, peak_packets), 4,
              "tapmeter.behaviour.peak_packets_per_second",
              "most packets in one second of the clock, both ways"),
    behaviour("peakOctetsPerSecond", offsetof(BehaviourReport, peak_octets), 8,
              "tapmeter.behaviour.peak_bytes_per_second",
              "most IP octets in one second of the clock, both ways"),
    behaviour("maximumTTL", offsetof(BehaviourReport, directions) + offsetof(Ways, ttl_max), 1,
              "tapmeter.behaviour.toserver.ttl_max", "largest TTL or hop limit from the source"),
    turned("reverseMaximumTTL", "maximumTTL",
           behaviour("maximumTTL",
                     offsetof(BehaviourReport, directions) + back + offsetof(Ways, ttl_max), 1,
                     "tapmeter.behaviour.toclient.ttl_max", "the same from the destination")),
    mac("sourceMacAddress", offsetof(BehaviourReport, source_mac), "tapmeter.behaviour.src_mac",
        "of the flow's first packet"),
    mac("destinationMacAddress", offsetof(BehaviourReport, destination_mac),
        "tapmeter.behaviour.dest_mac", "of the flow's first packet"),
    behaviour("flowLabelIPv6", offsetof(BehaviourReport, flow_label), 4,
              "tapmeter.behaviour.flow_label", "IPv6 flow label of the flow's first packet"),
};

}  // namespace reports

}  // namespace tapmeter::fields
