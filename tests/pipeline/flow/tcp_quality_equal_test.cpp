// TcpQuality says of every connection what the rules by the book say, however it is lost, sent
// again, cut and begun anew, and touches no more of its memory than it promises.

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

#include "pipeline/flow/tcp_quality.h"
#include "tests/pipeline/flow/tcp_quality_by_the_book.h"

namespace tapmeter::flow {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t fin = 0x01;
constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t rst = 0x04;
constexpr std::uint16_t ack = 0x10;

struct Known {
    std::array<TcpSideQuality, 2> sides{};
    std::array<std::array<std::int64_t, 4>, 2> round_trips{};
    Nanoseconds initial{0};
    std::array<std::uint32_t, 3> times_us{};
    TcpOpening opening{};
    std::optional<Sender> client{};
    std::array<std::optional<std::uint8_t>, 2> scales{};
    std::array<std::uint16_t, 2> segments_max{};
    bool complete = false;

    bool operator==(const Known&) const = default;
};

template <class Quality>
Known known_of(const Quality& quality) {
    Known known{.initial = quality.initial_round_trip(),
                .times_us = {quality.client_round_trip_us(), quality.server_round_trip_us(),
                             quality.server_response_us()},
                .opening = quality.opening(),
                .client = quality.client(),
                .complete = quality.complete()};
    for (const Sender end : {Sender::low, Sender::high}) {
        const auto i = static_cast<std::size_t>(end);
        const RoundTrips trips = quality.round_trips(end);
        known.sides[i] = quality.side(end);
        known.round_trips[i] = {trips.samples, trips.min.count(), trips.max.count(),
                                trips.sum.count()};
        known.scales[i] = quality.window_scale(end);
        known.segments_max[i] = quality.segment_octets_max(end);
    }
    return known;
}

// A connection of which anything may happen, but mostly what does happen: both ends go on where
// they stood.
class Chance {
public:
    explicit Chance(std::uint32_t seed) : random_(seed) {
        for (std::uint32_t& next : next_) {
            next = one_in(2) ? 0U - below(5'000) : below(0xffff'ffff);  // soon wraps, or anywhere
        }
        steadiness_ = 2 + below(40);
    }

    bool one_in(std::uint32_t count) { return below(count) == 0; }

    TcpSegment opening(unsigned step) {
        TcpSegment segment = plain(step == 1 ? Sender::high : Sender::low, 0);
        segment.control_bits = step == 0 ? syn : step == 1 ? syn | ack : ack;
        if (step < 2) {
            add_options(segment);
            next_[static_cast<std::size_t>(segment.sender)] += 1;
        }
        return segment;
    }

    TcpSegment next() {
        const Sender from = one_in(3) ? Sender::low : Sender::high;
        TcpSegment segment = plain(from, one_in(3) ? 0 : sizes_[below(sizes_.size())]);
        if (one_in(steadiness_)) {
            disturb(segment);
        }
        std::uint32_t& next = next_[static_cast<std::size_t>(from)];
        const std::uint32_t end = segment.sequence + segment.payload_octets +
                                  ((segment.control_bits & (syn | fin)) != 0 ? 1 : 0);
        if (static_cast<std::int32_t>(end - next) > 0 && !one_in(200)) {
            next = end;
        }
        return segment;
    }

private:
    std::uint32_t below(std::uint64_t count) {
        return static_cast<std::uint32_t>(random_() % std::max<std::uint64_t>(count, 1));
    }

