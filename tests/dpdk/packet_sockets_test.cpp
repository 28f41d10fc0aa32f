#include "dpdk/packet_sockets.h"

#include <gtest/gtest.h>

#include "dpdk/capture.h"
#include "tests/dpdk/veth.h"

namespace tapmeter::dpdk {
namespace {

using PacketSocketsOnVeth = testing::Veth;

TEST_F(PacketSocketsOnVeth, finds_the_sockets_of_the_driver_only) {
    const std::vector<int> before = PacketSockets::bound_to("dpdk_veth0");
    EXPECT_TRUE(before.empty());
    EXPECT_TRUE(PacketSockets::bound_to("dpdk_none").empty());
    {
        PortOptions options = testing::options_for("net_af_packet7,iface=dpdk_veth0,qpairs=2");
        options.queues = 2;
        const auto capture = open_port(options);
        ASSERT_TRUE(capture) << capture.error().message;
        EXPECT_GE(PacketSockets::bound_to("dpdk_veth0").size(), 2U);
    }
    EXPECT_TRUE(PacketSockets::bound_to("dpdk_veth0").empty());
}

}  // namespace
}  // namespace tapmeter::dpdk
