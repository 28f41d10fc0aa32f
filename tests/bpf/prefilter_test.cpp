// Runs bpf/prefilter.bpf.c in the kernel on given frames (BPF_PROG_TEST_RUN): no NIC, no traffic.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <prefilter.skel.h>
#include <unistd.h>
#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "bpf/prefilter_maps.h"
#include "tests/bpf/frames.h"

namespace tapmeter {
namespace {

using testing::WireFrame;

constexpr std::uint32_t every_feature =
    prefilter_open | prefilter_excludes_ipv4 | prefilter_excludes_ipv6 | prefilter_denies_ports;
constexpr std::uint32_t xdp_drop = 1;
constexpr std::uint32_t first = 0;
// BPF_PROG_TEST_RUN takes no frame without a whole Ethernet header.
constexpr std::size_t octets_min = 14;

bpf_test_run_opts run_options(const WireFrame& frame, std::uint32_t repeat) {
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = frame.octets().data();
    options.data_size_in = static_cast<std::uint32_t>(frame.octets().size());
    options.repeat = static_cast<int>(repeat);
    return options;
}

struct SkeletonDeleter {
    void operator()(prefilter_bpf* skeleton) const { prefilter_bpf__destroy(skeleton); }
};

class Prefilter : public ::testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: loads a BPF program";
        }
        skeleton_.reset(prefilter_bpf__open_and_load());
        ASSERT_NE(skeleton_, nullptr) << std::strerror(errno);
        configure(1, every_feature);
    }

    void configure(std::uint32_t sample, std::uint32_t features) {
        const prefilter_config config{.sample = sample, .features = features};
        ASSERT_EQ(bpf_map__update_elem(skeleton_->maps.config, &first, sizeof(first), &config,
                                       sizeof(config), BPF_ANY),
                  0);
    }
    void exclude_ipv4(std::array<std::uint8_t, 4> address, std::uint32_t length) {
        prefilter_prefix4 key{.length = length, .address = {}};
        std::memcpy(key.address, address.data(), address.size());
        const std::uint8_t value = 1;
        ASSERT_EQ(bpf_map__update_elem(skeleton_->maps.excluded_ipv4, &key, sizeof(key), &value,
                                       sizeof(value), BPF_ANY),
                  0);
    }
    // The first eight octets of the prefix; the rest is zero.
    void exclude_ipv6(std::uint64_t high, std::uint32_t length) {
        prefilter_prefix6 key{.length = length, .address = {}};
        for (unsigned octet = 0; octet < 8; ++octet) {
            key.address[octet] = static_cast<std::uint8_t>(high >> (56U - 8U * octet));
        }
        const std::uint8_t value = 1;
        ASSERT_EQ(bpf_map__update_elem(skeleton_->maps.excluded_ipv6, &key, sizeof(key), &value,
                                       sizeof(value), BPF_ANY),
                  0);
    }
    void deny(std::uint32_t port) {
        const std::uint8_t value = 1;
        ASSERT_EQ(bpf_map__update_elem(skeleton_->maps.denied_ports, &port, sizeof(port), &value,
                                       sizeof(value), BPF_ANY),
                  0);
    }

    int program() const {
        return bpf_program__fd(GetParam() ? skeleton_->progs.prefilter_frags
                                          : skeleton_->progs.prefilter);
    }

    prefilter_count counted(std::uint32_t fate) const {
        std::vector<prefilter_count> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        EXPECT_EQ(bpf_map__lookup_elem(skeleton_->maps.counters, &fate, sizeof(fate),
                                       per_cpu.data(), per_cpu.size() * sizeof(prefilter_count), 0),
                  0);
        prefilter_count sum{};
        for (const prefilter_count& count : per_cpu) {
            sum.packets += count.packets;
            sum.octets += count.octets;
        }
        return sum;
    }

    // Runs the frame and answers the one fate whose count grew; checks that only that one did.
    std::uint32_t fate_of(const WireFrame& frame, std::uint32_t repeat = 1) {
        std::array<prefilter_count, prefilter_fates> before{};
        for (std::uint32_t fate = 0; fate < prefilter_fates; ++fate) {
            before[fate] = counted(fate);
        }
        bpf_test_run_opts options = run_options(frame, repeat);
        EXPECT_EQ(bpf_prog_test_run_opts(program(), &options), 0) << std::strerror(errno);
        EXPECT_EQ(options.retval, xdp_drop) << "no socket is open: nothing is ever passed on";

        const prefilter_count seen = counted(prefilter_seen);
        EXPECT_EQ(seen.packets - before[prefilter_seen].packets, repeat);
        EXPECT_EQ(seen.octets - before[prefilter_seen].octets, repeat * frame.octets().size());
        std::uint32_t grown = prefilter_fates;
        for (std::uint32_t fate = prefilter_seen + 1; fate < prefilter_fates; ++fate) {
            const prefilter_count now = counted(fate);
            if (now.packets != before[fate].packets) {
                EXPECT_EQ(grown, static_cast<std::uint32_t>(prefilter_fates)) << "two fates";
                EXPECT_EQ(now.packets - before[fate].packets, repeat);
                EXPECT_EQ(now.octets - before[fate].octets, repeat * frame.octets().size());
                grown = fate;
            }
        }
        return grown;
    }

    std::unique_ptr<prefilter_bpf, SkeletonDeleter> skeleton_;
};

