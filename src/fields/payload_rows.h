#pragma once

#include <array>
#include <cstddef>

#include "pipeline/flow/payload_report.h"
#include "src/fields/field.h"

namespace tapmeter::fields {

// The fields that stand in the report on payloads beside the Flow Record; 0 where there is none.
namespace reports {

using flow::PayloadReport;
using Payload = PayloadReport::Direction;

consteval Field payload(std::string_view name, std::size_t offset, std::size_t octets,
                        std::string_view eve, std::string_view help) {
    return {name,
            element(name),
            false,
            Presence::all,
            Group::payload,
            {Source::payload, offset, octets, false, 0},
            eve,
            "",
            "",
            "",
            help};
}

// Where a direction of the report begins.
inline constexpr std::size_t payload_of_source = offsetof(PayloadReport, directions);
inline constexpr std::size_t payload_of_destination = payload_of_source + sizeof(Payload);

inline constexpr std::array payload_rows{
    payload("payloadEntropy", payload_of_source + offsetof(Payload, entropy_millibits), 2,
            "tapmeter.entropy.toserver.bits",
            "entropy of the source's first octets of payload, thousandths of a bit per octet"),
    payload("payloadEntropyOctets", payload_of_source + offsetof(Payload, entropy_octets), 4,
            "tapmeter.entropy.toserver.octets",
            "how many octets that is of, to 4,096; 0: there was no payload, or no room"),
    payload("rtpPacketDeltaCount", payload_of_source + offsetof(Payload, rtp_packets), 4,
            "tapmeter.rtp.toserver.packets", "packets of RTP, of the source"),
    payload("rtpLostPacketDeltaCount", payload_of_source + offsetof(Payload, rtp_lost), 4,
            "tapmeter.rtp.toserver.lost",
            "sequence numbers of RTP that did not come, of the source"),
    payload("rtpJitterMicroseconds", payload_of_source + offsetof(Payload, rtp_jitter_us), 4,
            "tapmeter.rtp.toserver.jitter_us",
            "jitter of RFC 3550 section 6.4.1 at the end, in microseconds, of the source"),
    payload("rtpJitterMeanMicroseconds", payload_of_source + offsetof(Payload, rtp_jitter_mean_us),
            4, "tapmeter.rtp.toserver.jitter_avg_us",
            "its mean over the packets, in microseconds, of the source"),
    payload("rtpJitterMaxMicroseconds", payload_of_source + offsetof(Payload, rtp_jitter_max_us), 4,
            "tapmeter.rtp.toserver.jitter_max_us",
            "its largest value, in microseconds, of the source"),
    payload("rtpPayloadType", payload_of_source + offsetof(Payload, rtp_payload_type), 1,
            "tapmeter.rtp.toserver.payload_type", "payload type of RTP, of the source"),
    payload("rtpClockRate", payload_of_source + offsetof(Payload, rtp_clock), 4,
            "tapmeter.rtp.toserver.clock",
            "rate of the timestamps of RTP in Hz; 0: not known, and no jitter, of the source"),
    payload("rtpSynchronizationSource", payload_of_source + offsetof(Payload, rtp_source), 4,
            "tapmeter.rtp.toserver.ssrc", "SSRC of RTP, of the source"),
    payload("reversePayloadEntropy", payload_of_destination + offsetof(Payload, entropy_millibits),
            2, "tapmeter.entropy.toclient.bits",
            "entropy of the destination's first octets of payload, thousandths of a bit per octet"),
    payload("reversePayloadEntropyOctets",
            payload_of_destination + offsetof(Payload, entropy_octets), 4,
            "tapmeter.entropy.toclient.octets",
            "how many octets that is of, to 4,096; 0: there was no payload, or no room"),
    payload("reverseRtpPacketDeltaCount", payload_of_destination + offsetof(Payload, rtp_packets),
            4, "tapmeter.rtp.toclient.packets", "packets of RTP, of the destination"),
    payload("reverseRtpLostPacketDeltaCount", payload_of_destination + offsetof(Payload, rtp_lost),
            4, "tapmeter.rtp.toclient.lost",
            "sequence numbers of RTP that did not come, of the destination"),
    payload("reverseRtpJitterMicroseconds",
            payload_of_destination + offsetof(Payload, rtp_jitter_us), 4,
            "tapmeter.rtp.toclient.jitter_us",
            "jitter of RFC 3550 section 6.4.1 at the end, in microseconds, of the destination"),
    payload("reverseRtpJitterMeanMicroseconds",
            payload_of_destination + offsetof(Payload, rtp_jitter_mean_us), 4,
            "tapmeter.rtp.toclient.jitter_avg_us",
            "its mean over the packets, in microseconds, of the destination"),
    payload("reverseRtpJitterMaxMicroseconds",
            payload_of_destination + offsetof(Payload, rtp_jitter_max_us), 4,
            "tapmeter.rtp.toclient.jitter_max_us",
            "its largest value, in microseconds, of the destination"),
    payload("reverseRtpPayloadType", payload_of_destination + offsetof(Payload, rtp_payload_type),
            1, "tapmeter.rtp.toclient.payload_type", "payload type of RTP, of the destination"),
    payload("reverseRtpClockRate", payload_of_destination + offsetof(Payload, rtp_clock), 4,
            "tapmeter.rtp.toclient.clock",
            "rate of the timestamps of RTP in Hz; 0: not known, and no jitter, of the destination"),
    payload("reverseRtpSynchronizationSource",
            payload_of_destination + offsetof(Payload, rtp_source), 4, "tapmeter.rtp.toclient.ssrc",
            "SSRC of RTP, of the destination"),
    payload("dnsResponseDeltaCount", offsetof(PayloadReport, dns_answers), 4,
            "tapmeter.dns_times.answers", "DNS answers over UDP to queries that were seen"),
    payload("dnsUnansweredCount", offsetof(PayloadReport, dns_unanswered), 4,
            "tapmeter.dns_times.unanswered", "DNS queries without an answer so far"),
    payload("dnsResponseMinMicroseconds", offsetof(PayloadReport, dns_min_us), 4,
            "tapmeter.dns_times.min_us", "shortest time from query to answer, in microseconds"),
    payload("dnsResponseMeanMicroseconds", offsetof(PayloadReport, dns_mean_us), 4,
            "tapmeter.dns_times.avg_us", "its mean, in microseconds"),
    payload("dnsResponseMaxMicroseconds", offsetof(PayloadReport, dns_max_us), 4,
            "tapmeter.dns_times.max_us", "longest, in microseconds"),
};

}  // namespace reports

}  // namespace tapmeter::fields
