// What the shunt counts and drops, and what it leaves to user space; our decoder is the oracle.

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/bpf/shunt_fixture.h"

namespace tapmeter {
namespace {

using testing::first;
using testing::flows;
using testing::Frame;
using testing::FrameBuilder;
using testing::key_of;
using testing::monotonic_now;
using testing::packet_of;
using testing::ShuntTest;

constexpr std::uint16_t data_bits = 0x018;  // PSH, ACK

class Shunt : public ShuntTest {};

Frame tcp4(std::uint32_t source, std::uint32_t destination, std::uint16_t bits = data_bits) {
    return FrameBuilder{}
        .ethernet()
        .ipv4({.protocol = 6, .source = source, .destination = destination})
        .tcp(source < destination ? 40'000 : 443, source < destination ? 443 : 40'000,
             {.control_bits = bits})
        .fill(100)
        .frame();
}

TEST_P(Shunt, counts_as_the_decoder_reads) {
    const std::vector<Frame> frames{
        tcp4(0x0a00'0001, 0x0a00'0002),
        tcp4(0x0a00'0002, 0x0a00'0001),
        tcp4(0x0a00'0001, 0x0a00'0002, 0x0d8 | 0x100),  // ECE, CWR, AE beside PSH and ACK
        FrameBuilder{}
            .ethernet()
            .ipv4({.type_of_service = 0xb8, .time_to_live = 3})
            .udp(5, 4)
            .fill(9)
            .padded(60)
            .frame(),
        FrameBuilder{}.ethernet().ipv4({.total_octets = 0}).udp(4, 5).fill(99).frame(),
        FrameBuilder{}.ethernet().ipv4({.total_octets = 9'000}).udp(4, 5).fill(99).frame(),
        FrameBuilder{}.ethernet().ipv4({.fragment = 0x4000}).udp(4, 5).fill(99).frame(),
        FrameBuilder{}.ethernet().ipv4({.source = 7, .destination = 7}).udp(9, 8).frame(),
        FrameBuilder{}.ethernet().ipv4({.source = 7, .destination = 7}).udp(8, 9).frame(),
        FrameBuilder{}.ethernet().ipv4({.protocol = 50}).fill(40).frame(),
        FrameBuilder{}.ethernet().vlan(7).ipv4().udp(1, 2).frame(),
        FrameBuilder{}.ethernet().vlan(0xf007).ipv4().udp(1, 2).frame(),  // priority 7, DEI
        FrameBuilder{}.ethernet().qinq(7, 9).ipv4().udp(1, 2).frame(),
        FrameBuilder{}.ethernet().vlan(7, 0x9100).ipv4().udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.traffic_class = 0xa5}).udp(1, 2).fill(9).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.source = 2, .destination = 1}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).qinq(1, 2).ipv6({.next_header = 6}).tcp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.payload_octets = 9'000}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6().udp(1, 2).padded(100).frame(),
    };
    for (std::size_t i = 0; i < frames.size(); ++i) {
        SCOPED_TRACE("frame " + std::to_string(i));
        expect_counted_as_metered(frames[i]);
    }
}

TEST_P(Shunt, both_directions_of_a_flow_stand_apart) {
    const Frame up = tcp4(0x0a00'0001, 0x0a00'0002);
    const Frame down = tcp4(0x0a00'0002, 0x0a00'0001, 0x010);
    ASSERT_EQ(shunt(key_of(up), 2), 0);
    EXPECT_TRUE(runs_into_shunt(up, 5));
    EXPECT_TRUE(runs_into_shunt(down, 7));
    EXPECT_EQ(sum(2).packets, 12U);
    EXPECT_EQ(line(2, 1, 0).tcp_control_bits, data_bits);
    EXPECT_EQ(line(2, 1, 1).tcp_control_bits, 0x010U);
    EXPECT_EQ(sum(1).packets + sum(3).packets, 0U);
}

TEST_P(Shunt, user_space_sees_what_begins_and_ends_a_connection) {
    const Frame data = tcp4(1, 2);
    ASSERT_EQ(shunt(key_of(data), 0), 0);
    constexpr std::array<std::uint16_t, 6> begin_or_end{0x002, 0x012, 0x011, 0x004, 0x014, 0x019};
    for (const std::uint16_t bits : begin_or_end) {
        EXPECT_FALSE(runs_into_shunt(tcp4(1, 2, bits))) << bits;
    }
    EXPECT_TRUE(runs_into_shunt(data));
    EXPECT_EQ(sum(0).packets, 1U);
}

