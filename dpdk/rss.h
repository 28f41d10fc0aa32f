#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

struct rte_eth_dev_info;

namespace tapmeter::dpdk {

// The longest receive-side scaling key of any NIC that we know takes 52 octets.
inline constexpr std::size_t rss_key_octets_max = 64;
using RssKey = std::array<std::uint8_t, rss_key_octets_max>;

// A Toeplitz hash whose key repeats with period 16 bits gives the same value when addresses and
// ports are swapped: both directions of a flow reach one queue. Its price, stated so that nobody is
// surprised: it has 2^16 values and can be aimed at, so a queue can be overloaded on purpose.
// source: Woo and Park, "Scalable TCP session monitoring with symmetric receive-side scaling", 2012
constexpr RssKey symmetric_rss_key() noexcept {
    RssKey key{};
    for (std::size_t i = 0; i < key.size(); i += 2) {
        key[i] = 0x6d;
        key[i + 1] = 0x5a;
    }
    return key;
}

// Octets of key that the device wants; 40 where it does not say. 0: longer than we have.
std::size_t rss_key_octets(const rte_eth_dev_info& info) noexcept;

// Of what the device can hash, what is the same both ways: addresses, with TCP, UDP or SCTP ports.
std::uint64_t symmetric_rss_types(const rte_eth_dev_info& info) noexcept;

struct RssState {
    bool symmetric = false;
    std::string how;  // for the operator: what is used or why not
};

// After the start of a port that was configured with the key above: spreads the redirection table
// evenly over `queues`, reads key and types back from the device, and only believes what it reads.
//
// Virtual devices are not asked: several accept a key and hash nothing.
RssState settle_rss(std::uint16_t port, std::uint16_t queues, const rte_eth_dev_info& info);

}  // namespace tapmeter::dpdk