    TcpSegment plain(Sender from, std::uint32_t octets) {
        const auto i = static_cast<std::size_t>(from);
        constexpr std::array<std::int64_t, 8> gaps{0,         1,         900,        80'000,
                                                   2'000'000, 2'999'999, 19'999'999, 400'000'000};
        at_ += Nanoseconds{gaps[below(gaps.size())]};
        if (one_in(50)) {
            at_ -= 5ms;  // captures can run backwards
        }
        if (one_in(6)) {
            window_[i] = static_cast<std::uint16_t>(1 + below(one_in(4) ? 4 : 60'000));
        }
        return {.at = ObservedAt{at_},
                .sequence = next_[i],
                .acknowledgement = next_[1 - i],
                .payload_octets = octets,
                .window = window_[i],
                .control_bits = ack,
                .sender = from};
    }

    void add_options(TcpSegment& segment) {
        if (!one_in(3)) {
            segment.window_scale = static_cast<std::uint8_t>(one_in(5) ? below(256) : below(15));
        }
        if (!one_in(3)) {
            segment.segment_octets_max = static_cast<std::uint16_t>(below(65'536));
        }
    }

    void disturb(TcpSegment& segment) {
        const auto to = 1 - static_cast<std::size_t>(segment.sender);
        switch (below(14)) {
            case 0:  // sent again, or a part of it
                segment.sequence -= 1 + below(3'000);
                break;
            case 1:  // a gap
                segment.sequence += 1 + below(3'000);
                break;
            case 2:  // keep-alive
                segment.sequence -= 1;
                segment.payload_octets = below(2);
                break;
            case 3:
                segment.window = 0;
                window_[static_cast<std::size_t>(segment.sender)] = 0;
                break;
            case 4:  // probes a window
                segment.payload_octets = 1;
                window_[to] = 0;
                break;
            case 5:
                segment.acknowledgement += below(4'000);
                break;
            case 6:
                segment.acknowledgement -= below(4'000);
                break;
            case 7:
                segment.control_bits = static_cast<std::uint16_t>(segment.control_bits | fin);
                break;
            case 8:
                segment.control_bits = one_in(2) ? rst : rst | ack;
                break;
            case 9:  // opens again, or another
                segment.control_bits = one_in(3) ? syn | ack : syn;
                segment.sequence = one_in(2) ? segment.sequence : below(0xffff'ffff);
                segment.payload_octets = one_in(4) ? 7 : 0;
                add_options(segment);
                break;
            case 10:
                segment.control_bits = 0;
                break;
            case 11:  // fills the window
                segment.payload_octets = window_[to];
                break;
            case 12:
                segment = {.at = segment.at,
                           .sequence = below(0xffff'ffff),
                           .acknowledgement = below(0xffff'ffff),
                           .payload_octets = below(one_in(2) ? 70'000 : 0xffff'ffff),
                           .window = static_cast<std::uint16_t>(below(65'536)),
                           .control_bits = static_cast<std::uint16_t>(below(0x1000)),
                           .sender = segment.sender};
                break;
            default:  // the same ACK once more
                segment.payload_octets = 0;
                break;
        }
    }

    static constexpr std::array<std::uint32_t, 5> sizes_{1, 2, 100, 1'460, 65'000};
    std::mt19937 random_;
    Nanoseconds at_{1'000s};
    std::array<std::uint32_t, 2> next_{};
    std::array<std::uint16_t, 2> window_{1'000, 1'000};
    std::uint32_t steadiness_ = 2;
};

TEST(TcpQualityEqual, whatever_happens) {
    constexpr std::uint32_t connections = 3'000;
    constexpr unsigned segments = 200;
    for (std::uint32_t seed = 0; seed < connections; ++seed) {
        Chance chance(seed);
        TcpQuality quality;
        TcpQualityByTheBook book;
        std::memset(static_cast<void*>(&quality), 0xa5, sizeof(quality));  // a flow was here before
        quality.begin(7);
        const bool from_its_middle = chance.one_in(3);
        for (unsigned i = 0; i < segments; ++i) {
            const TcpSegment segment =
                i < 3 && !from_its_middle ? chance.opening(i) : chance.next();
            quality.see(segment);
            book.see(segment);
            if (chance.one_in(60)) {
                quality.clear_counts();
                book.clear_counts();
            }
            if (chance.one_in(150)) {
                quality.skip();
                book.skip();
            }
            ASSERT_EQ(known_of(quality), known_of(book)) << "seed " << seed << " segment " << i;
        }
    }
}

// The lines behind the first.
std::array<std::byte, sizeof(TcpQuality) - cache_line_octets> rest_of(const TcpQuality& quality) {
    std::array<std::byte, sizeof(TcpQuality) - cache_line_octets> rest{};
    std::memcpy(rest.data(), std::as_bytes(std::span{&quality, 1}).data() + cache_line_octets,
                rest.size());
    return rest;
}

class Opened : public ::testing::Test {
protected:
    void see(Sender from, std::uint32_t octets, std::uint16_t bits = ack) {
        const auto i = static_cast<std::size_t>(from);
        at += 1ms;
        quality.see({.at = ObservedAt{at},
                     .sequence = next[i],
                     .acknowledgement = (bits & ack) != 0 ? next[1 - i] : 0,
                     .payload_octets = octets,
                     .window = 500,
                     .control_bits = bits,
                     .sender = from});
        next[i] += octets + ((bits & (syn | fin)) != 0 ? 1 : 0);
    }
    void SetUp() override {
        see(Sender::low, 0, syn);
        see(Sender::high, 0, syn | ack);
        see(Sender::low, 0);
        see(Sender::low, 100);
        see(Sender::high, 200);
        see(Sender::low, 100);
        see(Sender::high, 0);
    }

    TcpQuality quality;
    Nanoseconds at{1s};
    std::array<std::uint32_t, 2> next{7'000, 0xffff'ff00};
};

TEST_F(Opened, what_goes_on_where_it_stood_touches_one_line) {
    const auto before = rest_of(quality);
    for (int i = 0; i < 20; ++i) {
        see(Sender::high, 1'000);  // what is timed is never acknowledged alone
        see(Sender::high, 1'000);
        see(Sender::low, 0);
        EXPECT_EQ(rest_of(quality), before) << i;
    }
    see(Sender::high, 10);
    see(Sender::high, 0, fin | ack);
    see(Sender::low, 0, fin | ack);
    EXPECT_EQ(rest_of(quality), before);
}

TEST_F(Opened, a_round_trip_and_an_event_are_written_where_they_belong) {
    const auto before = rest_of(quality);
    see(Sender::high, 1'000);
    see(Sender::low, 0);
    auto after = rest_of(quality);
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + cache_line_octets, after.begin()));
    EXPECT_NE(after, before) << "the third line";
    EXPECT_TRUE(std::equal(before.begin() + 2 * cache_line_octets, before.end(),
                           after.begin() + 2 * cache_line_octets));
    see(Sender::low, 0);  // a duplicate
    EXPECT_NE(rest_of(quality), after);
    EXPECT_EQ(quality.side(Sender::low).duplicate_acks, 1U);
}

}  // namespace
}  // namespace tapmeter::flow
