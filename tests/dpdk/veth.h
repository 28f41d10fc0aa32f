#pragma once

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "tests/dpdk/support.h"

namespace tapmeter::dpdk::testing {

inline bool run(const std::string& command) {
    return std::system(command.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe): one thread
}

// Real packets of a kernel: a veth pair in a network namespace that only this thread sees and that
// goes with it.
class Veth : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        if (::geteuid() != 0 || ::unshare(CLONE_NEWNET) != 0) {
            return;
        }
        // The kernel itself shall send nothing: what we count is what we sent.
        std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << "1\n";
        ready_ =
            run("ip link add dpdk_veth0 type veth peer name dpdk_veth1 && "
                "ip link set dpdk_veth0 arp off up && ip link set dpdk_veth1 arp off up");
    }
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root for a network namespace and packet sockets";
        }
        if (!ready_) {
            GTEST_SKIP() << "no network namespace with a veth pair can be made here";
        }
        socket_ = ::socket(AF_PACKET, SOCK_RAW, 0);
        ASSERT_GE(socket_, 0);
    }
    void TearDown() override { ::close(socket_); }

    void send(const Frame& frame) const {
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_ifindex = static_cast<int>(::if_nametoindex("dpdk_veth1"));
        to.sll_halen = ETH_ALEN;
        ASSERT_EQ(::sendto(socket_, frame.data(), frame.size(), 0,
                           static_cast<const sockaddr*>(static_cast<const void*>(&to)), sizeof(to)),
                  static_cast<ssize_t>(frame.size()));
    }

private:
    static inline bool ready_ = false;
    int socket_ = -1;
};

// A UDP frame of flow `flow`, so that the kernel's fanout has something to hash.
inline Frame udp_frame(std::uint8_t flow) {
    Frame frame(100);
    const auto put = [&](std::size_t at, std::initializer_list<std::uint8_t> octets) {
        std::ranges::transform(octets, frame.begin() + static_cast<std::ptrdiff_t>(at),
                               [](std::uint8_t octet) { return std::byte{octet}; });
    };
    put(0, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00});
    put(14, {0x45, 0, 0, 86, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, flow, 10, 0, 1, 1});
    put(34, {4, flow, 0, 53, 0, 66, 0, 0});
    return frame;
}

}  // namespace tapmeter::dpdk::testing
