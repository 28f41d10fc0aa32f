#include "pipeline/packet_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

std::vector<std::byte> numbered(std::size_t octets) {
    std::vector<std::byte> frame(octets);
    for (std::size_t i = 0; i < octets; ++i) {
        frame[i] = static_cast<std::byte>(i);
    }
    return frame;
}

// So many packets, in bursts of all sizes; what the sampler took. Octets number the packets.
std::vector<PacketSample> sample(PacketSampler& sampler, std::size_t packets) {
    static const auto frame = numbered(200);
    std::vector<PacketSample> taken;
    std::size_t size = 1;
    for (std::size_t done = 0; done < packets; done += size) {
        size = std::min(1 + done % burst_packets_max, packets - done);
        std::vector<Packet> burst(size);
        for (std::size_t i = 0; i < size; ++i) {
            burst[i].frame = frame;
            burst[i].wire_octets = static_cast<std::uint32_t>(done + i);
            burst[i].observation_point = 3;
        }
        sampler.look_at(burst);
        sampler.publish();
        for (auto some = sampler.samples().readable(); !some.empty();
             some = sampler.samples().readable()) {
            taken.insert(taken.end(), some.begin(), some.end());
            sampler.samples().consume(some.size());
        }
    }
    return taken;
}

PacketSampler::Setup setup_of(std::uint32_t one_in, std::size_t samples_max) {
    return {.one_in = one_in, .samples_max = samples_max, .observation_points = 4, .seed = 7};
}

