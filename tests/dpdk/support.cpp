#include "tests/dpdk/support.h"

#include <gtest/gtest.h>
#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "dpdk/eal.h"

namespace tapmeter::dpdk::testing {

namespace {

class DpdkEnvironment final : public ::testing::Environment {
public:
    void SetUp() override {
        auto eal = start_eal({.hugepages = Hugepages::off,
                              .memory_octets = std::uint64_t{192} << 20U,
                              .pci_allow = {}});
        ASSERT_TRUE(eal) << eal.error().message;
        eal_ = std::move(*eal);
    }
    void TearDown() override { eal_.reset(); }

private:
    std::unique_ptr<Eal> eal_;
};
[[maybe_unused]] auto* const environment =
    ::testing::AddGlobalTestEnvironment(std::make_unique<DpdkEnvironment>().release());

const LiveClock& the_clock() {
    static const LiveClock clock;
    return clock;
}

void put_le32(std::ofstream& out, std::uint64_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        out.put(static_cast<char>(value >> shift & 0xffU));
    }
}

// One buffer more behind `packet`, filled with the next octets of the frame.
bool append_buffer(rte_mempool* pool, rte_mbuf* packet, const std::byte* octets,
                   std::uint16_t count) {
    rte_mbuf* const buffer = rte_pktmbuf_alloc(pool);
    if (buffer == nullptr) {
        return false;
    }
    std::copy_n(octets, count, rte_pktmbuf_mtod(buffer, std::byte*));
    buffer->data_len = count;
    buffer->pkt_len = count;
    return rte_pktmbuf_chain(packet, buffer) == 0;
}

}  // namespace

Frame some_frame(std::size_t octets, std::uint8_t seed) {
    Frame frame(octets);
    std::size_t place = 0;
    std::ranges::generate(frame, [&] { return static_cast<std::byte>(seed + place++ * 7); });
    return frame;
}

TestFolder::TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tapmeter_dpdk_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
}

TestFolder::~TestFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
}

void TestFolder::write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(file(name).parent_path());
    std::ofstream(file(name)) << text;
}

void write_pcap(const std::filesystem::path& file, const std::vector<TimedFrame>& frames) {
    std::ofstream out(file, std::ios::binary);
    put_le32(out, 0xa1b2c3d4);   // microseconds
    put_le32(out, 0x0004'0002);  // version 2.4
    put_le32(out, 0);
    put_le32(out, 0);
    put_le32(out, 262'144);  // snap length
    put_le32(out, 1);        // LINKTYPE_ETHERNET
    for (const TimedFrame& frame : frames) {
        const auto time = static_cast<std::uint64_t>(frame.time.count());
        put_le32(out, time / 1'000'000);
        put_le32(out, time % 1'000'000);
        put_le32(out, frame.frame.size());
        put_le32(out, frame.frame.size());
        for (const std::byte octet : frame.frame) {
            out.put(std::to_integer<char>(octet));
        }
    }
}

PortOptions options_for(const std::string& device) {
    PortOptions options;
    options.device = device;
    options.clock = &the_clock();
    return options;
}

RingPort::RingPort(const std::string& name, unsigned queues)
    : device_("net_ring_" + name),
      pool_(rte_pktmbuf_pool_create(name.c_str(), buffers, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                    SOCKET_ID_ANY)) {
    EXPECT_NE(pool_, nullptr);
    for (unsigned queue = 0; queue < queues; ++queue) {
        rings_.push_back(rte_ring_create((name + std::to_string(queue)).c_str(), ring_slots,
                                         SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ));
        EXPECT_NE(rings_.back(), nullptr);
    }
    EXPECT_GE(rte_eth_from_rings(name.c_str(), rings_.data(), queues, rings_.data(), queues, 0), 0);
}

RingPort::~RingPort() {
    rte_vdev_uninit(device_.c_str());
    for (rte_ring* const ring : rings_) {
        rte_ring_free(ring);
    }
    rte_mempool_free(pool_);
}

bool RingPort::arrive(unsigned queue, const Frame& frame) {
    const std::size_t first = std::min<std::size_t>(frame.size(), buffer_frame_octets);
    rte_mbuf* const packet = rte_pktmbuf_alloc(pool_);
    EXPECT_NE(packet, nullptr);
    std::copy_n(frame.data(), first, rte_pktmbuf_mtod(packet, std::byte*));
    packet->data_len = static_cast<std::uint16_t>(first);
    packet->pkt_len = static_cast<std::uint32_t>(first);
    for (std::size_t done = first; done < frame.size();) {
        const std::size_t part = std::min<std::size_t>(frame.size() - done, buffer_frame_octets);
        EXPECT_TRUE(
            append_buffer(pool_, packet, frame.data() + done, static_cast<std::uint16_t>(part)));
        done += part;
    }
    if (rte_ring_enqueue(rings_.at(queue), packet) != 0) {
        rte_pktmbuf_free(packet);
        return false;
    }
    return true;
}

unsigned RingPort::buffers_in_use() const {
    return rte_mempool_in_use_count(pool_);
}

std::vector<Frame> receive_copies(PacketSource& queue) {
    Burst burst;
    queue.receive(burst);
    std::vector<Frame> frames;
    for (const Packet& packet : burst.view()) {
        frames.emplace_back(packet.frame.begin(), packet.frame.end());
    }
    queue.release();
    return frames;
}

}  // namespace tapmeter::dpdk::testing