WireFrame udp4(const WireFrame::Ipv4& ip, std::uint16_t source = 1024,
               std::uint16_t destination = 53) {
    return WireFrame{}.ethernet(0x0800).ipv4(ip).ports(source, destination).padded_to(60);
}
WireFrame udp6(const WireFrame::Ipv6& ip, std::uint16_t source = 1024,
               std::uint16_t destination = 53) {
    return WireFrame{}.ethernet(0x86dd).ipv6(ip).ports(source, destination);
}

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

TEST_P(Prefilter, tags_up_to_the_limit) {
    exclude_ipv4({192, 0, 2, 0}, 24);
    constexpr std::array<std::uint16_t, 3> tag_types{0x8100, 0x88a8, 0x9100};
    for (const std::uint16_t type : tag_types) {
        for (std::size_t tags = 0; tags <= prefilter_tags_max + 1; ++tags) {
            WireFrame frame;
            frame.ethernet(0x0800);
            for (std::size_t tag = 0; tag < tags; ++tag) {
                frame.tag(type, 7, 0x0800);
            }
            frame.ipv4({}).ports(1, 2);
            EXPECT_EQ(fate_of(frame),
                      tags <= prefilter_tags_max ? prefilter_excluded : prefilter_no_socket)
                << tags << " tags of type " << type;
        }
    }
}

TEST_P(Prefilter, ipv4_options_and_fragments) {
    deny(53);
    for (std::uint8_t words = 5; words <= 15; ++words) {
        const auto version_words = static_cast<std::uint8_t>(0x40U | words);
        EXPECT_EQ(fate_of(udp4({.version_words = version_words})), prefilter_denied) << +words;
        EXPECT_EQ(fate_of(udp4({.version_words = version_words}, 1, 2)), prefilter_no_socket);
    }
    EXPECT_EQ(fate_of(udp4({.version_words = 0x44})), prefilter_no_socket) << "IHL below 5";
    EXPECT_EQ(fate_of(udp4({.version_words = 0x65})), prefilter_no_socket) << "version 6";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x2000})), prefilter_denied) << "first fragment";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x4000})), prefilter_denied) << "do not fragment";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x2001})), prefilter_no_socket) << "second fragment";
    EXPECT_EQ(fate_of(udp4({.fragment = 0x1fff})), prefilter_no_socket) << "last offset";
    exclude_ipv4({192, 0, 2, 0}, 24);
    EXPECT_EQ(fate_of(udp4({.fragment = 0x2001})), prefilter_excluded) << "prefixes need no ports";
}

TEST_P(Prefilter, ipv6_extension_headers) {
    deny(53);
    const auto behind = [&](std::uint8_t type, std::uint8_t length, std::size_t octets) {
        const WireFrame frame = WireFrame{}
                                    .ethernet(0x86dd)
                                    .ipv6({.next_header = type})
                                    .extension(17, length, octets)
                                    .ports(1, 53);
        return fate_of(frame);
    };
    constexpr std::array<std::uint8_t, 6> in_units_of_8{0, 43, 60, 135, 139, 140};
    for (const std::uint8_t type : in_units_of_8) {
        EXPECT_EQ(behind(type, 0, 8), prefilter_denied) << +type;
        EXPECT_EQ(behind(type, 1, 16), prefilter_denied) << +type;
        EXPECT_EQ(behind(type, 2, 16), prefilter_no_socket) << "length beyond the ports";
    }
    EXPECT_EQ(behind(0, 255, 2048), prefilter_denied) << "the longest header";
    EXPECT_EQ(behind(51, 4, 24), prefilter_denied) << "authentication header: units of 4";
    EXPECT_EQ(behind(51, 1, 12), prefilter_denied);
    EXPECT_EQ(behind(50, 0, 8), prefilter_no_socket) << "ESP hides what follows";
    EXPECT_EQ(behind(59, 0, 8), prefilter_no_socket) << "no next header";
}

