#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/base/bytes.h"
#include "pipeline/base/units.h"

namespace tapmeter::flow {

// What an RTP header says (RFC 3550 section 5.1).
struct RtpHeader {
    std::uint32_t source = 0;  // SSRC
    std::uint32_t timestamp = 0;
    std::uint16_t sequence = 0;
    std::uint8_t payload_type = 0;
};

// Nothing where a UDP payload cannot be RTP: shorter, another version, or a payload type that is
// RTCP's or that nobody may use (RFC 3551 section 6, RFC 5761 section 4).
std::optional<RtpHeader> read_rtp(Bytes payload) noexcept;

// One source of RTP: how many packets, how many are missing, and the jitter of RFC 3550 section
// 6.4.1,
//     J(i) = J(i-1) + (|D(i-1,i)| - J(i-1)) / 16
// where D is by how much the gap between two packets differs from that of their timestamps.
//
// It is RTP once sequential_min packets in a row have had the next sequence number (RFC 3550
// appendix A.1 asks for two; a flow of something else may do that by chance). They count too.
// The clock of the timestamps is that of the payload type (RFC 3551). Where that says nothing, it
// is the usual rate that the first half second of packets fits best, and jitter begins behind it.
class RtpSource {
public:
    static constexpr unsigned sequential_min = 5;
    static constexpr unsigned failures_max = 8;  // then the flow is something else

    // False: this is no RTP, and never will be.
    bool see(const RtpHeader& header, ObservedAt at) noexcept;

    bool is_rtp() const noexcept { return run_ >= sequential_min; }
    std::uint32_t source() const noexcept { return source_; }
    std::uint8_t payload_type() const noexcept { return payload_type_; }
    std::uint32_t clock() const noexcept { return clock_; }  // Hz; 0: not known
    std::uint32_t packets() const noexcept { return packets_; }
    // Sequence numbers that were expected and did not come; duplicates do not make up for them.
    std::uint32_t lost() const noexcept;
    std::uint32_t jitter_us() const noexcept { return microseconds(jitter_); }
    std::uint32_t jitter_max_us() const noexcept { return microseconds(jitter_max_); }
    std::uint32_t jitter_mean_us() const noexcept;

    // Counts are reported and begin anew; the jitter goes on.
    void clear_counts() noexcept;

private:
    void begin(const RtpHeader& header, ObservedAt at) noexcept;
    void count(const RtpHeader& header) noexcept;
    void learn_clock(const RtpHeader& header, ObservedAt at) noexcept;
    void add_jitter(const RtpHeader& header, ObservedAt at) noexcept;
    std::uint32_t microseconds(double ticks) const noexcept;

    std::uint32_t source_ = 0;
    std::uint32_t timestamp_ = 0;        // of the last packet
    std::uint32_t first_timestamp_ = 0;  // of the stream
    std::uint32_t clock_ = 0;
    std::uint32_t packets_ = 0;
    std::uint32_t distinct_ = 0;  // of them, without repeated numbers next to each other
    std::uint32_t highest_ = 0;   // sequence number with its cycles (RFC 3550 appendix A.1)
    std::uint32_t base_ = 0;      // the first that is expected
    ObservedAt last_{};
    ObservedAt first_{};
    double jitter_ = 0;  // ticks of the clock
    double jitter_max_ = 0;
    double jitter_sum_ = 0;
    std::uint32_t jitters_ = 0;
    std::uint8_t payload_type_ = 0;
    std::uint8_t run_ = 0;  // packets in a row, to sequential_min; 0: none yet
    std::uint8_t failures_ = 0;
};

}  // namespace tapmeter::flow