TEST_P(Shunt, what_is_not_plain_goes_on) {
    const Frame plain = FrameBuilder{}.ethernet().ipv4().udp(1, 2).fill(99).frame();
    const Frame plain6 = FrameBuilder{}.ethernet(0x86dd).ipv6().udp(1, 2).fill(99).frame();
    ASSERT_EQ(shunt(key_of(plain), 0), 0);
    ASSERT_EQ(shunt(key_of(plain6), 1), 0);
    const std::vector<Frame> frames{
        FrameBuilder{}.ethernet().ipv4({.fragment = 0x2000}).udp(1, 2).fill(99).frame(),
        FrameBuilder{}.ethernet().ipv4({.fragment = 0x0001}).udp(1, 2).fill(99).frame(),
        FrameBuilder{}.ethernet().ipv4({.version_ihl = 0x46}).fill(4, 1).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.version_ihl = 0x44}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.version_ihl = 0x65}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.total_octets = 19}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.total_octets = 27}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet().vlan(1).ipv4().udp(1, 2).frame(),  // another flow
        FrameBuilder{}.ethernet().vlan(1).vlan(2).vlan(3).ipv4().udp(1, 2).frame(),
        FrameBuilder{}.ethernet().ipv4({.protocol = 136}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.payload_octets = 0}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.payload_octets = 7}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.version = 4}).udp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6({.next_header = 0}).extension(17).udp(1, 2).frame(),
        FrameBuilder{}
            .ethernet(0x86dd)
            .ipv6({.next_header = 44})
            .fragment(17, 0, true)
            .udp(1, 2)
            .frame(),
        FrameBuilder{}.ethernet(0x8847).mpls(3).ipv4().udp(1, 2).frame(),
    };
    for (std::size_t i = 0; i < frames.size(); ++i) {
        EXPECT_FALSE(runs_into_shunt(frames[i])) << "frame " << i;
    }
    EXPECT_TRUE(runs_into_shunt(plain));
    EXPECT_TRUE(runs_into_shunt(plain6));
}

// Whatever a frame holds: where the shunt takes it, it counts what the decoder reads.
TEST_P(Shunt, never_disagrees_with_the_decoder_on_damaged_frames) {
    std::mt19937 random(7);
    const std::vector<Frame> whole{
        tcp4(0x0a00'0001, 0x0a00'0002),
        FrameBuilder{}.ethernet().vlan(7).ipv4().udp(1, 2).fill(20).frame(),
        FrameBuilder{}.ethernet(0x86dd).qinq(3, 4).ipv6({.next_header = 6}).tcp(1, 2).frame(),
        FrameBuilder{}.ethernet(0x86dd).ipv6().udp(1, 2).fill(20).frame(),
    };
    std::uint64_t taken = 0;
    for (int round = 0; round < 4'000; ++round) {
        Frame frame = whole[random() % whole.size()];
        const std::size_t damaged = random() % 3;
        for (std::size_t i = 0; i < damaged; ++i) {
            frame[12 + random() % (frame.size() - 12)] = static_cast<std::byte>(random());
        }
        frame.resize(14 + random() % (frame.size() - 13));
        const auto headers = decode::decode_frame(packet_of(frame));
        if (!headers || headers->ip_version == 0) {
            EXPECT_FALSE(runs_into_shunt(frame)) << "no flow, so nothing to shunt";
            continue;
        }
        ASSERT_EQ(shunt(key_of(frame), 0), 0);
        const Traffic before = sum(0);
        const bool shunted = runs_into_shunt(frame);
        Traffic expected = before;
        if (shunted) {
            ++taken;
            expected += {.packets = 1, .octets = headers->ip_octets, .layer2_octets = frame.size()};
            EXPECT_EQ(headers->tcp_control_bits & 7U, 0U);
            EXPECT_EQ(headers->fragment, decode::Fragment::none);
        }
        EXPECT_EQ(sum(0), expected) << "round " << round;
        unshunt(key_of(frame));
    }
    EXPECT_GT(taken, 500U) << "the test must reach what it tests";
}

TEST_P(Shunt, a_cut_divides_the_packets_at_its_time) {
    const Frame frame = tcp4(1, 2);
    ASSERT_EQ(shunt(key_of(frame), 0), 0);
    constexpr std::uint64_t turn = 6;
    cut_at(0, (~std::uint64_t{0} << shunt_cut_turn_bits) | turn);  // not yet
    EXPECT_TRUE(runs_into_shunt(frame, 2));
    EXPECT_EQ(line(0, 0, 0).packets, 2U);
    EXPECT_EQ(line(0, 0, 0).mark, turn);
    cut_at(0, (monotonic_now() >> shunt_cut_unit_shift) << shunt_cut_turn_bits | turn);  // just now
    EXPECT_TRUE(runs_into_shunt(frame, 3));
    EXPECT_EQ(line(0, 0, 0).packets, 2U);
    EXPECT_EQ(line(0, 1, 0).packets, 3U);
    EXPECT_EQ(line(0, 1, 0).mark, turn + 1);
    // The next turn goes on in the same place and forgets nothing.
    const std::uint64_t began = line(0, 1, 0).first;
    cut_at(0, (~std::uint64_t{0} << shunt_cut_turn_bits) | (turn + 1));
    EXPECT_TRUE(runs_into_shunt(frame));
    EXPECT_EQ(sum(0).packets, 6U);
    EXPECT_EQ(line(0, 0, 0).packets, 2U);
    EXPECT_LE(line(0, 1, 0).first, line(0, 1, 0).last);
    EXPECT_GE(line(0, 1, 0).first, began);
}

