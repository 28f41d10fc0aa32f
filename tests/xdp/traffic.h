#pragma once

#include <gtest/gtest.h>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tests/bpf/frames.h"
#include "tests/xdp/veth.h"
#include "xdp/capture.h"

namespace tapmeter::testing {

inline const LiveClock live_clock;

inline xdp::XdpOptions options_for(const std::string& interface) {
    xdp::XdpOptions options;
    options.interface = interface;
    options.clock = &live_clock;
    return options;
}

inline std::unique_ptr<xdp::XdpCapture> open_or_fail(const xdp::XdpOptions& options) {
    auto capture = xdp::open_xdp(options);
    if (!capture) {
        ADD_FAILURE() << capture.error().message;
        return nullptr;
    }
    return std::move(*capture);
}

// A UDP frame that carries its number in the source address, so that none can stand for another.
inline std::vector<std::uint8_t> numbered(std::uint32_t number, std::size_t octets = 60,
                                          std::uint16_t port = 4'000) {
    return WireFrame{}
        .ethernet(0x0800)
        .ipv4({.source = 0x0a00'0000U + number})
        .ports(static_cast<std::uint16_t>(1'024 + number % 997), port)
        .padded_to(octets)
        .octets();
}

inline std::uint32_t number_in(const Packet& packet) {
    constexpr std::size_t source_address = 26;
    return load_be32(packet.frame.subspan<source_address, 4>()) - 0x0a00'0000U;
}

// Receives one burst from each queue; visit(queue, packet) sees every packet.
template <class Visit>
std::size_t receive_once(xdp::XdpCapture& capture, Visit visit) {
    std::size_t received = 0;
    Burst burst;
    for (std::size_t queue = 0; queue < capture.queues(); ++queue) {
        capture.queue(queue).receive(burst);
        for (const Packet& packet : burst.view()) {
            visit(queue, packet);
        }
        received += burst.count;
        capture.queue(queue).release();
    }
    return received;
}

inline std::size_t receive_all(xdp::XdpCapture& capture) {
    std::size_t received = 0;
    for (;;) {
        const std::size_t more = receive_once(capture, [](std::size_t, const Packet&) {});
        if (more == 0) {
            return received;
        }
        received += more;
    }
}

inline std::uint64_t sum(const auto& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

// The law of the books; holds exactly while nothing moves.
inline bool is_balanced(const CaptureCounters& books) {
    return books.offered.value ==
           books.received.value + books.waiting.value + sum(books.dropped) + sum(books.ignored);
}

inline void expect_balanced(const CaptureCounters& books) {
    EXPECT_TRUE(is_balanced(books))
        << books.offered.value << " offered, " << books.received.value << " received, "
        << books.waiting.value << " waiting, " << sum(books.dropped) << " dropped, "
        << sum(books.ignored) << " ignored";
}

// Waits until the program has seen that many frames and none is on its way to a socket any more.
// False: the time is up, and the books never balanced.
inline bool has_seen(const xdp::XdpCapture& capture, std::uint64_t packets) {
    return wait_until([&] {
        const CaptureCounters books = capture.counters();
        return books.offered.value >= packets && is_balanced(books);
    });
}

inline std::string capability(const xdp::XdpCapture& capture, const std::string& name) {
    for (const Capability& known : capture.capabilities()) {
        if (known.name == name) {
            return known.value;
        }
    }
    return "(no such capability)";
}

}  // namespace tapmeter::testing
