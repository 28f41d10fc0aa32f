#include "xdp/umem.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <vector>

namespace tapmeter::xdp {
namespace {

class UmemTest : public ::testing::TestWithParam<std::uint32_t> {
protected:
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "needs root: registers memory with the kernel";
        }
    }
};

TEST_P(UmemTest, frames_stand_where_their_addresses_say) {
    const auto umem = Umem::create({.chunks = 128, .chunk_octets = GetParam()}, "test");
    ASSERT_TRUE(umem) << umem.error().message;
    const Bytes first = (*umem)->frame(0, 60);
    const Bytes last = (*umem)->frame(127ULL * GetParam() + headroom_octets, 100);
    EXPECT_EQ(first.size(), 60U);
    EXPECT_EQ(last.data() - first.data(), 127 * GetParam() + headroom_octets);
    EXPECT_EQ(last.back(), std::byte{0}) << "the last chunk is there to be read";
}

// No socket is bound, so nothing takes chunks away: all that is given stays in the ring, which
// has room for each chunk twice.
TEST_P(UmemTest, takes_every_chunk_back) {
    const auto umem = Umem::create({.chunks = 64, .chunk_octets = GetParam()}, "test");
    ASSERT_TRUE(umem) << umem.error().message;
    std::vector<std::uint64_t> addresses;
    for (std::uint64_t chunk = 0; chunk < 64; ++chunk) {
        addresses.push_back(chunk * GetParam() + headroom_octets);
    }
    (*umem)->give_back(addresses);
    (*umem)->give_back({});
    EXPECT_DEATH((*umem)->give_back(std::span(addresses).first(1)), "broken expectation");
}

TEST_P(UmemTest, too_much_memory_is_an_error) {
    // 2^31 chunks are 4 to 8 TiB.
    const auto umem = Umem::create({.chunks = 1U << 31U, .chunk_octets = GetParam()}, "xdp_in");
    ASSERT_FALSE(umem);
    EXPECT_EQ(umem.error().message.find("xdp_in: "), 0U) << umem.error().message;
}

INSTANTIATE_TEST_SUITE_P(, UmemTest, ::testing::Values(2'048, 4'096));

}  // namespace
}  // namespace tapmeter::xdp
