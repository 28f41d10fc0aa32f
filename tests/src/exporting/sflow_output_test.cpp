#include "src/exporting/sflow_output.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/xdr_words.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Words;

const Interfaces two_points{{"eth1", ObservationDomainId{1}}, {"eth2", ObservationDomainId{2}}};

Config::Ipfix config_for(std::uint16_t port, std::uint32_t one_in) {
    Config::Ipfix config;
    config.name = "test";
    config.transport = Config::Transport::sflow;
    config.host = "127.0.0.1";
    config.port = port;
    config.packet_sampling = one_in;
    return config;
}

struct Seen {
    std::size_t packets = 0;
    std::size_t counters = 0;
    std::uint32_t datagrams = 0;
    std::array<std::uint32_t, 3> sequence{};  // by interface
    std::array<std::uint32_t, 3> pool{};
};

void read_datagram(Bytes octets, std::uint32_t one_in, Seen& seen) {
    Words words(octets);
    words.skip(16);
    EXPECT_EQ(words.next(), ++seen.datagrams);
    words.skip(4);
    for (std::uint32_t left = words.next(); left > 0; --left) {
        const bool packet = words.next() == 1;
        Words sample(words.skip(words.next()));
        const std::uint32_t sequence = sample.next();
        const std::uint32_t index = sample.next();
        ASSERT_LT(index, seen.pool.size());
        ++(packet ? seen.packets : seen.counters);
        if (packet) {
            EXPECT_EQ(sequence, ++seen.sequence[index]);
            EXPECT_EQ(sample.next(), one_in);
            seen.pool[index] = sample.next();
        }
    }
    EXPECT_TRUE(words.done());
}

// Bursts of packets of both points alternately.
void show(PacketSampler& sampler, std::size_t bursts) {
    const std::vector<std::byte> frame(60);
    std::vector<Packet> burst(50);
    for (std::size_t i = 0; i < burst.size(); ++i) {
        burst[i].frame = frame;
        burst[i].wire_octets = 60;
        burst[i].observation_point = static_cast<std::uint16_t>(i % 2);
    }
    for (std::size_t round = 0; round < bursts; ++round) {
        sampler.look_at(burst);
        sampler.publish();
    }
}

