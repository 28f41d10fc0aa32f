#include "dpdk/port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "dpdk/capture.h"
#include "tests/dpdk/support.h"

namespace tapmeter::dpdk {
namespace {

using ::testing::HasSubstr;
using testing::options_for;
using testing::RingPort;

Error error_of(const PortOptions& options) {
    const auto capture = open_port(options);
    EXPECT_FALSE(capture) << options.device << " came up";
    return capture ? Error{} : capture.error();
}

TEST(Port, a_missing_file_is_named) {
    const Error error = error_of(options_for("net_pcap20,rx_pcap=/nonexistent/x.pcap"));
    EXPECT_EQ(error.kind, Error::Kind::no_such_device);
    EXPECT_THAT(error.message, HasSubstr("/nonexistent/x.pcap: No such file or directory"));
}

TEST(Port, an_unknown_driver_is_named) {
    const Error error = error_of(options_for("net_nonsense0,size=1"));
    EXPECT_EQ(error.kind, Error::Kind::no_such_device);
    EXPECT_THAT(error.message, HasSubstr("dpdk net_nonsense0,size=1: 0 of 1 port came up"));
    EXPECT_THAT(error.message, HasSubstr("check the driver's name"));
}

TEST(Port, an_unknown_interface_is_named_with_what_the_driver_says) {
    const Error error = error_of(options_for("net_af_packet20,iface=tapmeter_none"));
    EXPECT_EQ(error.kind, Error::Kind::no_such_device);
    EXPECT_THAT(error.message, HasSubstr("tapmeter_none"));
    EXPECT_THAT(error.message, HasSubstr("DPDK says: "));
}

TEST(Port, an_argument_that_the_driver_does_not_know_is_refused) {
    const Error error = error_of(options_for("net_null20,colour=red"));
    EXPECT_EQ(error.kind, Error::Kind::no_such_device) << error.message;
}

TEST(Port, a_pci_device_that_is_not_there_points_to_the_list) {
    const Error error = error_of(options_for("00ff:1f:1f.7"));
    EXPECT_EQ(error.kind, Error::Kind::no_such_device);
    EXPECT_THAT(error.message, HasSubstr("tapmeter devices"));
}

TEST(Port, more_queues_than_it_has_is_an_error_with_both_numbers) {
    RingPort rings("queues", 2);
    PortOptions options = options_for(rings.device());
    options.queues = 3;
    const Error error = error_of(options);
    EXPECT_EQ(error.kind, Error::Kind::invalid_config);
    EXPECT_THAT(error.message, HasSubstr("queues = 3, but the device has 2"));
    options.queues = 2;
    EXPECT_TRUE(open_port(options)) << "an error leaves the device as it was";
}

TEST(Port, one_device_is_captured_once_and_again_after_that) {
    const PortOptions options = options_for("net_null21");
    {
        const auto first = open_port(options);
        ASSERT_TRUE(first) << first.error().message;
        EXPECT_THAT(error_of(options).message, HasSubstr("is captured already"));
        Burst burst;
        (*first)->queue(0).receive(burst);
        EXPECT_EQ(burst.count, burst_packets_max) << "the first one goes on";
        (*first)->queue(0).release();
    }
    EXPECT_TRUE(open_port(options));
}

TEST(Port, pools_that_do_not_fit_are_an_error_with_their_size) {
    const unsigned pools_before = rte_mempool_lookup("tm.0.0") == nullptr ? 0U : 1U;
    PortOptions options = options_for("net_null22");
    options.queues = 64;
    options.rx_ring = 32'768;
    const Error error = error_of(options);
    EXPECT_EQ(error.kind, Error::Kind::no_memory);
    EXPECT_THAT(error.message, HasSubstr("64 queues"));
    EXPECT_THAT(error.message, HasSubstr("MiB together"));
    EXPECT_EQ(rte_mempool_lookup("tm.0.0") == nullptr ? 0U : 1U, pools_before);
    // All that was taken on the way is free again.
    options.queues = 1;
    options.rx_ring = 4'096;
    EXPECT_TRUE(open_port(options));
}

TEST(Port, gives_memory_and_device_back_every_time) {
    for (int turn = 0; turn < 20; ++turn) {
        PortOptions options = options_for("net_null23");
        options.queues = 8;
        const auto capture = open_port(options);
        ASSERT_TRUE(capture) << turn << ": " << capture.error().message;
    }
    std::uint16_t port = 0;
    EXPECT_NE(rte_eth_dev_get_port_by_name("net_null23", &port), 0) << "the device is gone";
}

TEST(PortDeathTest, a_port_without_a_clock_is_a_bug) {
    PortOptions options = options_for("net_null24");
    options.clock = nullptr;
    EXPECT_DEATH((void)open_port(options), "capture.cpp:.*broken expectation");
}

}  // namespace
}  // namespace tapmeter::dpdk
