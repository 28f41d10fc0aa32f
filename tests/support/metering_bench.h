#pragma once

#include <utility>
#include <vector>

#include "pipeline/metering.h"
#include "tests/support/worker_bench.h"

namespace tapmeter::testing {

// A packet as Metering takes it, between two IPv4 endpoints.
struct Sent {
    std::uint32_t source = 0;
    std::uint32_t destination = 0;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 17;
    std::uint16_t control_bits = 0;
    ObservedAt at{};
    std::uint32_t octets = 100;  // layer 3; 14 more on the wire

    // The same, the other way.
    Sent back(std::uint16_t bits = 0) const {
        Sent answer = *this;
        std::swap(answer.source, answer.destination);
        std::swap(answer.source_port, answer.destination_port);
        answer.control_bits = bits;
        return answer;
    }
};

// A Metering with its ring and books, fed packet by packet.
class MeteringBench {
public:
    struct Setup {
        std::size_t flows_max = 4'096;
        std::size_t ring_capacity = 1U << 16U;
        flow::HashKey hash_key{5, 6};
        flow::Timeouts timeouts{.idle = std::chrono::seconds(30),
                                .active = std::chrono::seconds(60),
                                .tcp_end = std::chrono::seconds(2)};
        Admission::Limits admission{.aggregates = true};
    };
    explicit MeteringBench(const Setup& setup)
        : ring_(setup.ring_capacity),
          metering_({.ring = ring_,
                     .books = books_,
                     .table = std::move(*flow::FlowTable::make({.flows_max = setup.flows_max,
                                                                .pages = Region::Wanted::small,
                                                                .populate = false})),
                     .hasher = flow::FlowHasher(setup.hash_key),
                     .timeouts = setup.timeouts,
                     .worker = 0,
                     .admission = setup.admission}) {}

    void send(const Sent& packet) {
        decode::Headers headers;
        headers.ip_version = 4;
        headers.protocol = packet.protocol;
        headers.source = address(packet.source);
        headers.destination = address(packet.destination);
        headers.source_port = packet.source_port;
        headers.destination_port = packet.destination_port;
        flow::FlowKey key;
        const flow::Sender sender = flow::write_key(headers, true, key);
        const flow::Observation one{.at = packet.at,
                                    .octets = packet.octets,
                                    .layer2_octets = packet.octets + 14,
                                    .tcp_control_bits = packet.control_bits,
                                    .sender = sender,
                                    .protocol = packet.protocol};
        metering_.meter({&key, 1}, {&one, 1}, packet.at);
        books_.received_packets += 1;
        books_.received_octets += packet.octets + 14;
        sent_ += {.packets = 1, .octets = packet.octets, .layer2_octets = packet.octets + 14};
    }
    void collect() {
        ring_.publish();
        for (auto some = ring_.readable(); !some.empty(); some = ring_.readable()) {
            records_.insert(records_.end(), some.begin(), some.end());
            ring_.consume(some.size());
        }
    }
    void drain(ObservedAt end) {
        while (!metering_.drain(end)) {
            collect();
        }
        collect();
    }

    Metering& metering() { return metering_; }
    const WorkerBooks& books() const { return books_; }
    const std::vector<flow::FlowRecord>& records() const { return records_; }
    const Traffic& sent() const { return sent_; }

private:
    static decode::Address address(std::uint32_t number) {
        decode::Address address{};
        for (std::size_t i = 0; i < 4; ++i) {
            address[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
        }
        return address;
    }

    RecordRing ring_;
    WorkerBooks books_{};
    Metering metering_;
    std::vector<flow::FlowRecord> records_;
    Traffic sent_{};
};

}  // namespace tapmeter::testing
