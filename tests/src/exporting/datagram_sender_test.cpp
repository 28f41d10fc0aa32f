#include "src/exporting/datagram_sender.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "tests/support/collector.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// A datagram that no UDP carries is counted as refused, and those around it go out.
TEST(DatagramSender, what_the_socket_refuses_is_counted_alone) {
    constexpr std::size_t too_long = 65'508;
    test_support::UdpListener listener;
    OutputQueue queue({8, too_long}, Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)));
    Account account;
    std::mutex mutex;
    std::string said;
    DatagramSender sender({"json/test",
                           [&](std::string line) {
                               const std::lock_guard lock(mutex);
                               said = std::move(line);
                           }},
                          UdpSession::open("127.0.0.1", listener.port()).value(), queue, account);
    for (const std::size_t octets : {std::size_t{100}, too_long, std::size_t{200}}) {
        const auto room = queue.writable();
        ASSERT_FALSE(room.empty());
        std::ranges::fill(room.first(octets), std::byte{'x'});
        account.taker.taken += RecordTotals{1, octets, octets};
        account.taker.handed_over += RecordTotals{1, octets, octets};
        account.publish_taker();
        queue.push({static_cast<std::uint32_t>(octets), 0, {1, octets, octets}, 0, 0});
    }
    std::jthread thread([&] { sender.run(); });
    EXPECT_EQ(listener.receive(seconds{10}).value().size(), 100U);
    EXPECT_EQ(listener.receive(seconds{10}).value().size(), 200U);
    queue.drain(steady_clock::now() + seconds{10});
    queue.stop();
    thread.join();
    const OutputCounters counters = account.read();
    EXPECT_EQ(counters.sent.packets, 300U);
    EXPECT_EQ(counters.dropped[1].packets, too_long);
    EXPECT_EQ(counters.queued.records, 0U);
    const std::lock_guard lock(mutex);
    EXPECT_NE(said.find("send_error"), std::string::npos) << said;
}

}  // namespace
}  // namespace tapmeter::exporting