TEST_P(Prefilter, ipv6_fragments) {
    deny(53);
    const auto fragment = [&](std::uint16_t offset_and_flags) {
        const WireFrame frame = WireFrame{}
                                    .ethernet(0x86dd)
                                    .ipv6({.next_header = 44})
                                    .fragment_header(17, offset_and_flags)
                                    .ports(1, 53);
        return fate_of(frame);
    };
    EXPECT_EQ(fragment(0x0000), prefilter_denied) << "atomic fragment (RFC 6946)";
    EXPECT_EQ(fragment(0x0001), prefilter_denied) << "first fragment";
    EXPECT_EQ(fragment(0x0008), prefilter_no_socket) << "second fragment";
    EXPECT_EQ(fragment(0xfff9), prefilter_no_socket);
}

TEST_P(Prefilter, ipv6_extension_headers_up_to_the_limit) {
    deny(53);
    for (int headers = 1; headers <= prefilter_extension_headers_max + 2; ++headers) {
        WireFrame frame;
        frame.ethernet(0x86dd).ipv6({.next_header = 60});
        for (int header = 1; header <= headers; ++header) {
            frame.extension(header == headers ? 17 : 60, 0, 8);
        }
        frame.ports(1, 53);
        EXPECT_EQ(fate_of(frame), headers <= prefilter_extension_headers_max ? prefilter_denied
                                                                             : prefilter_no_socket)
            << headers;
    }
}

// Cut anywhere, a frame has exactly one fate: a verdict only once what it rests on is all there.
TEST_P(Prefilter, truncated_at_every_length) {
    struct Whole {
        WireFrame frame;
        std::size_t addresses_end;
        std::size_t ports_end;
    };
    exclude_ipv4({10, 0, 0, 0}, 8);
    exclude_ipv6(0x2001'0db8'ffff'0000, 48);
    deny(53);
    const std::vector<Whole> frames{
        {udp4({.source = 0x0a00'0001}), 34, 0},
        {udp6({.source_high = 0x2001'0db8'ffff'0000}), 54, 0},
        {udp4({}), 0, 38},
        {udp4({.version_words = 0x4f}), 0, 78},
        {udp6({}), 0, 58},
        {WireFrame{}
             .ethernet(0x0800)
             .tag(0x88a8, 1, 0)
             .tag(0x8100, 2, 0x0800)
             .ipv4({})
             .ports(1, 53),
         0, 46},
        {WireFrame{}.ethernet(0x86dd).ipv6({.next_header = 0}).extension(17, 1, 16).ports(1, 53), 0,
         74},
    };
    for (const Whole& whole : frames) {
        for (std::size_t octets = octets_min; octets <= whole.frame.octets().size(); ++octets) {
            std::uint32_t expected = prefilter_no_socket;
            if (whole.addresses_end != 0 && octets >= whole.addresses_end) {
                expected = prefilter_excluded;
            } else if (whole.ports_end != 0 && octets >= whole.ports_end) {
                expected = prefilter_denied;
            }
            WireFrame cut = whole.frame;
            EXPECT_EQ(fate_of(cut.cut_to(octets)), expected) << octets << " octets";
        }
    }
}

TEST_P(Prefilter, what_is_no_ip_goes_on) {
    exclude_ipv4({0, 0, 0, 0}, 0);
    exclude_ipv6(0, 0);
    constexpr std::array<std::uint16_t, 5> types{0x0806, 0x88cc, 0x8847, 0x0026, 0xffff};
    for (const std::uint16_t type : types) {
        EXPECT_EQ(fate_of(WireFrame{}.ethernet(type).padded_to(60)), prefilter_no_socket) << type;
    }
}

// fate_of() also checks that all octets are counted, not only those of the first piece.
TEST_P(Prefilter, frames_of_several_pieces) {
    if (!GetParam()) {
        GTEST_SKIP() << "a frame of several pieces never meets the program for one";
    }
    deny(53);
    EXPECT_EQ(fate_of(udp4({}).padded_to(9018)), prefilter_denied);
    EXPECT_EQ(fate_of(udp4({.version_words = 0x4f}).padded_to(9018)), prefilter_denied);
    EXPECT_EQ(fate_of(udp4({}, 1, 2).padded_to(9018)), prefilter_no_socket);
}

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
