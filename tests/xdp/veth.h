#pragma once

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "xdp/file_descriptor.h"

namespace tapmeter::testing {

// Runs a shell command and answers whether it succeeded.
inline bool shell(const std::string& command) {
    return std::system(command.c_str()) == 0;  // NOLINT(*-env33-c): fixed words of our own
}

// Calls `done` until it answers true or `limit` has passed; the answer is whether it did.
template <class Done>
bool wait_until(Done done, std::chrono::seconds limit = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
    }
    return true;
}

// A network namespace of this test's own, without a name: nothing is left behind however the test
// ends, and tests that run at the same time never meet. Threads made later live in it too.
// In it a pair of veth interfaces with four queues: xdp_in is captured, xdp_out sends.
class VethTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: makes network interfaces and loads BPF programs";
        }
        if (unshare(CLONE_NEWNET) != 0) {
            GTEST_SKIP() << "needs the right to make a network namespace";
        }
        // Without IPv6 the kernel sends nothing of its own: every frame counted is ours.
        std::ofstream("/proc/sys/net/ipv6/conf/default/disable_ipv6") << 1;
        make_cable();
    }

    static void make_cable(unsigned queues = 4) {
        const std::string number = std::to_string(queues);
        const std::string both = " numrxqueues " + number + " numtxqueues " + number;
        ASSERT_TRUE(shell("ip link add xdp_in" + both + " type veth peer name xdp_out" + both));
        ASSERT_TRUE(
            shell("for i in xdp_in xdp_out; do ethtool -K $i tx off tso off gso off "
                  "gro off >/dev/null; ip link set $i up; done"));
    }
};

// Sends frames out of an interface, octet for octet.
class RawSender {
public:
    explicit RawSender(const std::string& interface)
        : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        bound_ = ::bind(socket_.number(), generic, sizeof(address)) == 0;
    }

    // Returns whether the interface took the frame; waits while it is busy.
    bool send(const std::vector<std::uint8_t>& frame) {
        while (bound_ && ::send(socket_.number(), frame.data(), frame.size(), 0) < 0) {
            if (errno != ENOBUFS && errno != EINTR) {
                return false;
            }
        }
        return bound_;
    }

private:
    xdp::FileDescriptor socket_;
    bool bound_ = false;
};

}  // namespace tapmeter::testing
