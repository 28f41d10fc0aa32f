#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>

#include "tests/support/frames.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using testing::broken_law;
using testing::FrameBuilder;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t scale = 10;
#else
constexpr std::uint64_t scale = 1;
#endif
constexpr std::uint64_t established = 100'000 / scale;
constexpr std::uint64_t flood_packets = 10'000'000 / scale;
constexpr std::uint64_t handshake_packets = 3 * established;
// One packet of an established flow among so many of the flood; each has its turn once.
constexpr std::uint64_t flood_per_known = flood_packets / established;

constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t syn_ack = 0x12;
constexpr std::uint16_t ack = 0x10;

// Ten million packets a second, or a tenth of that: a second in all, several looks at the load.
constexpr std::chrono::nanoseconds gap{100 * scale};

// Connections that stand, then SYNs from anywhere to anywhere in one /16.
// Frames are written as they are asked for, into one burst's room.
class FloodSource final : public PacketSource {
public:
    FloodSource() {
        frames_.fill(FrameBuilder{}.ethernet().ipv4({.protocol = 6}).tcp(1, 2).frame());
    }

    void receive(Burst& burst) noexcept override {
        for (burst.count = 0; burst.count < burst_packets_max && !exhausted(); ++burst.count) {
            testing::Frame& frame = frames_[burst.count];
            write(frame);
            octets_ += frame.size();
            burst.packets[burst.count] = {
                .frame = frame,
                .observed_at = ObservedAt{1'000s + gap * static_cast<std::int64_t>(next_)},
                .wire_octets = static_cast<std::uint32_t>(frame.size())};
            ++next_;
        }
    }
    void release() noexcept override {}
    SourceCounters counters() const noexcept override {
        return {.received = {next_}, .received_octets = {octets_}};
    }
    std::string describe() const override { return "flood"; }
    bool exhausted() const noexcept override {
        return next_ == handshake_packets + flood_packets + established;
    }

private:
    void write(testing::Frame& frame) noexcept {
        if (next_ < handshake_packets) {
            constexpr std::array<std::uint16_t, 3> bits{syn, syn_ack, ack};
            connection(frame, next_ / 3, bits[next_ % 3], next_ % 3 != 1);
            return;
        }
        const std::uint64_t since = next_ - handshake_packets;
        if (since % (flood_per_known + 1) == 0) {
            connection(frame, since / (flood_per_known + 1), ack, true);
            return;
        }
        const std::uint64_t any = random_();
        store(frame, {.source = static_cast<std::uint32_t>(any),
                      .destination = 0xc612'0000U | static_cast<std::uint16_t>(any >> 32U),
                      .source_port = static_cast<std::uint16_t>(any >> 48U),
                      .destination_port = 80,
                      .control_bits = syn});
    }

    struct Fields {
        std::uint32_t source;
        std::uint32_t destination;
        std::uint16_t source_port;
        std::uint16_t destination_port;
        std::uint16_t control_bits;
    };
    static void connection(testing::Frame& frame, std::uint64_t number, std::uint16_t bits,
                           bool from_client) noexcept {
        const auto client = 0x0a00'0000U + static_cast<std::uint32_t>(number);
        constexpr std::uint32_t server = 0xc633'6401;
        store(frame, from_client ? Fields{client, server, 40'000, 443, bits}
                                 : Fields{server, client, 443, 40'000, bits});
    }
    static void store(testing::Frame& frame, const Fields& fields) noexcept {
        put(frame, 26, fields.source, 4);
        put(frame, 30, fields.destination, 4);
        put(frame, 34, fields.source_port, 2);
        put(frame, 36, fields.destination_port, 2);
        put(frame, 47, fields.control_bits, 1);
    }
    static void put(testing::Frame& frame, std::size_t at, std::uint32_t value,
                    std::size_t octets) noexcept {
        for (std::size_t i = 0; i < octets; ++i) {
            frame[at + i] = static_cast<std::byte>(value >> (8 * (octets - 1 - i)));
        }
    }

    std::array<testing::Frame, burst_packets_max> frames_;
    std::mt19937_64 random_{42};
    std::uint64_t next_ = 0;
    std::uint64_t octets_ = 0;
};

// What left through the ring.
struct Seen {
    std::uint64_t records = 0;
    std::uint64_t aggregates = 0;
    std::uint64_t whole_connections = 0;  // one record with all four packets
    Traffic traffic{};
};

void collect(RecordRing& ring, Seen& seen) {
    for (auto some = ring.readable(); !some.empty(); some = ring.readable()) {
        for (const flow::FlowRecord& record : some) {
            ++seen.records;
            seen.aggregates += record.aggregated ? 1U : 0U;
            seen.whole_connections +=
                record.forward.packets == Packets{3} && record.reverse.packets == Packets{1} ? 1
                                                                                             : 0;
            seen.traffic += traffic_of(record);
        }
        ring.consume(some.size());
    }
}

std::uint64_t resident_octets_most() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

struct Outcome {
    WorkerBooks books;
    Seen seen;
    std::uint64_t grown_octets = 0;  // memory, between the first and the last packet of the flood
};

Outcome flood(bool aggregates) {
    constexpr std::size_t flows_max = 163'840 / scale;
    FloodSource source;
    RecordRing ring(8'192);
    Worker worker({.source = source,
                   .ring = ring,
                   .table = std::move(*flow::FlowTable::make(
                       {.flows_max = flows_max, .pages = Region::Wanted::small, .populate = true})),
                   .hash_key = {1, 2},
                   .timeouts = {.idle = 30s, .active = 60s, .tcp_end = 2s},
                   .load = {.flood_new_flows = flows_max / 30.0},
                   .admission = {.aggregates = aggregates, .flood_flows = flows_max / 60.0},
                   .flows_max = flows_max});
    Outcome outcome;
    std::uint64_t at_first = 0;
    while (!worker.exhausted()) {
        worker.step();
        collect(ring, outcome.seen);
        if (at_first == 0 && worker.books().received_packets > handshake_packets + 1'000) {
            at_first = resident_octets_most();
            EXPECT_EQ(worker.books().flows_ended[index_of(flow::FlowEndReason::lack_of_resources)],
                      0U)
                << "all connections stand before the flood";
        }
    }
    outcome.grown_octets = resident_octets_most() - at_first;
    outcome.books = worker.books();
    while (!worker.drain({})) {
        collect(ring, outcome.seen);
    }
    collect(ring, outcome.seen);
    EXPECT_EQ(broken_law(worker.books()), "");
    EXPECT_EQ(worker.books().records_refused, 0U);
    return outcome;
}

TEST(Flood, ten_million_one_packet_flows_evict_none_of_a_hundred_thousand_established) {
    const Outcome outcome = flood(true);
    const WorkerBooks& books = outcome.books;
    EXPECT_EQ(books.evicted_answered, 0U);
    EXPECT_EQ(outcome.seen.whole_connections, established) << "each in one piece";
    EXPECT_EQ(broken_law(books), "");

    constexpr std::uint64_t packets = handshake_packets + flood_packets + established;
    EXPECT_EQ(outcome.seen.traffic,
              (Traffic{.packets = packets, .octets = packets * 40, .layer2_octets = packets * 54}));
    EXPECT_EQ(books.metered.packets, packets) << "none is left out";

    EXPECT_GT(books.aggregated.packets, flood_packets / 2);
    EXPECT_GT(outcome.seen.aggregates, 0U);
    EXPECT_EQ(books.load_entered[static_cast<std::size_t>(LoadState::flood)], 1U);
    EXPECT_NE(books.load_causes, 0U);
    EXPECT_LT(outcome.grown_octets, 1U << 20U) << "memory stays as it was";
    RecordProperty("aggregated", std::to_string(books.aggregated.packets));
    RecordProperty("records", std::to_string(outcome.seen.records));
}

// The same without aggregates: that the test above can fail.
TEST(Flood, without_aggregates_some_established_flows_are_evicted) {
    const Outcome outcome = flood(false);
    EXPECT_GT(outcome.books.evicted_answered, 0U);
    EXPECT_LT(outcome.seen.whole_connections, established);
    EXPECT_EQ(broken_law(outcome.books), "");
}

}  // namespace
}  // namespace tapmeter
