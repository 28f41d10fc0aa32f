#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "pipeline/base/ring.h"

namespace tapmeter::flow {

// What the payloads of a flow tell, as it travels beside its Flow Record: of the groups entropy,
// rtp and dns those that are on and found something. Counts are since the flow's last record;
// entropy is that of the flow's first octets, in each record. Plain octets.
struct alignas(cache_line_octets) PayloadReport {
    struct Direction {
        std::uint32_t entropy_octets = 0;  // of payload that were counted; 0: there was none
        std::uint32_t rtp_source = 0;      // SSRC
        std::uint32_t rtp_packets = 0;     // 0: no RTP that way
        std::uint32_t rtp_lost = 0;
        std::uint32_t rtp_jitter_us = 0;  // at the end of the record
        std::uint32_t rtp_jitter_mean_us = 0;
        std::uint32_t rtp_jitter_max_us = 0;
        std::uint32_t rtp_clock = 0;          // Hz; 0: not known, and no jitter
        std::uint16_t entropy_millibits = 0;  // per octet: 0 to 8,000
        std::uint8_t rtp_payload_type = 0;
        bool is_rtp = false;
    };
    std::array<Direction, 2> directions{};  // [0]: of the initiator
    std::uint32_t dns_answers = 0;
    std::uint32_t dns_unanswered = 0;
    std::uint32_t dns_min_us = 0;
    std::uint32_t dns_mean_us = 0;
    std::uint32_t dns_max_us = 0;
    bool has_entropy = false;
    bool has_rtp = false;
    bool has_dns = false;
    bool complete = false;  // false: some of the flow's packets were not looked at
};
static_assert(sizeof(PayloadReport) == 2 * cache_line_octets);
static_assert(std::is_trivially_copyable_v<PayloadReport>, "crosses the ring as octets");

}  // namespace tapmeter::flow