// What does not add up begins anew when a part is used again.
TEST_P(Shunt, bits_and_ttl_begin_anew_with_a_turn) {
    const auto packet = [](std::uint8_t ttl, std::uint16_t bits) {
        return FrameBuilder{}
            .ethernet()
            .ipv4({.type_of_service = ttl, .time_to_live = ttl, .protocol = 6})
            .tcp(1, 2, {.control_bits = bits})
            .frame();
    };
    ASSERT_EQ(shunt(key_of(packet(1, 0)), 0), 0);
    cut_at(0, (~std::uint64_t{0} << shunt_cut_turn_bits) | 2);
    EXPECT_TRUE(runs_into_shunt(packet(9, 0x008)));
    EXPECT_TRUE(runs_into_shunt(packet(5, 0x010)));
    EXPECT_TRUE(runs_into_shunt(packet(7, 0x010)));
    if (line(0, 0, 0).packets == 3) {  // all on one CPU, as nearly always
        EXPECT_EQ(line(0, 0, 0).tcp_control_bits, 0x018U);
        EXPECT_EQ(line(0, 0, 0).ttl_min, 5U);
        EXPECT_EQ(line(0, 0, 0).type_of_service, 9U);
    }
    cut_at(0, (~std::uint64_t{0} << shunt_cut_turn_bits) | 4);
    EXPECT_TRUE(runs_into_shunt(packet(8, 0x020)));
    EXPECT_EQ(line(0, 0, 0).tcp_control_bits, 0x020U);
    EXPECT_EQ(line(0, 0, 0).ttl_min, 8U);
    EXPECT_EQ(line(0, 0, 0).type_of_service, 8U);
    EXPECT_EQ(line(0, 0, 0).first, line(0, 0, 0).last);
    EXPECT_EQ(sum(0).packets, 4U) << "traffic only ever adds up";
}

TEST_P(Shunt, a_full_map_refuses_and_loses_nothing) {
    const auto udp = [](std::uint16_t port) {
        return FrameBuilder{}.ethernet().ipv4().udp(port, 53).frame();
    };
    for (std::uint16_t flow = 0; flow < flows; ++flow) {
        ASSERT_EQ(shunt(key_of(udp(flow)), flow), 0);
    }
    EXPECT_NE(shunt(key_of(udp(flows)), 0), 0);
    EXPECT_FALSE(runs_into_shunt(udp(flows)));
    for (std::uint16_t flow = 0; flow < flows; ++flow) {
        EXPECT_TRUE(runs_into_shunt(udp(flow)));
        EXPECT_EQ(sum(flow).packets, 1U);
    }
    unshunt(key_of(udp(2)));
    EXPECT_FALSE(runs_into_shunt(udp(2)));
    EXPECT_EQ(shunt(key_of(udp(flows)), 2), 0) << "a place is free again";
    EXPECT_TRUE(runs_into_shunt(udp(flows)));
}

TEST_P(Shunt, does_nothing_while_switched_off) {
    const Frame frame = tcp4(1, 2);
    ASSERT_EQ(shunt(key_of(frame), 0), 0);
    switch_to(0);
    EXPECT_FALSE(runs_into_shunt(frame));
    switch_to(1);
    EXPECT_TRUE(runs_into_shunt(frame));
}

TEST_P(Shunt, counts_only_what_the_lists_and_sampling_leave) {
    const Frame frame = FrameBuilder{}.ethernet().ipv4().udp(1, 53).frame();
    ASSERT_EQ(shunt(key_of(frame), 0), 0);
    const std::uint32_t port = 53;
    const std::uint8_t denied = 1;
    put(skeleton_->maps.denied_ports, port, denied);
    put(skeleton_->maps.config, first,
        prefilter_config{.sample = 1, .features = prefilter_open | prefilter_denies_ports});
    EXPECT_FALSE(::testing::Test::HasFailure());
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = 10;
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.prefilter), &options), 0);
    EXPECT_EQ(counted(prefilter_denied).packets, 10U);
    put(skeleton_->maps.config, first, prefilter_config{.sample = 5, .features = prefilter_open});
    ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.prefilter), &options), 0);
    EXPECT_EQ(counted(prefilter_sampled_out).packets, 8U);
    EXPECT_EQ(counted(prefilter_shunted).packets, 2U);
    EXPECT_EQ(sum(0).packets, 2U);
}

TEST_P(Shunt, without_vlans_in_the_key_all_tags_are_one_flow) {
    load(false);
    const Frame plain = FrameBuilder{}.ethernet().ipv4().udp(1, 2).frame();
    ASSERT_EQ(shunt(key_of(plain, false), 0), 0);
    EXPECT_TRUE(runs_into_shunt(plain));
    EXPECT_TRUE(runs_into_shunt(FrameBuilder{}.ethernet().vlan(5).ipv4().udp(1, 2).frame()));
    EXPECT_TRUE(runs_into_shunt(FrameBuilder{}.ethernet().qinq(5, 6).ipv4().udp(1, 2).frame()));
    EXPECT_EQ(sum(0).packets, 3U);
}

INSTANTIATE_TEST_SUITE_P(, Shunt, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "frags" : "one_piece"; });

}  // namespace
}  // namespace tapmeter