TEST(PacketSampler, one_in_one_takes_every_packet) {
    PacketSampler sampler(setup_of(1, 64));
    const auto samples = sample(sampler, 1'000);
    ASSERT_EQ(samples.size(), 1'000U);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        EXPECT_EQ(samples[i].wire_octets, i);
        EXPECT_EQ(samples[i].packets, 1U);
        EXPECT_EQ(samples[i].observation_point, 3U);
    }
    EXPECT_EQ(sampler.taken(), 1'000U);
    EXPECT_EQ(sampler.refused(), 0U);
}

// The number of samples lies within four standard deviations of its mean; each tells which packet
// it was.
TEST(PacketSampler, takes_one_in_n) {
    for (const std::uint32_t one_in : {2U, 10U, 100U, 1'000U}) {
        constexpr std::size_t packets = 1'000'000;
        PacketSampler sampler(setup_of(one_in, 1'024));
        const auto samples = sample(sampler, packets);
        const double mean = static_cast<double>(packets) / one_in;
        EXPECT_NEAR(static_cast<double>(samples.size()), mean, 4 * std::sqrt(mean)) << one_in;
        std::uint64_t packet = 0;
        for (const PacketSample& one : samples) {
            packet += one.packets;
            ASSERT_EQ(one.wire_octets + 1, packet);
        }
    }
}

// Each packet is chosen for itself: of those with one remainder modulo any small number as many as
// of those with another, and a gap of k packets (1 - 1/N)^k as often.
TEST(PacketSampler, chooses_without_a_pattern) {
    constexpr std::uint32_t one_in = 20;
    PacketSampler sampler(setup_of(one_in, 1'024));
    const auto samples = sample(sampler, 2'000'000);
    const auto count = static_cast<double>(samples.size());
    for (const std::size_t period : {2U, 3U, 7U, 20U, 64U}) {
        std::vector<double> of_remainder(period);
        for (const PacketSample& one : samples) {
            ++of_remainder[one.wire_octets % period];
        }
        const double mean = count / static_cast<double>(period);
        for (const double found : of_remainder) {
            EXPECT_NEAR(found, mean, 4.5 * std::sqrt(mean)) << period;
        }
    }
    for (const std::uint64_t longer_than : {1U, 10U, 20U, 60U}) {
        const auto found = static_cast<double>(std::ranges::count_if(
            samples, [&](const PacketSample& one) { return one.packets > longer_than; }));
        const double wanted = count * std::pow(1 - 1.0 / one_in, static_cast<double>(longer_than));
        EXPECT_NEAR(found, wanted, 4 * std::sqrt(wanted)) << longer_than;
    }
}

TEST(PacketSampler, goes_to_the_largest_rate) {
    PacketSampler sampler(setup_of(16'777'215, 64));
    EXPECT_LT(sample(sampler, 100'000).size(), 4U);
}

TEST(PacketSampler, keeps_the_first_octets_and_no_more) {
    PacketSampler sampler(setup_of(1, 64));
    const auto frame = numbered(129);
    for (const std::size_t octets : {0U, 60U, 127U, 128U, 129U}) {
        Packet packet;
        packet.frame = Bytes{frame}.first(octets);
        packet.wire_octets = 1'500;
        sampler.look_at({&packet, 1});
        sampler.publish();
        ASSERT_EQ(sampler.samples().readable().size(), 1U);
        const PacketSample& one = sampler.samples().readable()[0];
        ASSERT_EQ(one.header_octets, std::min<std::size_t>(octets, 128));
        EXPECT_TRUE(std::ranges::equal(std::span{one.header}.first(one.header_octets),
                                       std::span{frame}.first(one.header_octets)));
        sampler.samples().consume(1);
    }
}

TEST(PacketSampler, what_finds_no_room_is_counted_and_stood_for_by_the_next) {
    PacketSampler sampler(setup_of(1, 4));
    std::vector<Packet> burst(10);
    burst[9].observation_point = 2;
    sampler.look_at(burst);
    sampler.publish();
    EXPECT_EQ(sampler.taken(), 4U);
    EXPECT_EQ(sampler.refused(), 6U);
    EXPECT_EQ(sampler.refused_of(0), 5U);
    EXPECT_EQ(sampler.refused_of(2), 1U);
    sampler.samples().consume(sampler.samples().readable().size());
    sampler.look_at({burst.data(), 1});
    sampler.publish();
    ASSERT_EQ(sampler.samples().readable().size(), 1U);
    EXPECT_EQ(sampler.samples().readable()[0].packets, 7U);
}

TEST(PacketSampler, has_room_where_a_whole_burst_could_be_chosen) {
    PacketSampler sampler(setup_of(1, 128));
    const std::vector<Packet> burst(64);
    sampler.look_at(burst);
    EXPECT_TRUE(sampler.has_room());
    sampler.look_at({burst.data(), 1});
    EXPECT_FALSE(sampler.has_room());
    sampler.publish();
    ASSERT_EQ(sampler.samples().readable().size(), 65U);
    sampler.samples().consume(1);
    EXPECT_TRUE(sampler.has_room());
}

// Frames of ARP, each with its number in its last octets.
std::vector<testing::Frame> numbered_frames(std::size_t count) {
    std::vector<testing::Frame> frames(count, testing::Frame(60));
    for (std::size_t i = 0; i < count; ++i) {
        frames[i][12] = std::byte{0x08};
        frames[i][13] = std::byte{0x06};
        frames[i][58] = static_cast<std::byte>(i >> 8U);
        frames[i][59] = static_cast<std::byte>(i & 0xFFU);
    }
    return frames;
}

// Recorded packets wait for room, so none of them is missed.
TEST(PacketSampler, is_shown_every_packet_by_its_worker) {
    constexpr std::size_t packets = 1'000;
    testing::ReplaySource source(numbered_frames(packets));
    PacketSampler all(setup_of(1, 128));
    PacketSampler some(setup_of(10, 1'024));
    testing::WorkerSetup setup;
    setup.samplers = {&all, &some};
    testing::WorkerBench bench(source, setup);
    std::size_t next = 0;
    for (int turn = 0; turn < 10'000 && next < packets; ++turn) {
        bench.worker().step();
        // Nothing is taken in two turns of three.
        const auto samples =
            turn % 3 == 0 ? all.samples().readable() : std::span<const PacketSample>{};
        for (const PacketSample& one : samples) {
            ASSERT_EQ(std::to_integer<std::size_t>(one.header[58]) * 256 +
                          std::to_integer<std::size_t>(one.header[59]),
                      next++);
        }
        all.samples().consume(samples.size());
    }
    EXPECT_EQ(next, packets);
    EXPECT_EQ(all.refused(), 0U);
    EXPECT_EQ(all.taken(), packets);
    EXPECT_NEAR(static_cast<double>(some.taken()), 100, 40);
    EXPECT_EQ(some.samples().waiting(), some.taken()) << "shown at the end of each burst";
}

// Live packets do not wait.
TEST(PacketSampler, loses_live_packets_rather_than_hold_them_up) {
    testing::ReplaySource source(numbered_frames(1'000));
    PacketSampler all(setup_of(1, 128));
    const LiveClock clock;
    testing::WorkerSetup setup;
    setup.samplers = {&all};
    setup.clock = &clock;
    testing::WorkerBench bench(source, setup);
    while (!source.exhausted()) {
        bench.worker().step();
    }
    EXPECT_EQ(bench.books().received_packets, 1'000U);
    EXPECT_EQ(all.taken(), 128U);
    EXPECT_EQ(all.refused(), 1'000U - 128);
}

}  // namespace
}  // namespace tapmeter
