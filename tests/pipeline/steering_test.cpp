#include "pipeline/steering.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "src/generator/conversation.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using testing::broken_law;
using testing::FrameBuilder;
using testing::ReplaySource;
using testing::WorkerBench;

std::vector<testing::Frame> conversation_frames(std::uint64_t count) {
    std::vector<testing::Frame> frames;
    for (std::uint64_t number = 0; number < count; ++number) {
        generator::Conversation conversation(number);
        while (!conversation.finished()) {
            std::array<std::byte, generator::frame_octets_max> octets{};
            const std::size_t size = conversation.next(octets);
            frames.emplace_back(octets.begin(), octets.begin() + size);
        }
    }
    return frames;
}

// A record as text without the worker that made it, so that sets of records can be compared.
std::multiset<std::string> comparable(const std::vector<flow::FlowRecord>& records) {
    std::multiset<std::string> texts;
    for (flow::FlowRecord record : records) {
        record.worker = 0;
        const auto octets = std::as_bytes(std::span{&record, 1});
        std::string text;
        for (const std::byte octet : octets) {
            text.push_back(static_cast<char>(octet));
        }
        texts.insert(text);
    }
    return texts;
}

// Everything in one thread: steering and workers take turns.
std::vector<flow::FlowRecord> metered_by(std::size_t workers, bool views_stay_valid,
                                         const std::vector<testing::Frame>& frames) {
    ReplaySource source(frames);
    Steering steering({.inlets = {&source},
                       .outlets = workers,
                       .views_stay_valid = views_stay_valid,
                       .hash_key = 99});
    std::vector<std::unique_ptr<WorkerBench>> benches;
    for (std::size_t number = 0; number < workers; ++number) {
        benches.push_back(std::make_unique<WorkerBench>(
            steering.outlet(number),
            testing::WorkerSetup{.number = static_cast<std::uint16_t>(number)}));
    }
    const auto all_exhausted = [&] {
        return std::ranges::all_of(benches, [](auto& b) { return b->worker().exhausted(); });
    };
    while (!all_exhausted()) {
        steering.turn();
        for (auto& bench : benches) {
            bench->worker().step();
            bench->collect();
        }
    }
    ObservedAt end{};
    for (auto& bench : benches) {
        const Nanoseconds newest{static_cast<std::int64_t>(bench->books().newest_packet_ns)};
        end = std::max(end, ObservedAt{newest});
    }
    std::vector<flow::FlowRecord> records;
    std::uint64_t received = 0;
    for (auto& bench : benches) {
        bench->drain(end);
        EXPECT_EQ(broken_law(bench->books()), "");
        received += bench->books().received_packets;
        records.insert(records.end(), bench->records().begin(), bench->records().end());
    }
    EXPECT_EQ(received, frames.size());
    EXPECT_EQ(source.bursts_not_released(), 0);
    EXPECT_EQ(steering.waiting(), 0U);
    return records;
}

TEST(Steering, records_do_not_depend_on_the_number_of_workers) {
    const auto frames = conversation_frames(500);
    const auto one = comparable(metered_by(1, true, frames));
    EXPECT_EQ(comparable(metered_by(2, true, frames)), one);
    EXPECT_EQ(comparable(metered_by(4, true, frames)), one);
    EXPECT_EQ(comparable(metered_by(4, false, frames)), one) << "buffers given back in time";
}

TEST(Steering, spreads_hosts_over_the_workers) {
    std::vector<unsigned> packets(4);
    for (const auto& record : metered_by(4, true, conversation_frames(400))) {
        ++packets[record.worker];
    }
    for (const unsigned of_worker : packets) {
        EXPECT_GT(of_worker, 40U) << "100 on average";
    }
}

// The busiest worker's packets to the mean.
double skew_of(const std::vector<testing::Frame>& frames) {
    std::vector<double> packets(4);
    for (const auto& record : metered_by(packets.size(), true, frames)) {
        packets[record.worker] += static_cast<double>(traffic_of(record).packets);
    }
    return std::ranges::max(packets) * static_cast<double>(packets.size()) /
           static_cast<double>(frames.size());
}

