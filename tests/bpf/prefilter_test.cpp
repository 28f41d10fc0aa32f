// What the lists, the ports and sampling leave out.

#include <gtest/gtest.h>

#include "tests/bpf/prefilter_fixture.h"

namespace tapmeter {
namespace {

using testing::every_feature;
using testing::first;
using testing::PrefilterTest;
using testing::run_options;
using testing::udp4;
using testing::udp6;
using testing::WireFrame;
using testing::xdp_drop;

class Prefilter : public PrefilterTest {};

TEST_P(Prefilter, closed_counts_nothing) {
    configure(1, 0);
    const WireFrame frame = udp4({});
    bpf_test_run_opts options = run_options(frame, 1);
    ASSERT_EQ(bpf_prog_test_run_opts(program(), &options), 0);
    EXPECT_EQ(options.retval, xdp_drop);
    for (std::uint32_t fate = 0; fate < prefilter_fates; ++fate) {
        EXPECT_EQ(counted(fate).packets, 0U);
    }
}

TEST_P(Prefilter, prefix_edges_ipv4) {
    exclude_ipv4({10, 0, 0, 0}, 8);
    const auto both_sides = [&](std::uint32_t address) {
        const std::uint32_t as_source = fate_of(udp4({.source = address}));
        EXPECT_EQ(fate_of(udp4({.destination = address})), as_source);
        return as_source;
    };
    EXPECT_EQ(both_sides(0x09ff'ffff), prefilter_no_socket) << "one below";
    EXPECT_EQ(both_sides(0x0a00'0000), prefilter_excluded) << "first";
    EXPECT_EQ(both_sides(0x0aff'ffff), prefilter_excluded) << "last";
    EXPECT_EQ(both_sides(0x0b00'0000), prefilter_no_socket) << "one above";
}

TEST_P(Prefilter, prefix_lengths_0_and_32) {
    exclude_ipv4({203, 0, 113, 7}, 32);
    EXPECT_EQ(fate_of(udp4({.source = 0xcb00'7106})), prefilter_no_socket);
    EXPECT_EQ(fate_of(udp4({.source = 0xcb00'7107})), prefilter_excluded);
    EXPECT_EQ(fate_of(udp4({.source = 0xcb00'7108})), prefilter_no_socket);
    exclude_ipv4({0, 0, 0, 0}, 0);
    EXPECT_EQ(fate_of(udp4({.source = 0xcb00'7108})), prefilter_excluded);
    EXPECT_EQ(fate_of(udp6({})), prefilter_no_socket) << "the other family has its own list";
}

TEST_P(Prefilter, prefix_edges_ipv6) {
    exclude_ipv6(0x2001'0db8'ffff'0000, 48);
    const auto both_sides = [&](std::uint64_t high, std::uint64_t low) {
        const std::uint32_t as_source = fate_of(udp6({.source_high = high, .source_low = low}));
        EXPECT_EQ(fate_of(udp6({.destination_high = high, .destination_low = low})), as_source);
        return as_source;
    };
    EXPECT_EQ(both_sides(0x2001'0db8'fffe'ffff, ~0ULL), prefilter_no_socket) << "one below";
    EXPECT_EQ(both_sides(0x2001'0db8'ffff'0000, 0), prefilter_excluded) << "first";
    EXPECT_EQ(both_sides(0x2001'0db8'ffff'ffff, ~0ULL), prefilter_excluded) << "last";
    EXPECT_EQ(both_sides(0x2001'0db9'0000'0000, 0), prefilter_no_socket) << "one above";
}

TEST_P(Prefilter, denied_ports_on_both_sides) {
    deny(0);
    deny(53);
    deny(65535);
    for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
        const auto fate = [&](std::uint16_t source, std::uint16_t destination) {
            const std::uint32_t ipv4 = fate_of(udp4({.protocol = protocol}, source, destination));
            EXPECT_EQ(fate_of(udp6({.next_header = protocol}, source, destination)), ipv4);
            return ipv4;
        };
        EXPECT_EQ(fate(1024, 53), prefilter_denied);
        EXPECT_EQ(fate(53, 1024), prefilter_denied);
        EXPECT_EQ(fate(52, 54), prefilter_no_socket);
        EXPECT_EQ(fate(0, 1), prefilter_denied);
        EXPECT_EQ(fate(1, 65535), prefilter_denied);
        EXPECT_EQ(fate(1, 65534), prefilter_no_socket);
    }
    EXPECT_EQ(fate_of(udp4({.protocol = 132}, 53, 53)), prefilter_no_socket) << "SCTP: not listed";
}

TEST_P(Prefilter, features_that_are_off_cost_no_verdict) {
    exclude_ipv4({192, 0, 2, 0}, 24);
    exclude_ipv6(0x2001'0db8'0000'0000, 32);
    deny(53);
    EXPECT_EQ(fate_of(udp4({})), prefilter_excluded);
    configure(1, every_feature & ~static_cast<std::uint32_t>(prefilter_excludes_ipv4));
    EXPECT_EQ(fate_of(udp4({})), prefilter_denied);
    EXPECT_EQ(fate_of(udp6({})), prefilter_excluded);
    configure(1, prefilter_open | prefilter_excludes_ipv4);
    EXPECT_EQ(fate_of(udp4({})), prefilter_excluded);
    EXPECT_EQ(fate_of(udp6({})), prefilter_no_socket);
    configure(1, prefilter_open);
    EXPECT_EQ(fate_of(udp4({})), prefilter_no_socket);
}

// Cut anywhere, a frame has exactly one fate: a verdict only once what it rests on is all there.
// fate_of() also checks that all octets are counted, not only those of the first piece.
// All runs of one BPF_PROG_TEST_RUN are on one CPU, so its per-CPU counter is exact.
TEST_P(Prefilter, samples_exactly_one_in_n) {
    const WireFrame frame = udp4({});
    const auto kept_of = [&](std::uint32_t sample, std::uint32_t frames) {
        configure(sample, prefilter_open);
        const std::uint64_t zero = 0;
        std::vector<std::uint64_t> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()),
                                           zero);
        EXPECT_EQ(bpf_map__update_elem(skeleton_->maps.since_kept, &first, sizeof(first),
                                       per_cpu.data(), per_cpu.size() * sizeof(zero), BPF_ANY),
                  0);
        const std::uint64_t kept_before = counted(prefilter_no_socket).packets;
        const std::uint64_t out_before = counted(prefilter_sampled_out).packets;
        bpf_test_run_opts options = run_options(frame, frames);
        EXPECT_EQ(bpf_prog_test_run_opts(program(), &options), 0);
        const std::uint64_t kept = counted(prefilter_no_socket).packets - kept_before;
        EXPECT_EQ(kept + counted(prefilter_sampled_out).packets - out_before, frames);
        return kept;
    };
    EXPECT_EQ(kept_of(0, 1000), 1000U);
    EXPECT_EQ(kept_of(1, 1000), 1000U);
    EXPECT_EQ(kept_of(2, 1000), 500U);
    EXPECT_EQ(kept_of(10, 9), 0U);
    EXPECT_EQ(kept_of(10, 10), 1U);
    EXPECT_EQ(kept_of(10, 1005), 100U);
    EXPECT_EQ(kept_of(prefilter_sample_max, 1000), 0U);
}

TEST_P(Prefilter, what_a_list_drops_is_not_sampled) {
    deny(53);
    configure(10, every_feature);
    EXPECT_EQ(fate_of(udp4({}), 25), prefilter_denied);
}

TEST_P(Prefilter, takes_100_000_prefixes_of_each_family) {
    std::vector<prefilter_prefix4> prefixes4(prefilter_prefixes_max);
    std::vector<prefilter_prefix6> prefixes6(prefilter_prefixes_max);
    std::vector<std::uint8_t> values(prefilter_prefixes_max, 1);
    // 16.0.0.0/24, 16.0.2.0/24, ... and 2001:db8:..::/64, every second one.
    for (std::uint32_t i = 0; i < prefilter_prefixes_max; ++i) {
        const std::uint32_t network = 2 * i;
        const auto octet = [&](unsigned shift) {
            return static_cast<std::uint8_t>(network >> shift);
        };
        prefixes4[i] = {24, {static_cast<std::uint8_t>(16 + octet(16)), octet(8), octet(0), 0}};
        prefixes6[i].length = 64;
        const std::array<std::uint8_t, 8> address{0x20, 0x01,      0x0d,     0xb8,
                                                  0,    octet(16), octet(8), octet(0)};
        std::memcpy(prefixes6[i].address, address.data(), address.size());
    }
    bpf_map_batch_opts options{};
    options.sz = sizeof(options);
    std::uint32_t count = prefilter_prefixes_max;
    ASSERT_EQ(bpf_map_update_batch(bpf_map__fd(skeleton_->maps.excluded_ipv4), prefixes4.data(),
                                   values.data(), &count, &options),
              0);
    ASSERT_EQ(bpf_map_update_batch(bpf_map__fd(skeleton_->maps.excluded_ipv6), prefixes6.data(),
                                   values.data(), &count, &options),
              0);
    for (std::uint32_t i = 0; i < prefilter_prefixes_max; i += 9973) {
        const std::uint32_t inside = 0x1000'0000 + (i * 2 << 8U) + 255;
        EXPECT_EQ(fate_of(udp4({.source = inside})), prefilter_excluded) << i;
        EXPECT_EQ(fate_of(udp4({.source = inside + 1})), prefilter_no_socket) << i;
        const std::uint64_t high = 0x2001'0db8'0000'0000 + i * 2;
        EXPECT_EQ(fate_of(udp6({.source_high = high, .destination_high = 1})), prefilter_excluded);
        EXPECT_EQ(fate_of(udp6({.source_high = high + 1, .destination_high = 1})),
                  prefilter_no_socket);
    }
}

INSTANTIATE_TEST_SUITE_P(, Prefilter, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "frags" : "one_piece"; });

}  // namespace
}  // namespace tapmeter
