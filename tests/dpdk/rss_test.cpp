#include "dpdk/rss.h"

#include <gtest/gtest.h>
#include <rte_bus_vdev.h>
#include <rte_ethdev.h>
#include <rte_thash.h>

#include <algorithm>
#include <array>
#include <random>

namespace tapmeter::dpdk {
namespace {

// DPDK's own software version of what a NIC computes.
template <std::size_t Words>
std::uint32_t toeplitz(std::array<std::uint32_t, Words> words) {
    const RssKey key = symmetric_rss_key();
    return rte_softrss(words.data(), words.size(), key.data());
}

TEST(Rss, both_directions_of_an_ipv4_flow_hash_alike) {
    std::mt19937 random(6);
    for (int flow = 0; flow < 1'000; ++flow) {
        const std::uint32_t a = static_cast<std::uint32_t>(random());
        const std::uint32_t b = static_cast<std::uint32_t>(random());
        const std::uint32_t ports = static_cast<std::uint32_t>(random());
        const std::uint32_t swapped = ports << 16U | ports >> 16U;
        EXPECT_EQ(toeplitz<3>({a, b, ports}), toeplitz<3>({b, a, swapped}));
        EXPECT_EQ(toeplitz<2>({a, b}), toeplitz<2>({b, a})) << "fragments: addresses only";
    }
    EXPECT_NE(toeplitz<3>({1, 2, 3}), toeplitz<3>({1, 2, 4})) << "and it does hash";
}

TEST(Rss, both_directions_of_an_ipv6_flow_hash_alike) {
    std::mt19937 random(66);
    for (int flow = 0; flow < 1'000; ++flow) {
        std::array<std::uint32_t, 9> forward{};
        std::ranges::generate(forward, [&] { return static_cast<std::uint32_t>(random()); });
        std::array<std::uint32_t, 9> reverse = forward;
        std::swap_ranges(reverse.begin(), reverse.begin() + 4, reverse.begin() + 4);
        reverse[8] = forward[8] << 16U | forward[8] >> 16U;
        EXPECT_EQ(toeplitz(forward), toeplitz(reverse));
    }
}

TEST(Rss, asks_only_for_what_is_symmetric) {
    rte_eth_dev_info info{};
    info.flow_type_rss_offloads = ~std::uint64_t{0};
    const std::uint64_t types = symmetric_rss_types(info);
    EXPECT_NE(types & RTE_ETH_RSS_NONFRAG_IPV6_TCP, 0U);
    EXPECT_EQ(types & RTE_ETH_RSS_L3_SRC_ONLY, 0U);
    EXPECT_EQ(types & RTE_ETH_RSS_L4_DST_ONLY, 0U);
    EXPECT_EQ(types & RTE_ETH_RSS_PORT, 0U);
    info.flow_type_rss_offloads = RTE_ETH_RSS_IPV4;
    EXPECT_EQ(symmetric_rss_types(info), RTE_ETH_RSS_IPV4);
}

TEST(Rss, key_lengths_have_a_limit) {
    rte_eth_dev_info info{};
    EXPECT_EQ(rss_key_octets(info), 40U);
    info.hash_key_size = 52;
    EXPECT_EQ(rss_key_octets(info), 52U);
    info.hash_key_size = rss_key_octets_max;
    EXPECT_EQ(rss_key_octets(info), rss_key_octets_max);
    info.hash_key_size = rss_key_octets_max + 1;
    EXPECT_EQ(rss_key_octets(info), 0U);
}

// net_null keeps a key, types and a redirection table like a NIC does, so reading back can be
// tried; that it never hashes is why the product does not ask virtual devices.
class NullWithHash : public ::testing::Test {
protected:
    void start(RssKey key, std::uint64_t types) {
        ASSERT_EQ(rte_vdev_init("net_null40", "size=64"), 0);
        ASSERT_EQ(rte_eth_dev_get_port_by_name("net_null40", &port_), 0);
        ASSERT_EQ(rte_eth_dev_info_get(port_, &info_), 0);
        rte_eth_conf conf{};
        conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_key = key.data();
        conf.rx_adv_conf.rss_conf.rss_key_len = 40;
        conf.rx_adv_conf.rss_conf.rss_hf = types;
        ASSERT_EQ(rte_eth_dev_configure(port_, 2, 0, &conf), 0);
    }
    void TearDown() override { rte_vdev_uninit("net_null40"); }

    std::uint16_t port_ = 0;
    rte_eth_dev_info info_{};
};

TEST_F(NullWithHash, believes_what_it_reads_back) {
    RssKey key = symmetric_rss_key();
    start(key, symmetric_rss_types([] {
              rte_eth_dev_info all{};
              all.flow_type_rss_offloads = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP;
              return all;
          }()));
    rte_eth_rss_conf given{};
    given.rss_key = key.data();
    given.rss_key_len = 40;
    given.rss_hf = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP;
    ASSERT_EQ(rte_eth_dev_rss_hash_update(port_, &given), 0);

    const RssState state = settle_rss(port_, 2, info_);

    EXPECT_TRUE(state.symmetric) << state.how;
    std::array<rte_eth_rss_reta_entry64, 2> table{};
    table[0].mask = ~std::uint64_t{0};
    table[1].mask = ~std::uint64_t{0};
    ASSERT_EQ(rte_eth_dev_rss_reta_query(port_, table.data(), info_.reta_size), 0);
    EXPECT_EQ(table[0].reta[0], 0);
    EXPECT_EQ(table[0].reta[1], 1);
    EXPECT_EQ(table[1].reta[63], 1);
}

TEST_F(NullWithHash, another_key_is_not_symmetric) {
    RssKey key = symmetric_rss_key();
    start(key, RTE_ETH_RSS_IPV4);
    key[0] = 0;
    rte_eth_rss_conf given{};
    given.rss_key = key.data();
    given.rss_key_len = 40;
    given.rss_hf = RTE_ETH_RSS_IPV4;
    ASSERT_EQ(rte_eth_dev_rss_hash_update(port_, &given), 0);
    EXPECT_FALSE(settle_rss(port_, 2, info_).symmetric);
}

}  // namespace
}  // namespace tapmeter::dpdk