TEST(SflowOutput, sends_samples_of_all_workers_and_counters_and_its_books_balance) {
    constexpr std::uint32_t one_in = 4;
    test_support::UdpListener listener;
    const auto output = open_ipfix(config_for(listener.port(), one_in), two_points).value();
    EXPECT_EQ(output->name(), "sflow/test");
    output->report(MeteringReport(2));
    const std::array samplers{output->sampler(0), output->sampler(1)};
    std::size_t taken = 0;
    for (PacketSampler* const sampler : samplers) {
        show(*sampler, 10);
        taken += sampler->taken();
    }
    output->take(test_support::mixed_records(5));
    output->flush(steady_clock::now() + seconds{10});
    const OutputCounters counters = output->counters();
    EXPECT_EQ(counters.taken.records, 5U);
    EXPECT_EQ(counters.left_out.records, 5U);
    const PacketSamples& samples = counters.samples;
    EXPECT_EQ(samples.one_in, one_in);
    EXPECT_EQ(samples.taken, taken);
    EXPECT_EQ(samples.sent, taken);
    EXPECT_EQ(samples.waiting, 0U);
    EXPECT_EQ(samples.ring_full, 0U);
    EXPECT_NEAR(static_cast<double>(taken), 250, 60);
    EXPECT_EQ(samples.packets.counted, taken);
    EXPECT_DOUBLE_EQ(samples.packets.estimated, static_cast<double>(taken * one_in));
    EXPECT_DOUBLE_EQ(samples.octets.estimated, static_cast<double>(taken * one_in * 60));
    EXPECT_LE(100 * error_bound(samples.packets.variance) / samples.packets.estimated,
              196 / std::sqrt(static_cast<double>(taken)));
    Seen seen;
    for (auto datagram = listener.receive(seconds{1}); datagram;
         datagram = listener.receive(milliseconds{0})) {
        read_datagram(*datagram, one_in, seen);
    }
    EXPECT_EQ(seen.packets, taken);
    EXPECT_GE(seen.counters, 2U);
    EXPECT_EQ(seen.datagrams, counters.messages);
    EXPECT_EQ(seen.pool[1] + seen.pool[2], samples.pool);
    EXPECT_LE(samples.pool, 1'000U);
    EXPECT_GE(samples.pool, 1'000U - 2 * 100);
}

TEST(SflowOutput, tells_the_drops_of_an_interface) {
    test_support::UdpListener listener;
    const auto output = open_ipfix(config_for(listener.port(), 1), two_points).value();
    PacketSampler* const sampler = output->sampler(0);
    std::vector<Packet> burst(50);
    burst[0].observation_point = 1;
    for (int round = 0; round < 100'000 && sampler->refused_of(0) == 0; ++round) {
        sampler->look_at(burst);
        sampler->publish();
    }
    const std::uint64_t refused = sampler->refused();
    EXPECT_GT(refused, 0U) << "5 million packets and a ring of 2,048";
    output->flush(steady_clock::now() + seconds{10});
    EXPECT_EQ(output->counters().samples.ring_full, refused);
    const auto samples = output->counters().samples;
    EXPECT_EQ(samples.taken, samples.sent + samples.send_error);
}

TEST(SflowOutput, counts_what_it_cannot_tell_and_what_nobody_receives) {
    std::uint16_t port = 0;
    {
        const test_support::UdpListener gone;
        port = gone.port();
    }
    const auto output = open_ipfix(config_for(port, 1), two_points).value();
    PacketSampler* const sampler = output->sampler(0);
    Packet packet;
    packet.link = LinkType::linux_sll;
    sampler->look_at({&packet, 1});
    packet.link = LinkType::ethernet;
    for (int round = 0; round < 200; ++round) {
        sampler->look_at({&packet, 1});
    }
    sampler->publish();
    output->flush(steady_clock::now() + seconds{10});
    const PacketSamples samples = output->counters().samples;
    EXPECT_EQ(samples.taken, 201U);
    EXPECT_EQ(samples.not_expressible, 1U);
    EXPECT_EQ(samples.sent + samples.send_error, 200U);
    EXPECT_GT(samples.send_error, 0U) << "refused by ICMP";
}

// What is left when the time is over is lost, and nothing waits any more.
TEST(SflowOutput, gives_up_in_time) {
    test_support::UdpListener listener;
    const auto output = open_ipfix(config_for(listener.port(), 1), two_points).value();
    show(*output->sampler(0), 20);
    const auto began = steady_clock::now();
    output->flush(began);
    EXPECT_LT(steady_clock::now() - began, seconds{5});
    const PacketSamples samples = output->counters().samples;
    EXPECT_EQ(samples.taken, 1'000U);
    EXPECT_EQ(samples.waiting, 0U);
    EXPECT_EQ(samples.sent + samples.send_error, 1'000U);
}

TEST(SflowOutput, refuses_a_reload_that_no_start_would_take) {
    Config fresh;
    fresh.ipfix = {config_for(9, 1)};
    const auto output = open_ipfix(fresh.ipfix[0], two_points).value();
    EXPECT_TRUE(output->check_reload(fresh).has_value());
    EXPECT_EQ(output->reload(fresh), "");
    fresh.ipfix[0].fields = {"default"};
    EXPECT_FALSE(output->check_reload(fresh).has_value());
    fresh.ipfix[0].transport = Config::Transport::udp;
    EXPECT_TRUE(output->check_reload(fresh).has_value());
}

TEST(SflowOutput, refuses_what_means_nothing_to_it) {
    EXPECT_TRUE(check_ipfix(config_for(9, 1), two_points).has_value());
    for (const auto& spoil : std::vector<void (*)(Config::Ipfix&)>{
             [](Config::Ipfix& config) { config.filter = "port 80"; },
             [](Config::Ipfix& config) { config.sampling = 2; },
             [](Config::Ipfix& config) { config.fields = {"flowId"}; },
             [](Config::Ipfix& config) { config.group = "siem"; },
             [](Config::Ipfix& config) { config.pace = 100; },
             [](Config::Ipfix& config) { config.spool_folder = "/spool"; }}) {
        Config::Ipfix config = config_for(9, 1);
        spoil(config);
        EXPECT_FALSE(open_ipfix(config, two_points).has_value());
        EXPECT_FALSE(check_ipfix(config, two_points).has_value());
    }
}

}  // namespace
}  // namespace tapmeter::exporting
