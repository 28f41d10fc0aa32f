#include "dpdk/port_plan.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>

namespace tapmeter::dpdk {
namespace {

// A NIC like an X710.
rte_eth_dev_info nic() {
    rte_eth_dev_info info{};
    info.max_rx_queues = 16;
    info.max_tx_queues = 8;
    info.max_rx_pktlen = 9'728;
    info.max_mtu = 9'702;
    info.rx_desc_lim.nb_max = 4'096;
    info.rx_desc_lim.nb_min = 64;
    info.rx_desc_lim.nb_align = 32;
    info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER;
    return info;
}

TEST(PortPlan, takes_what_the_device_has_but_one_queue_a_worker) {
    EXPECT_EQ(plan_port({.device = "n", .workers = 4}, nic())->queues, 4);
    EXPECT_EQ(plan_port({.device = "n", .workers = 64}, nic())->queues, 16);
    EXPECT_EQ(plan_port({.device = "n", .workers = 0}, nic())->queues, 1);
    EXPECT_EQ(plan_port({.device = "n", .queues = 12}, nic())->tx_queues, 8);
}

TEST(PortPlan, more_queues_than_the_device_has_is_an_error_with_both_numbers) {
    EXPECT_EQ(plan_port({.device = "n", .queues = 16}, nic())->queues, 16);
    const auto plan = plan_port({.device = "n", .queues = 17}, nic());
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().message,
              "dpdk n: queues = 17, but the device has 16; set queues = 16 or less");
}

TEST(PortPlan, a_device_without_receive_queues_is_refused) {
    rte_eth_dev_info info = nic();
    info.max_rx_queues = 0;
    EXPECT_FALSE(plan_port({.device = "n"}, info));
}

TEST(PortPlan, rings_keep_to_the_limits_of_the_device) {
    EXPECT_EQ(plan_port({.device = "n"}, nic())->rx_descriptors, rx_ring_default);
    EXPECT_EQ(plan_port({.device = "n", .rx_ring = 4'096}, nic())->rx_descriptors, 4'096);
    EXPECT_FALSE(plan_port({.device = "n", .rx_ring = 8'192}, nic()));
    EXPECT_EQ(plan_port({.device = "n", .rx_ring = 1}, nic())->rx_descriptors, 64);
    EXPECT_EQ(plan_port({.device = "n", .rx_ring = 100}, nic())->rx_descriptors, 128);

    rte_eth_dev_info small = nic();
    small.rx_desc_lim.nb_max = 512;
    EXPECT_EQ(plan_port({.device = "n"}, small)->rx_descriptors, 512);
    rte_eth_dev_info silent{};
    silent.max_rx_queues = 1;
    EXPECT_EQ(plan_port({.device = "n", .rx_ring = rx_ring_max}, silent)->rx_descriptors,
              rx_ring_max);
    EXPECT_FALSE(plan_port({.device = "n", .rx_ring = rx_ring_max + 1}, silent));
}

// 148,809 frames of 64 octets arrive within 10 ms at 10 Gbit/s (IEEE 802.3: 84 octet times each).
TEST(PortPlan, rings_are_computed_from_the_speed_as_far_as_the_device_goes) {
    rte_eth_dev_info roomy = nic();
    roomy.rx_desc_lim.nb_max = 16'384;
    const auto ring = [](const PortRequest& request, const rte_eth_dev_info& info) {
        return plan_port(request, info)->rx_descriptors;
    };
    constexpr std::uint64_t gigabit = 1'000'000'000;
    EXPECT_EQ(ring({.device = "n", .link_speed_bits = gigabit}, roomy), 16'384) << "14,880 fit";
    EXPECT_EQ(ring({.device = "n", .queues = 8, .link_speed_bits = gigabit}, roomy),
              rx_ring_default)
        << "1,860 a queue: never below what an unknown speed gets";
    EXPECT_EQ(ring({.device = "n", .queues = 12, .link_speed_bits = 10 * gigabit}, roomy), 16'384);
    EXPECT_EQ(ring({.device = "n", .link_speed_bits = 100 * gigabit}, nic()), 4'096);
    EXPECT_EQ(ring({.device = "n", .rx_ring = 512, .link_speed_bits = 100 * gigabit}, nic()), 512);

    rte_eth_dev_info odd = nic();
    odd.rx_desc_lim.nb_max = 5'000;
    EXPECT_EQ(ring({.device = "n", .link_speed_bits = 100 * gigabit}, odd), 4'096)
        << "a power of two, as several drivers want it";
}

TEST(PortPlan, a_computed_ring_keeps_to_the_memory_and_says_so) {
    rte_eth_dev_info roomy = nic();
    roomy.rx_desc_lim.nb_max = UINT16_MAX;
    PortRequest request{.device = "n", .queues = 4, .link_speed_bits = 100'000'000'000};
    EXPECT_EQ(plan_port(request, roomy)->rx_descriptors, rx_ring_max);
    EXPECT_EQ(plan_port(request, roomy)->ring_reason,
              "10 ms at line rate are 372024, this is the most that tapmeter takes: 880 us of "
              "64-octet frames, 16127 us of 1518-octet frames");
    request.memory_octets = 4 * pool_octets(plan_port(request, roomy)->buffers_per_queue);
    EXPECT_EQ(plan_port(request, roomy)->rx_descriptors, rx_ring_max) << "it fits exactly";
    --request.memory_octets;
    EXPECT_EQ(plan_port(request, roomy)->rx_descriptors, rx_ring_max / 2);
    EXPECT_NE(plan_port(request, roomy)->ring_reason.find("memory.dpdk"), std::string::npos);
    request.memory_octets = 1;
    EXPECT_EQ(plan_port(request, roomy)->rx_descriptors, rx_ring_default)
        << "the pool will say what is missing";
    request.rx_ring = 8'192;
    EXPECT_EQ(plan_port(request, roomy)->rx_descriptors, 8'192) << "a wish is not cut";
}

TEST(PortPlan, the_fastest_speed_of_several_counts) {
    EXPECT_EQ(fastest_link_bits(0), 0U);
    EXPECT_EQ(fastest_link_bits(RTE_ETH_LINK_SPEED_1G), 1'000'000'000U);
    EXPECT_EQ(fastest_link_bits(RTE_ETH_LINK_SPEED_10G | RTE_ETH_LINK_SPEED_100G |
                                RTE_ETH_LINK_SPEED_25G),
              100'000'000'000U);
}

TEST(PortPlan, jumbo_frames_where_the_device_can) {
    const auto jumbo = plan_port({.device = "n"}, nic());
    EXPECT_EQ(jumbo->mtu, mtu_wanted);
    EXPECT_TRUE(jumbo->scatter);

    rte_eth_dev_info one_buffer = nic();
    one_buffer.rx_offload_capa = 0;
    EXPECT_EQ(plan_port({.device = "n"}, one_buffer)->mtu, buffer_frame_octets - 26)
        << "the frame with this device's overhead of 26 octets fits one buffer";

    rte_eth_dev_info classic = nic();
    classic.max_rx_pktlen = 1'518;
    classic.max_mtu = 1'500;
    EXPECT_EQ(plan_port({.device = "n"}, classic)->mtu, 0) << "left to the driver";
}

// The sums are written out here on purpose: a change of the rule must change this test.
TEST(PortPlan, pools_cover_ring_bursts_caches_and_preloaded_packets) {
    EXPECT_EQ(plan_port({.device = "n"}, nic())->buffers_per_queue,
              2'048U + 3U * 64U * 5U + 2U * 384U);
    EXPECT_EQ(plan_port({.device = "n", .packets_preloaded = 1'000}, nic())->buffers_per_queue,
              2'048U + 3U * 64U * 5U + 2U * 384U + 1'001U);
    EXPECT_EQ(plan_port({.device = "n", .frame_octets_max = 65'553}, nic())->buffers_per_queue,
              2'048U + 3U * 64U * 33U + 2U * 384U);
    EXPECT_FALSE(plan_port({.device = "n", .packets_preloaded = 1ULL << 40U}, nic()));
    EXPECT_GT(pool_octets(1'000), 2'176'000U);
}

}  // namespace
}  // namespace tapmeter::dpdk
