#pragma once

#include <rte_ring.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dpdk/capture.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/packet.h"

struct rte_mbuf;
struct rte_mempool;

// What the tests of this room share. The executable that links support.cpp starts DPDK once for
// all of its tests: no NIC, no huge pages, no root.
namespace tapmeter::dpdk::testing {

using Frame = std::vector<std::byte>;

// A frame of `octets` octets that no other `seed` gives.
Frame some_frame(std::size_t octets, std::uint8_t seed);

// A folder for one test's files, gone with it.
class TestFolder {
public:
    TestFolder();
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    ~TestFolder();

    std::filesystem::path file(const std::string& name) const { return path_ / name; }
    // Writes a file and its folders.
    void write(const std::string& name, const std::string& text) const;

private:
    std::filesystem::path path_;
};

struct TimedFrame {
    std::chrono::microseconds time{};
    Frame frame;
};

// A capture file in the classic format (microseconds, Ethernet), written octet by octet.
void write_pcap(const std::filesystem::path& file, const std::vector<TimedFrame>& frames);

// Options of a port with the one clock of all tests.
PortOptions options_for(const std::string& device);

// A port made of rings that the test fills with frames of its own: the best stand-in for a NIC.
class RingPort {
public:
    static constexpr unsigned ring_slots = 256;  // 255 frames fit
    static constexpr unsigned buffers = 2'047;

    RingPort(const std::string& name, unsigned queues);
    RingPort(const RingPort&) = delete;
    RingPort& operator=(const RingPort&) = delete;
    ~RingPort();

    const std::string& device() const { return device_; }
    // Puts a frame into a queue's ring, over as many buffers as it needs. False: the ring is full
    // (the frame's buffers are given back).
    bool arrive(unsigned queue, const Frame& frame);
    unsigned buffers_in_use() const;

private:
    std::string device_;
    rte_mempool* pool_;
    std::vector<rte_ring*> rings_;
};

// Receives once and hands the frames back as copies.
std::vector<Frame> receive_copies(PacketSource& queue);

}  // namespace tapmeter::dpdk::testing
