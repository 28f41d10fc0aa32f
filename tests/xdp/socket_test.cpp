// A socket alone; with traffic it is tested in capture_test.cpp.
#include "xdp/socket.h"

#include <gtest/gtest.h>

#include "tests/xdp/veth.h"

namespace tapmeter::xdp {
namespace {

using testing::VethTest;

class SocketTest : public VethTest {
protected:
    static Socket::Options options(std::uint32_t queue) {
        Socket::Options made;
        made.interface = "xdp_in";
        made.queue = queue;
        made.rx_ring = 64;
        return made;
    }
};

TEST_F(SocketTest, last_queue_and_one_beyond) {
    const auto last = Socket::open(options(3));
    ASSERT_TRUE(last) << last.error().message;
    EXPECT_EQ((*last)->waiting(0), 0U);
    EXPECT_EQ((*last)->losses().no_buffer, 0U);
    EXPECT_FALSE((*last)->zero_copy());
    const auto beyond = Socket::open(options(4));
    ASSERT_FALSE(beyond);
    EXPECT_NE(beyond.error().message.find("xdp_in queue 4"), std::string::npos);
    EXPECT_NE(beyond.error().message.find("ethtool -l xdp_in"), std::string::npos)
        << beyond.error().message;
}

TEST_F(SocketTest, holds_its_queue_alone) {
    const auto first = Socket::open(options(0));
    ASSERT_TRUE(first);
    const auto second = Socket::open(options(0));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("another AF_XDP socket holds this queue"),
              std::string::npos)
        << second.error().message;
}

TEST_F(SocketTest, frames_in_pieces_where_the_kernel_has_them) {
    Socket::Options wish = options(0);
    wish.frames_in_pieces = true;
    const auto socket = Socket::open(wish);
    ASSERT_TRUE(socket) << socket.error().message;
    EXPECT_TRUE((*socket)->takes_pieces());
}

}  // namespace
}  // namespace tapmeter::xdp
