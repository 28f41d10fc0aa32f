#include "pipeline/worker.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "pipeline/decode/frame.h"
#include "src/generator/conversation.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using testing::broken_law;
using testing::FrameBuilder;
using testing::ReplaySource;
using testing::TimedFrame;
using testing::WorkerBench;
using testing::WorkerSetup;

constexpr std::uint16_t fin_ack = 0x11;
constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t rst = 0x04;
constexpr std::uint16_t ack = 0x10;

testing::Frame udp_frame(std::uint32_t source = 0x0a00'0001, std::uint16_t port = 1000) {
    return FrameBuilder{}.ethernet().ipv4({.source = source}).udp(port, 53).fill(10).frame();
}
testing::Frame tcp_frame(bool from_client, std::uint16_t bits) {
    const std::uint32_t client = 0x0a00'0001;
    const std::uint32_t server = 0x0a00'0002;
    return FrameBuilder{}
        .ethernet()
        .ipv4({.protocol = 6,
               .source = from_client ? client : server,
               .destination = from_client ? server : client})
        .tcp(from_client ? 40'000 : 80, from_client ? 80 : 40'000, {.control_bits = bits})
        .frame();
}

// Interleaved made-up conversations, a microsecond a packet.
std::vector<TimedFrame> conversations(std::uint64_t count, Nanoseconds step = 1us) {
    std::vector<TimedFrame> frames;
    std::vector<generator::Conversation> open;
    std::uint64_t next = 0;
    while (next < count || !open.empty()) {
        while (open.size() < 64 && next < count) {
            open.emplace_back(next++);
        }
        for (auto& conversation : open) {
            std::array<std::byte, generator::frame_octets_max> octets{};
            const std::size_t size = conversation.next(octets);
            const auto number = static_cast<std::int64_t>(frames.size());
            frames.push_back(
                {testing::Frame(octets.begin(), octets.begin() + size), 1'000s + step * number});
        }
        std::erase_if(open, [](const auto& conversation) { return conversation.finished(); });
    }
    return frames;
}

// The flow table that is obviously right: a map, no timeouts, sums per unordered pair of ends.
using Ends = std::tuple<decode::Address, std::uint16_t, decode::Address, std::uint16_t, int>;
using Sums = std::map<Ends, std::array<std::uint64_t, 3>>;

void add(Sums& sums, const Ends& ends, std::array<std::uint64_t, 3> counted) {
    for (std::size_t i = 0; i < counted.size(); ++i) {
        sums[ends][i] += counted[i];
    }
}
Sums sums_of(const std::vector<TimedFrame>& frames) {
    Sums sums;
    for (const TimedFrame& timed : frames) {
        const auto headers = decode::decode_frame(testing::packet_of(timed.frame));
        add(sums,
            {headers->source, headers->source_port, headers->destination, headers->destination_port,
             headers->protocol},
            {1, headers->ip_octets, timed.frame.size()});
    }
    return sums;
}
void add_side(Sums& sums, const Ends& ends, const flow::Side& side) {
    if (side.packets != Packets{}) {
        add(sums, ends, {side.packets.value, side.octets.value, side.layer2_octets.value});
    }
}
Sums sums_of(const std::vector<flow::FlowRecord>& records) {
    Sums sums;
    for (const flow::FlowRecord& r : records) {
        add_side(sums, {r.source, r.source_port, r.destination, r.destination_port, r.protocol},
                 r.forward);
        add_side(sums, {r.destination, r.destination_port, r.source, r.source_port, r.protocol},
                 r.reverse);
    }
    return sums;
}

TEST(Worker, gives_every_packet_one_fate) {
    ReplaySource source({
        udp_frame(),
        FrameBuilder{}.ethernet().vlan(7).ipv4().udp(1000, 53).frame(),
        FrameBuilder{}.ethernet().ipv4({.version_ihl = 0x44}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().sized(13).frame(),
        FrameBuilder{}.ethernet(0x0806).fill(28).frame(),
    });
    WorkerBench bench(source, {});

    EXPECT_EQ(bench.worker().step(), 5U);

    const WorkerBooks books = bench.books();
    EXPECT_EQ(books.metered.packets, 2U);
    EXPECT_EQ(books.undecoded[index_of(Undecoded::bad_header_length)], 1U);
    EXPECT_EQ(books.undecoded[index_of(Undecoded::truncated)], 1U);
    EXPECT_EQ(books.non_ip[index_of(NonIp::arp)], 1U);
    EXPECT_EQ(books.flows_active, 2U);
    EXPECT_EQ(broken_law(books), "");
    EXPECT_EQ(source.bursts_not_released(), 0);
}

TEST(Worker, records_equal_those_of_a_naive_table) {
    const auto frames = conversations(2'000);
    ReplaySource source(frames);
    WorkerBench bench(source, {});

    bench.run_to_the_end();

    EXPECT_EQ(sums_of(bench.records()), sums_of(frames));
    EXPECT_EQ(broken_law(bench.books()), "");
    EXPECT_EQ(bench.books().flows_active, 0U);
}

// Timeouts that keep cutting and ending flows: the laws hold after every single turn.
TEST(Worker, the_laws_hold_at_every_turn_whatever_ends_the_flows) {
    const auto frames = conversations(1'000, 3ms);
    ReplaySource source(frames);
    WorkerBench bench(source, {.flows_max = 64,  // far fewer than there are: some must make room
                               .timeouts = {.idle = 200ms, .active = 500ms, .tcp_end = 50ms}});
    while (!bench.worker().exhausted()) {
        bench.worker().step();
        ASSERT_EQ(broken_law(bench.books()), "");
        bench.collect();
    }
    bench.drain({});
    EXPECT_EQ(broken_law(bench.books()), "");
    EXPECT_EQ(sums_of(bench.records()), sums_of(frames));
    const auto& ended = bench.books().flows_ended;
    EXPECT_GT(ended[index_of(flow::FlowEndReason::idle_timeout)], 0U);
    EXPECT_GT(ended[index_of(flow::FlowEndReason::end_of_flow)], 0U);
    EXPECT_GT(ended[index_of(flow::FlowEndReason::lack_of_resources)], 0U);
    EXPECT_GT(bench.books().active_cuts, 0U);
}

TEST(Worker, a_live_worker_counts_what_a_full_ring_refuses) {
    std::vector<testing::Frame> frames;
    for (std::uint16_t port = 0; port < 5'000; ++port) {
        frames.push_back(udp_frame(0x0a00'0001, port));
    }
    ReplaySource source(frames);
    const LiveClock clock;
    WorkerBench bench(source, {.flows_max = 64, .ring_capacity = 16, .clock = &clock});
    while (!bench.worker().exhausted()) {
        bench.worker().step();  // nobody drains the ring
    }
    const WorkerBooks books = bench.books();
    EXPECT_GT(books.records_refused, 4'000U);
    EXPECT_EQ(books.refused.packets, books.records_refused) << "one-packet flows";
    EXPECT_EQ(broken_law(books), "");
}

TEST(Worker, a_worker_on_a_file_waits_for_room_instead) {
    std::vector<testing::Frame> frames;
    for (std::uint16_t port = 0; port < 5'000; ++port) {
        frames.push_back(udp_frame(0x0a00'0001, port));
    }
    ReplaySource source(frames);
    WorkerBench bench(source, {.flows_max = 64, .ring_capacity = 128});
    bench.worker().step();
    bench.run_to_the_end();
    EXPECT_EQ(bench.books().records_refused, 0U);
    EXPECT_EQ(sums_of(bench.records()).size(), 5'000U);
}

// Every burst is full, so the worker never sees the end of its queue.
TEST(Worker, one_that_cannot_keep_up_meters_whole_flows_of_fewer_and_says_so) {
    const auto frames = conversations(3'000, 1ms);
    ReplaySource source(frames);
    WorkerBench bench(source, {.load = {.sampling_exponent_max = 3}});
    while (!bench.worker().exhausted()) {
        bench.worker().step();
        ASSERT_EQ(broken_law(bench.books()), "");
        bench.collect();
    }
    const WorkerBooks books = bench.books();
    EXPECT_EQ(books.load_state, static_cast<std::uint64_t>(LoadState::hot));
    EXPECT_EQ(books.load_causes, 1U << static_cast<unsigned>(LoadCause::backlog));
    EXPECT_EQ(books.load_entered[static_cast<std::size_t>(LoadState::hot)], 1U);
    EXPECT_EQ(books.sampling_exponent, 3U);
    const Traffic& left_out = books.ignored[index_of(LeftOut::flow_sampling)];
    EXPECT_GT(left_out.packets, frames.size() / 2);
    EXPECT_EQ(books.metered.packets + left_out.packets, frames.size());
    bench.drain({});

    // What was metered was metered whole: each flow's sums are those of a naive table.
    const Sums all = sums_of(frames);
    std::set<std::uint8_t> exponents;
    for (const auto& [ends, counted] : sums_of(bench.records())) {
        ASSERT_EQ(counted, all.at(ends));
    }
    for (const flow::FlowRecord& record : bench.records()) {
        exponents.insert(record.sampling_exponent);
    }
    EXPECT_EQ(exponents, (std::set<std::uint8_t>{0, 1, 2, 3}));
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(Worker, one_that_may_not_sample_meters_everything_however_pressed) {
    const auto frames = conversations(1'000, 1ms);
    ReplaySource source(frames);
    WorkerBench bench(source, {});
    bench.run_to_the_end();
    EXPECT_EQ(bench.books().load_state, static_cast<std::uint64_t>(LoadState::hot));
    EXPECT_EQ(bench.books().metered.packets, frames.size());
}

std::vector<flow::FlowRecord> records_of(std::vector<TimedFrame> frames) {
    ReplaySource source(std::move(frames));
    WorkerBench bench(source, {});
    bench.run_to_the_end();
    EXPECT_EQ(broken_law(bench.books()), "");
    return bench.records();
}

TEST(Worker, the_active_timeout_cuts_records_of_one_flow) {
    std::vector<TimedFrame> frames;
    for (Nanoseconds time = 1'000s; time < 1'150s; time += 10s) {
        frames.push_back({udp_frame(), time});
    }
    const auto records = records_of(frames);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].end_reason, flow::FlowEndReason::active_timeout);
    EXPECT_EQ(records[0].forward.packets, Packets{6});
    EXPECT_EQ(records[1].start, ObservedAt{1'060s});
    EXPECT_EQ(records[2].end_reason, flow::FlowEndReason::forced_end);
    EXPECT_EQ(records[0].flow_id, records[2].flow_id);
    EXPECT_EQ(records[2].flow_start, ObservedAt{1'000s});
}

TEST(Worker, silence_as_long_as_the_idle_timeout_parts_two_flows) {
    const auto parted = records_of({{udp_frame(), 1'000s}, {udp_frame(), 1'030s}});
    ASSERT_EQ(parted.size(), 2U);
    EXPECT_EQ(parted[0].end_reason, flow::FlowEndReason::idle_timeout);
    EXPECT_NE(parted[0].flow_id, parted[1].flow_id);
    EXPECT_EQ(records_of({{udp_frame(), 1'000s}, {udp_frame(), 1'029'999ms}}).size(), 1U);
}

TEST(Worker, a_connection_on_used_ports_is_a_new_flow_after_the_end_of_the_old) {
    const auto records = records_of({{tcp_frame(true, syn), 1'000s},
                                     {tcp_frame(false, rst | ack), 1'000s + 1ms},
                                     {tcp_frame(true, syn), 1'000s + 2ms},
                                     {tcp_frame(false, syn | ack), 1'000s + 3ms}});
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].end_reason, flow::FlowEndReason::end_of_flow);
    EXPECT_EQ(records[1].forward.packets, Packets{1});
}

TEST(Worker, the_last_acknowledgement_still_belongs_to_the_ended_flow) {
    const auto records = records_of({{tcp_frame(true, fin_ack), 1'000s},
                                     {tcp_frame(false, fin_ack), 1'000s + 1ms},
                                     {tcp_frame(true, ack), 1'000s + 2ms},
                                     {udp_frame(0x0b00'0001), 1'010s}});
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].end_reason, flow::FlowEndReason::end_of_flow);
    EXPECT_EQ(records[0].forward.packets, Packets{2});
}

// No expiry comes between: both acknowledgements are of one burst.
TEST(Worker, an_acknowledgement_that_the_ended_flow_no_longer_waits_for_is_another_flow) {
    const auto records = records_of({{tcp_frame(true, fin_ack), 1'000s},
                                     {tcp_frame(false, fin_ack), 1'000s + 1ms},
                                     {tcp_frame(true, ack), 1'001s},
                                     {tcp_frame(true, ack), 1'003s}});
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].end_reason, flow::FlowEndReason::end_of_flow);
    EXPECT_EQ(records[0].forward.packets, Packets{2});
    EXPECT_EQ(records[1].forward.packets, Packets{1});
}

// Hostile capture files carry any time at all.
TEST(Worker, times_at_the_ends_of_the_clock_do_not_overflow) {
    const auto records = records_of({{udp_frame(1), Nanoseconds::max()},
                                     {udp_frame(2), Nanoseconds::min()},
                                     {udp_frame(3), 0s},
                                     {udp_frame(1), Nanoseconds::max()}});
    EXPECT_EQ(sums_of(records).size(), 3U);
}

TEST(Worker, time_running_backwards_loses_no_packet) {
    auto frames = conversations(300, 50ms);
    std::reverse(frames.begin(), frames.end());
    EXPECT_EQ(sums_of(records_of(frames)), sums_of(frames));
}

}  // namespace
}  // namespace tapmeter
