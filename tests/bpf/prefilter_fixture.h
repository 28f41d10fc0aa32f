#pragma once

// Runs bpf/prefilter.bpf.c in the kernel on given frames (BPF_PROG_TEST_RUN): no NIC, no traffic.
// The skeleton defines functions, so each test program includes this in one file only.

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

namespace tapmeter::testing {

inline constexpr std::uint32_t every_feature =
    prefilter_open | prefilter_excludes_ipv4 | prefilter_excludes_ipv6 | prefilter_denies_ports;
inline constexpr std::uint32_t xdp_drop = 1;
inline constexpr std::uint32_t first = 0;

inline bpf_test_run_opts run_options(const WireFrame& frame, std::uint32_t repeat) {
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

class PrefilterTest : public ::testing::TestWithParam<bool> {
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

inline WireFrame udp4(const WireFrame::Ipv4& ip, std::uint16_t source = 1024,
                      std::uint16_t destination = 53) {
    return WireFrame{}.ethernet(0x0800).ipv4(ip).ports(source, destination).padded_to(60);
}
inline WireFrame udp6(const WireFrame::Ipv6& ip, std::uint16_t source = 1024,
                      std::uint16_t destination = 53) {
    return WireFrame{}.ethernet(0x86dd).ipv6(ip).ports(source, destination);
}

}  // namespace tapmeter::testing
