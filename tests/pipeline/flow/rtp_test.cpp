#include "pipeline/flow/rtp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t pcmu = 0;  // 8,000 Hz
constexpr std::uint8_t dynamic = 96;

RtpHeader header(std::uint16_t sequence, std::uint32_t timestamp, std::uint8_t type = pcmu,
                 std::uint32_t source = 7) {
    return {.source = source, .timestamp = timestamp, .sequence = sequence, .payload_type = type};
}
ObservedAt at(double milliseconds) {
    return ObservedAt{1s + Nanoseconds{std::llround(milliseconds * 1e6)}};
}

// 20 ms of sound in each packet; times differ from that as `late` says, in milliseconds.
RtpSource stream(const std::vector<double>& late, std::uint8_t type = pcmu,
                 std::uint32_t ticks = 160) {
    RtpSource source;
    for (std::size_t i = 0; i < late.size(); ++i) {
        const auto number = static_cast<std::uint16_t>(65'530 + i);
        EXPECT_TRUE(source.see(header(number, static_cast<std::uint32_t>(ticks * i), type),
                               at(20.0 * static_cast<double>(i) + late[i])));
    }
    return source;
}

TEST(Rtp, header_is_read_where_it_may_be_one) {
    std::vector<std::byte> octets(12);
    octets[0] = std::byte{0x80};
    octets[1] = std::byte{0x80 | 34};
    octets[3] = std::byte{5};
    octets[7] = std::byte{6};
    octets[11] = std::byte{9};
    const auto read = read_rtp(octets);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->payload_type, 34);
    EXPECT_EQ(read->sequence, 5);
    EXPECT_EQ(read->timestamp, 6U);
    EXPECT_EQ(read->source, 9U);
    EXPECT_FALSE(read_rtp(Bytes(octets).first(11)));
    for (const unsigned type : {35U, 72U, 76U, 95U}) {
        octets[1] = static_cast<std::byte>(type);
        EXPECT_FALSE(read_rtp(octets)) << type;
    }
    octets[1] = std::byte{96};
    EXPECT_TRUE(read_rtp(octets));
    for (const unsigned version : {0U, 1U, 3U}) {
        octets[0] = static_cast<std::byte>(version << 6U);
        EXPECT_FALSE(read_rtp(octets)) << version;
    }
}

TEST(Rtp, is_known_behind_as_many_packets_in_a_row_and_all_of_them_count) {
    RtpSource source;
    for (std::uint16_t i = 0; i < RtpSource::sequential_min; ++i) {
        EXPECT_FALSE(source.is_rtp());
        EXPECT_TRUE(source.see(header(i, 160U * i), at(20.0 * i)));
    }
    EXPECT_TRUE(source.is_rtp());
    EXPECT_EQ(source.packets(), RtpSource::sequential_min);
    EXPECT_EQ(source.lost(), 0U);
    EXPECT_EQ(source.clock(), 8'000U);
}

TEST(Rtp, what_does_not_count_up_is_something_else) {
    RtpSource source;
    unsigned seen = 0;
    while (source.see(header(static_cast<std::uint16_t>(seen * 100), 0), at(seen))) {
        ++seen;
    }
    EXPECT_EQ(seen, RtpSource::failures_max);
    EXPECT_FALSE(source.is_rtp());
}

// By hand, as the formula says.
TEST(Rtp, jitter_is_that_of_rfc_3550) {
    EXPECT_EQ(stream(std::vector<double>(50, 3.0)).jitter_us(), 0U) << "evenly late is no jitter";
    const std::vector<double> late{0, 4, 0, 0, 8, 0, 0, 0};
    double jitter = 0;
    double most = 0;
    double sum = 0;
    for (std::size_t i = 1; i < late.size(); ++i) {
        jitter += (std::abs(late[i] - late[i - 1]) - jitter) / 16;
        most = std::max(most, jitter);
        sum += jitter;
    }
    const RtpSource source = stream(late);
    EXPECT_NEAR(source.jitter_us(), jitter * 1'000, 1);
    EXPECT_NEAR(source.jitter_max_us(), most * 1'000, 1);
    EXPECT_NEAR(source.jitter_mean_us(), sum / 7 * 1'000, 1);
}

TEST(Rtp, clock_of_a_dynamic_type_is_the_usual_one_that_fits) {
    struct Case {
        std::uint32_t ticks;
        std::uint32_t clock;
    };
    for (const Case& one : {Case{160, 8'000}, Case{320, 16'000}, Case{882, 44'100},
                            Case{960, 48'000}, Case{1'800, 90'000}, Case{700, 0}}) {
        std::vector<double> late(60, 0.0);
        late[40] = 5;
        const RtpSource source = stream(late, dynamic, one.ticks);
        EXPECT_EQ(source.clock(), one.clock) << one.ticks;
        EXPECT_EQ(source.jitter_max_us() != 0, one.clock != 0) << one.ticks;
    }
}

TEST(Rtp, losses_duplicates_and_late_packets) {
    RtpSource source = stream(std::vector<double>(10, 0.0));  // to number 65,539, past a cycle
    EXPECT_EQ(source.lost(), 0U);
    source.see(header(6, 2'560), at(320));  // 4 and 5 are missing
    EXPECT_EQ(source.lost(), 2U);
    source.see(header(5, 2'400), at(330));
    EXPECT_EQ(source.lost(), 1U) << "it was only late";
    source.see(header(6, 2'560), at(331));
    EXPECT_EQ(source.lost(), 1U) << "sent twice";
    EXPECT_EQ(source.packets(), 13U);
    source.see(header(30'000, 0), at(340));
    EXPECT_EQ(source.lost(), 1U) << "it has begun anew elsewhere";
    source.see(header(30'002, 0), at(341));
    EXPECT_EQ(source.lost(), 2U);
}

TEST(Rtp, another_source_in_the_flow_is_left_alone) {
    RtpSource source = stream(std::vector<double>(10, 0.0));
    EXPECT_TRUE(source.see(header(1'000, 5, pcmu, 8), at(500)));
    EXPECT_EQ(source.packets(), 10U);
    EXPECT_EQ(source.source(), 7U);
}

TEST(Rtp, a_cut_begins_counts_anew_and_the_jitter_goes_on) {
    std::vector<double> late(10, 0.0);
    late[9] = 16;
    RtpSource source = stream(late);
    const auto jitter = source.jitter_us();
    EXPECT_EQ(jitter, 1'000U);
    source.clear_counts();
    EXPECT_EQ(source.packets(), 0U);
    EXPECT_EQ(source.lost(), 0U);
    EXPECT_EQ(source.jitter_us(), jitter);
    EXPECT_EQ(source.jitter_max_us(), 0U);
    source.see(header(5, 160 * 11), at(236));
    EXPECT_EQ(source.packets(), 1U);
    EXPECT_EQ(source.lost(), 1U);
}

}  // namespace
}  // namespace tapmeter::flow
