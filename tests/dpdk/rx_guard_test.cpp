#include "dpdk/rx_guard.h"

#include <gtest/gtest.h>

#include "tests/dpdk/support.h"

// There only in builds with the address sanitizer.
extern "C" int __asan_address_is_poisoned(void const volatile* address) __attribute__((weak));

namespace tapmeter::dpdk {
namespace {

using testing::options_for;
using testing::RingPort;
using testing::some_frame;

TEST(RxGuard, surroundings_of_a_held_frame_are_forbidden) {
    if (__asan_address_is_poisoned == nullptr) {
        GTEST_SKIP() << "needs a build with -Db_sanitize=address";
    }
    RingPort rings("guard", 1);
    const auto capture = open_port(options_for(rings.device()));
    ASSERT_TRUE(capture) << capture.error().message;
    rings.arrive(0, some_frame(61, 1));
    Burst burst;
    (*capture)->queue(0).receive(burst);
    ASSERT_EQ(burst.count, 1U);
    const Bytes frame = burst.view()[0].frame;

    EXPECT_FALSE(__asan_address_is_poisoned(frame.data()));
    EXPECT_FALSE(__asan_address_is_poisoned(frame.data() + 60));
    EXPECT_TRUE(__asan_address_is_poisoned(frame.data() + 61)) << "one behind the frame";
    EXPECT_TRUE(__asan_address_is_poisoned(frame.data() - 1)) << "one before it";
    EXPECT_TRUE(__asan_address_is_poisoned(frame.data() + 1'500));

    (*capture)->queue(0).release();
    EXPECT_FALSE(__asan_address_is_poisoned(frame.data() + 61));
    EXPECT_FALSE(__asan_address_is_poisoned(frame.data() - 1));
}

TEST(RxGuard, later_buffers_of_a_frame_are_forbidden_whole) {
    if (__asan_address_is_poisoned == nullptr) {
        GTEST_SKIP() << "needs a build with -Db_sanitize=address";
    }
    rte_mempool* const pool =
        rte_pktmbuf_pool_create("guarded", 7, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    ASSERT_NE(pool, nullptr);
    rte_mbuf* const first = rte_pktmbuf_alloc(pool);
    rte_mbuf* const later = rte_pktmbuf_alloc(pool);
    ASSERT_NE(rte_pktmbuf_append(first, 100), nullptr);
    ASSERT_NE(rte_pktmbuf_append(later, 100), nullptr);
    ASSERT_EQ(rte_pktmbuf_chain(first, later), 0);

    forbid_surroundings(*first);
    EXPECT_FALSE(__asan_address_is_poisoned(rte_pktmbuf_mtod(first, void*)));
    EXPECT_TRUE(__asan_address_is_poisoned(rte_pktmbuf_mtod(later, void*)));
    allow_surroundings(*first);
    EXPECT_FALSE(__asan_address_is_poisoned(rte_pktmbuf_mtod(later, void*)));

    rte_pktmbuf_free(first);
    rte_mempool_free(pool);
}

}  // namespace
}  // namespace tapmeter::dpdk
