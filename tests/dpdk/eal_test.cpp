#include "dpdk/eal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <sched.h>

#include <filesystem>
#include <thread>

#include "dpdk/capture.h"

// DPDK starts once a process, so these tests are one story told in order.
namespace tapmeter::dpdk {
namespace {

using ::testing::HasSubstr;

const LiveClock the_clock;

EalOptions small() {
    return {.hugepages = Hugepages::off, .memory_octets = memory_octets_min, .pci_allow = {}};
}

PortOptions null_port() {
    PortOptions options;
    options.device = "net_null0";
    options.rx_ring = 512;
    options.clock = &the_clock;
    return options;
}

TEST(Eal, one_life) {
    // Before: nothing works and everything says so.
    EXPECT_FALSE(eal_is_running());
    {
        const ThreadRegistration too_early;
        EXPECT_FALSE(too_early.registered());
    }
    EXPECT_THAT(open_port(null_port()).error().message, HasSubstr("is not running"));
    EalOptions wrong = small();
    wrong.pci_allow = {"eth0"};
    EXPECT_THAT(start_eal(wrong).error().message, HasSubstr("\"eth0\" is no PCI address"));
    wrong.pci_allow.assign(pci_devices_max + 1, "0000:17:00.0");
    EXPECT_EQ(start_eal(wrong).error().kind, Error::Kind::invalid_config);
    wrong = small();
    wrong.memory_octets = memory_octets_min - 1;
    EXPECT_EQ(start_eal(wrong).error().kind, Error::Kind::invalid_config);

    // Alive.
    cpu_set_t before{};
    ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
    auto eal = start_eal(small());
    ASSERT_TRUE(eal) << eal.error().message;
    cpu_set_t after{};
    ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
    EXPECT_TRUE(CPU_EQUAL(&before, &after)) << "the caller keeps its CPUs";
    EXPECT_TRUE(eal_is_running());
    EXPECT_FALSE((*eal)->hugepages());
    EXPECT_EQ((*eal)->memory(), "64 MiB of ordinary pages, as configured");
    EXPECT_EQ(rte_lcore_count(), 1U);
    EXPECT_FALSE(std::filesystem::exists(rte_eal_get_runtime_dir())) << "no files are left";
    EXPECT_EQ((*eal)->warnings(), "");

    const auto second = start_eal(small());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(second.error().message, HasSubstr("already started"));

    std::thread([] {
        EXPECT_EQ(rte_lcore_id(), LCORE_ID_ANY);
        {
            const ThreadRegistration registration;
            EXPECT_TRUE(registration.registered());
            EXPECT_NE(rte_lcore_id(), LCORE_ID_ANY);
            const ThreadRegistration again;
            EXPECT_FALSE(again.registered()) << "one is enough";
        }
        EXPECT_EQ(rte_lcore_id(), LCORE_ID_ANY);
    }).join();

    {
        const auto capture = open_port(null_port());
        ASSERT_TRUE(capture) << capture.error().message;
        EXPECT_DEATH((*eal)->stop(), "eal.cpp:.*broken expectation") << "ports go first";
    }

    // Over, twice, and for good.
    (*eal)->stop();
    (*eal)->stop();
    EXPECT_FALSE(eal_is_running());
    EXPECT_THAT(start_eal(small()).error().message, HasSubstr("cannot be started twice"));
    EXPECT_THAT(open_port(null_port()).error().message, HasSubstr("is not running"));
}

}  // namespace
}  // namespace tapmeter::dpdk
