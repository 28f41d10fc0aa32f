#include "pipeline/flow/rtp.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tapmeter::flow {

namespace {

constexpr std::size_t header_octets = 12;
constexpr unsigned version_shift = 6;
constexpr unsigned version = 2;
constexpr std::uint8_t payload_type_mask = 0x7f;
constexpr std::uint8_t static_types = 35;   // 0 to 34; those behind are not assigned
constexpr std::uint8_t dynamic_types = 96;  // to 127
constexpr std::uint32_t cycle = 1U << 16U;
constexpr unsigned dropout_max = 3'000;  // RFC 3550 appendix A.1
constexpr double nanoseconds_a_second = 1e9;

// RFC 3551 tables 4 and 5; 0: not assigned.
constexpr std::array<std::uint32_t, static_types> clocks{
    8'000, 0,      0,      8'000, 8'000,  8'000,  16'000, 8'000,  8'000,  8'000,  44'100, 44'100,
    8'000, 8'000,  90'000, 8'000, 11'025, 22'050, 8'000,  0,      0,      0,      0,      0,
    0,     90'000, 90'000, 0,     90'000, 0,      0,      90'000, 90'000, 90'000, 90'000};
constexpr std::array<std::uint32_t, 7> usual_clocks{8'000,  16'000, 24'000, 32'000,
                                                    44'100, 48'000, 90'000};
constexpr std::chrono::milliseconds clock_seen_after{500};
constexpr double clock_error_max = 0.05;  // 44,100 and 48,000 lie 9 % apart

}  // namespace

std::optional<RtpHeader> read_rtp(Bytes payload) noexcept {
    if (payload.size() < header_octets) {
        return std::nullopt;
    }
    const auto head = payload.first<header_octets>();
    RtpHeader header;
    header.payload_type = load_be8(head.subspan<1>().first<1>()) & payload_type_mask;
    const bool assigned =
        header.payload_type < static_types || header.payload_type >= dynamic_types;
    if (load_be8(head.first<1>()) >> version_shift != version || !assigned) {
        return std::nullopt;
    }
    header.sequence = load_be16(head.subspan<2>().first<2>());
    header.timestamp = load_be32(head.subspan<4>().first<4>());
    header.source = load_be32(head.subspan<8>().first<4>());
    return header;
}

void RtpSource::begin(const RtpHeader& header, ObservedAt at) noexcept {
    const std::uint8_t failures = failures_;
    *this = {};
    failures_ = failures;
    run_ = 1;
    source_ = header.source;
    payload_type_ = header.payload_type;
    clock_ = header.payload_type < static_types ? clocks[header.payload_type] : 0;
    packets_ = 1;
    distinct_ = 1;
    base_ = header.sequence;
    highest_ = header.sequence;
    timestamp_ = header.timestamp;
    first_timestamp_ = header.timestamp;
    first_ = at;
    last_ = at;
}

bool RtpSource::see(const RtpHeader& header, ObservedAt at) noexcept {
    if (run_ == 0) {
        begin(header, at);
        return true;
    }
    if (!is_rtp()) {
        const bool next =
            header.source == source_ && header.sequence == static_cast<std::uint16_t>(highest_ + 1);
        if (!next) {
            ++failures_;
            begin(header, at);
            return failures_ < failures_max;
        }
        ++run_;
    } else if (header.source != source_) {
        return true;  // another source shares the flow; the first one is told of
    }
    count(header);
    if (clock_ == 0) {
        learn_clock(header, at);
    } else {
        add_jitter(header, at);
    }
    timestamp_ = header.timestamp;
    last_ = at;
    return true;
}

void RtpSource::count(const RtpHeader& header) noexcept {
    ++packets_;
    const auto ahead = static_cast<std::uint16_t>(header.sequence - highest_);
    distinct_ += ahead != 0 ? 1U : 0U;
    if (ahead < dropout_max) {
        highest_ += ahead;
    } else if (ahead < cycle - dropout_max) {
        // It has jumped: what lies between was never meant to come.
        highest_ += ahead;
        base_ += ahead - 1U;
    }
    payload_type_ = header.payload_type;
}

std::uint32_t RtpSource::lost() const noexcept {
    const std::uint32_t expected = highest_ - base_ + 1;
    return expected > distinct_ ? expected - distinct_ : 0;
}

void RtpSource::learn_clock(const RtpHeader& header, ObservedAt at) noexcept {
    if (at - first_ < clock_seen_after) {
        return;
    }
    const auto ticks =
        static_cast<double>(static_cast<std::int32_t>(header.timestamp - first_timestamp_));
    const double rate = ticks * nanoseconds_a_second / static_cast<double>((at - first_).count());
    for (const std::uint32_t usual : usual_clocks) {
        if (std::abs(rate - usual) < usual * clock_error_max) {
            clock_ = usual;
        }
    }
}

void RtpSource::add_jitter(const RtpHeader& header, ObservedAt at) noexcept {
    constexpr double share = 16;
    const double arrived =
        static_cast<double>((at - last_).count()) * clock_ / nanoseconds_a_second;
    const auto stamped =
        static_cast<double>(static_cast<std::int32_t>(header.timestamp - timestamp_));
    jitter_ += (std::abs(arrived - stamped) - jitter_) / share;
    jitter_max_ = std::max(jitter_max_, jitter_);
    jitter_sum_ += jitter_;
    ++jitters_;
}

std::uint32_t RtpSource::microseconds(double ticks) const noexcept {
    constexpr double microseconds_a_second = 1e6;
    constexpr double most = 4e9;
    return clock_ == 0 ? 0
                       : static_cast<std::uint32_t>(
                             std::lround(std::min(most, ticks * microseconds_a_second / clock_)));
}

std::uint32_t RtpSource::jitter_mean_us() const noexcept {
    return jitters_ == 0 ? 0 : microseconds(jitter_sum_ / jitters_);
}

void RtpSource::clear_counts() noexcept {
    base_ = highest_ + 1;
    packets_ = 0;
    distinct_ = 0;
    jitter_max_ = 0;
    jitter_sum_ = 0;
    jitters_ = 0;
}

}  // namespace tapmeter::flow