// All words of addresses and ports XOR to one value: with the symmetric Toeplitz key of NICs they
// have one hash, and so one queue (tests/pipeline/collision_test.cpp).
TEST(Steering, spreads_flows_that_were_aimed_at_one_queue) {
    std::vector<testing::Frame> frames;
    constexpr std::uint16_t destination = 0x0a01;
    for (std::uint32_t number = 0; number < 4'000; ++number) {
        const std::uint32_t source = 0x0b00'0000 + number * 7'919;
        const auto port = static_cast<std::uint16_t>(number * 13);
        const auto aimed = static_cast<std::uint16_t>(0x1234 ^ (source >> 16U) ^ source ^
                                                      destination ^ destination ^ port);
        frames.push_back(FrameBuilder{}
                             .ethernet()
                             .ipv4({.source = source, .destination = 0x0a01'0a01})
                             .udp(port, aimed)
                             .fill(4)
                             .frame());
    }
    EXPECT_LT(skew_of(frames), 1.15);
}

// NICs that do not look below a label bring all such packets to one queue.
TEST(Steering, spreads_what_labels_hide_from_the_port) {
    std::vector<testing::Frame> frames;
    for (std::uint32_t number = 0; number < 4'000; ++number) {
        frames.push_back(FrameBuilder{}
                             .ethernet()
                             .mpls(100)
                             .ipv4({.source = 0x0b00'0000 + number})
                             .udp(1, 2)
                             .fill(4)
                             .frame());
    }
    EXPECT_LT(skew_of(frames), 1.15);
}

TEST(Steering, fragments_and_what_is_no_ip_find_their_worker) {
    std::vector<testing::Frame> frames;
    frames.push_back(FrameBuilder{}.ethernet(0x0806).fill(28).frame());
    frames.push_back(FrameBuilder{}.ethernet().sized(13).frame());
    frames.push_back(FrameBuilder{}.ethernet().ipv4({.fragment = 0x2000}).udp(7, 8).frame());
    frames.push_back(FrameBuilder{}.ethernet().ipv4({.fragment = 0x0003}).fill(16).frame());
    const auto records = metered_by(4, true, frames);
    ASSERT_EQ(records.size(), 1U) << "both fragments of a datagram";
    EXPECT_EQ(records[0].forward.packets, Packets{2});
    EXPECT_EQ(records[0].destination_port, 8);
}

// Datagrams of many hosts in three fragments each, some shuffled, some without their first; and
// the same hosts inside tunnels between two other addresses.
std::vector<testing::Frame> fragments_and_tunnels() {
    std::mt19937 random(7);
    std::vector<testing::Frame> frames;
    for (std::uint32_t number = 0; number < 400; ++number) {
        const std::uint32_t host = 0x0a00'0000 + number % 50;
        std::vector<testing::Frame> datagram;
        for (const std::uint16_t fragment : std::array<std::uint16_t, 3>{0x2000, 0x2002, 0x0004}) {
            FrameBuilder builder = FrameBuilder{}.ethernet().ipv4(
                {.fragment = fragment, .source = host, .destination = 0x0b00'0001});
            builder.udp(static_cast<std::uint16_t>(number), 53).fill(8);
            datagram.push_back(builder.frame());
            datagram.back()[14 + 4] = static_cast<std::byte>(number >> 8U);
            datagram.back()[14 + 5] = static_cast<std::byte>(number);
        }
        std::ranges::shuffle(datagram, random);
        frames.insert(frames.end(), datagram.begin(), datagram.end() - (number % 31 == 0 ? 1 : 0));
        frames.push_back(FrameBuilder{}
                             .ethernet()
                             .ipv4({.protocol = 4, .source = 1, .destination = 2})
                             .ipv4({.protocol = 17, .source = host, .destination = 0x0b00'0001})
                             .udp(static_cast<std::uint16_t>(number), 53)
                             .frame());
    }
    return frames;
}

TEST(Steering, fragments_and_tunnels_give_the_same_records_with_any_number_of_workers) {
    const auto frames = fragments_and_tunnels();
    const auto alone = metered_by(1, true, frames);
    EXPECT_EQ(comparable(metered_by(2, true, frames)), comparable(alone));
    EXPECT_EQ(comparable(metered_by(4, false, frames)), comparable(alone));
    const auto with_ports = std::ranges::count(alone, 53, &flow::FlowRecord::destination_port);
    EXPECT_GT(with_ports, 350);
    EXPECT_LT(static_cast<std::size_t>(with_ports), alone.size()) << "some never had a first";
}

// Worth running under the thread sanitizer: buffers must not be given back while in use.
TEST(Steering, threads_lose_nothing) {
    const auto frames = conversation_frames(300);
    ReplaySource source(frames);
    Steering steering(
        {.inlets = {&source}, .outlets = 2, .views_stay_valid = false, .hash_key = 1});
    std::thread steerer([&] {
        while (!steering.finished()) {
            if (steering.turn() == 0) {
                std::this_thread::yield();
            }
        }
    });
    std::atomic<std::uint64_t> received{0};
    std::vector<std::thread> workers;
    for (std::size_t number = 0; number < 2; ++number) {
        workers.emplace_back([&, number] {
            WorkerBench bench(steering.outlet(number), {});
            bench.run_to_the_end();
            received += bench.books().received_packets;
        });
    }
    for (auto& worker : workers) {
        worker.join();
    }
    steerer.join();
    EXPECT_EQ(received, frames.size());
}

}  // namespace
}  // namespace tapmeter
