#include "dpdk/rss.h"

#include <rte_errno.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <span>
#include <vector>

namespace tapmeter::dpdk {

namespace {

constexpr std::uint64_t types_wanted =
    RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
    RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_NONFRAG_IPV4_SCTP | RTE_ETH_RSS_NONFRAG_IPV4_OTHER |
    RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_TCP |
    RTE_ETH_RSS_NONFRAG_IPV6_UDP | RTE_ETH_RSS_NONFRAG_IPV6_SCTP | RTE_ETH_RSS_NONFRAG_IPV6_OTHER;

// Entry i leads to queue i mod queues. Many drivers do so by themselves and offer no way to ask.
bool spread_evenly(std::uint16_t port, std::uint16_t queues, std::uint16_t entries) {
    std::vector<rte_eth_rss_reta_entry64> table((entries + RTE_ETH_RETA_GROUP_SIZE - 1) /
                                                RTE_ETH_RETA_GROUP_SIZE);
    for (std::size_t i = 0; i < entries; ++i) {
        rte_eth_rss_reta_entry64& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
        group.mask |= std::uint64_t{1} << (i % RTE_ETH_RETA_GROUP_SIZE);
        std::span{group.reta}[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<std::uint16_t>(i % queues);
    }
    return rte_eth_dev_rss_reta_update(port, table.data(), entries) == 0;
}

}  // namespace

std::size_t rss_key_octets(const rte_eth_dev_info& info) noexcept {
    constexpr std::size_t usual = 40;
    const std::size_t octets = info.hash_key_size == 0 ? usual : info.hash_key_size;
    return octets <= rss_key_octets_max ? octets : 0;
}

std::uint64_t symmetric_rss_types(const rte_eth_dev_info& info) noexcept {
    return info.flow_type_rss_offloads & types_wanted;
}

RssState settle_rss(std::uint16_t port, std::uint16_t queues, const rte_eth_dev_info& info) {
    RssKey in_use{};
    rte_eth_rss_conf conf{};
    conf.rss_key = in_use.data();
    conf.rss_key_len = static_cast<std::uint8_t>(rss_key_octets(info));
    if (const int error = rte_eth_dev_rss_hash_conf_get(port, &conf); error != 0) {
        return {false, std::string("the driver does not tell its hash key (") +
                           rte_strerror(-error) + "): steering in software"};
    }
    const RssKey wanted = symmetric_rss_key();
    const std::size_t octets = rss_key_octets(info);
    if (!std::equal(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(octets),
                    in_use.begin())) {
        return {false, "the device uses another hash key than it was given: steering in software"};
    }
    if ((conf.rss_hf & types_wanted) == 0 || (conf.rss_hf & ~types_wanted) != 0) {
        return {false, "the device hashes other fields than asked: steering in software"};
    }
    const bool even = info.reta_size != 0 && spread_evenly(port, queues, info.reta_size);
    return {true, std::string("hash of the NIC, key read back") +
                      (even ? ", " + std::to_string(info.reta_size) + " table entries spread evenly"
                            : ", the driver's own redirection table")};
}

}  // namespace tapmeter::dpdk
