#pragma once

// Runs the shunt of bpf/prefilter.bpf.c in the kernel on given frames (BPF_PROG_TEST_RUN). The
// skeleton defines functions, so each test program includes this in one file only.

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <prefilter.skel.h>
#include <time.h>
#include <unistd.h>
#include <bit>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bpf/prefilter_maps.h"
#include "bpf/shunt_maps.h"
#include "pipeline/books.h"
#include "pipeline/decode/frame.h"
#include "pipeline/flow/flow_key.h"
#include "tests/support/frames.h"

namespace tapmeter::testing {

inline constexpr std::uint32_t first = 0;
inline constexpr std::uint32_t flows = 4;
inline constexpr std::uint64_t never = ~std::uint64_t{0xffff};  // a cut that does not come

struct ShuntSkeletonDeleter {
    void operator()(prefilter_bpf* skeleton) const { prefilter_bpf__destroy(skeleton); }
};

inline shunt_key key_of(const Frame& frame, bool vlan_in_key = true) {
    flow::FlowKey key;
    const auto headers = decode::decode_frame(packet_of(frame));
    EXPECT_TRUE(headers && headers->ip_version != 0);
    flow::write_key(*headers, vlan_in_key, key);
    return std::bit_cast<shunt_key>(key);
}

inline std::uint64_t monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

class ShuntTest : public ::testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: loads a BPF program";
        }
        load(true);
    }

    void load(bool vlan_in_key) {
        skeleton_.reset(prefilter_bpf__open());
        ASSERT_NE(skeleton_, nullptr);
        skeleton_->rodata->shunt_cpus = cpus_;
        skeleton_->rodata->shunt_vlan_in_key = vlan_in_key ? 1 : 0;
        bpf_map__set_max_entries(skeleton_->maps.shunted_flows, flows);
        bpf_map__set_max_entries(skeleton_->maps.shunt_cuts, flows);
        bpf_map__set_max_entries(skeleton_->maps.shunt_counts, shunt_index(flows * cpus_, 0, 0));
        ASSERT_EQ(prefilter_bpf__load(skeleton_.get()), 0) << std::strerror(errno);
        const prefilter_config config{.sample = 1, .features = prefilter_open};
        put(skeleton_->maps.config, first, config);
        switch_to(1);
    }

    template <class Key, class Value>
    static void put(bpf_map* map, const Key& key, const Value& value) {
        ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(map), &key, &value, BPF_ANY), 0);
    }
    void switch_to(std::uint64_t count) { put(skeleton_->maps.shunt_switch, first, count); }
    void cut_at(std::uint32_t flow, std::uint64_t cut) {
        put(skeleton_->maps.shunt_cuts, flow, cut);
    }
    int shunt(const shunt_key& key, std::uint32_t flow) {
        turn_ += 2;  // odd: all that comes now stands in part 1, under a mark of its own
        cut_at(flow, never | turn_);
        return bpf_map_update_elem(bpf_map__fd(skeleton_->maps.shunted_flows), &key, &flow,
                                   BPF_NOEXIST);
    }
    void unshunt(const shunt_key& key) {
        bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.shunted_flows), &key);
    }

    prefilter_count counted(std::uint32_t fate) const {
        std::vector<prefilter_count> per_cpu(cpus_);
        EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &fate, per_cpu.data()),
                  0);
        prefilter_count sum{};
        for (const prefilter_count& count : per_cpu) {
            sum.packets += count.packets;
            sum.octets += count.octets;
        }
        return sum;
    }

    // The one line of a part and sender that any CPU has written to; the test runs of one frame
    // may have been on several CPUs, one after the other: the newest.
    shunt_count line(std::uint32_t flow, std::uint32_t part, std::uint32_t sender) const {
        shunt_count newest{};
        for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
            const std::uint32_t index = shunt_index(flow * cpus_ + cpu, part, sender);
            shunt_count one{};
            EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.shunt_counts), &index, &one),
                      0);
            newest = one.last > newest.last ? one : newest;
        }
        return newest;
    }
    // Packets, octets and layer-2 octets over all CPUs, parts and senders of a flow.
    Traffic sum(std::uint32_t flow) const {
        Traffic sum;
        for (std::uint32_t at = shunt_index(flow * cpus_, 0, 0);
             at < shunt_index((flow + 1) * cpus_, 0, 0); ++at) {
            shunt_count one{};
            EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.shunt_counts), &at, &one), 0);
            sum +=
                {.packets = one.packets, .octets = one.octets, .layer2_octets = one.layer2_octets};
        }
        return sum;
    }

    // Runs the frame; true where it was shunted. No frame has two fates.
    bool runs_into_shunt(const Frame& frame, std::uint32_t repeat = 1) {
        const prefilter_count shunted = counted(prefilter_shunted);
        const prefilter_count no_socket = counted(prefilter_no_socket);
        bpf_test_run_opts options{};
        options.sz = sizeof(options);
        options.data_in = frame.data();
        options.data_size_in = static_cast<std::uint32_t>(frame.size());
        options.repeat = static_cast<int>(repeat);
        const auto* program =
            GetParam() ? skeleton_->progs.prefilter_frags : skeleton_->progs.prefilter;
        EXPECT_EQ(bpf_prog_test_run_opts(bpf_program__fd(program), &options), 0);
        const std::uint64_t more_shunted = counted(prefilter_shunted).packets - shunted.packets;
        const std::uint64_t passed = counted(prefilter_no_socket).packets - no_socket.packets;
        EXPECT_EQ(more_shunted + passed, repeat);
        EXPECT_TRUE(more_shunted == 0 || passed == 0);
        EXPECT_EQ(counted(prefilter_shunted).octets - shunted.octets, more_shunted * frame.size());
        return more_shunted != 0;
    }

    // The frame is counted under flow 0 exactly as the decoder and the meter would have.
    void expect_counted_as_metered(const Frame& frame) {
        const auto headers = decode::decode_frame(packet_of(frame));
        flow::FlowKey key;
        const auto sender = static_cast<std::uint32_t>(flow::write_key(*headers, true, key));
        const Traffic before = sum(0);
        ASSERT_EQ(shunt(std::bit_cast<shunt_key>(key), 0), 0);
        const std::uint64_t began = monotonic_now();
        ASSERT_TRUE(runs_into_shunt(frame, 3));
        const shunt_count count = line(0, 1, sender);
        EXPECT_EQ(count.sequence % 2, 0U);
        EXPECT_EQ(count.tcp_control_bits, headers->tcp_control_bits);
        EXPECT_EQ(count.type_of_service, headers->type_of_service);
        EXPECT_EQ(count.ttl_min, headers->time_to_live);
        EXPECT_GE(count.last, count.first);
        EXPECT_GE(count.last, began);
        EXPECT_LE(count.last, monotonic_now());
        Traffic expected = before;
        expected += {.packets = 3,
                     .octets = 3ULL * headers->ip_octets,
                     .layer2_octets = 3ULL * frame.size()};
        EXPECT_EQ(sum(0), expected);
        unshunt(std::bit_cast<shunt_key>(key));
    }

    std::uint64_t turn_ = 1;
    const std::uint32_t cpus_ = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
    std::unique_ptr<prefilter_bpf, ShuntSkeletonDeleter> skeleton_;
};

}  // namespace tapmeter::testing
