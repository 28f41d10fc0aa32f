#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "pipeline/metering.h"
#include "tests/support/flows.h"
#include "tests/support/shunt_bench.h"
#include "tests/support/worker_bench.h"

namespace tapmeter::testing {

inline constexpr ObservedAt began{std::chrono::seconds(1'000)};
inline constexpr std::uint16_t syn = 0x02;
inline constexpr std::uint16_t syn_ack = 0x12;
inline constexpr std::uint16_t ack = 0x10;
inline constexpr std::uint16_t push = 0x18;
inline constexpr std::uint16_t fin = 0x11;
inline constexpr std::uint16_t rst = 0x04;

inline flow::FlowKey tcp_key(std::uint32_t number) {
    flow::FlowKey key = testing::key_number(number);
    key.protocol = 6;
    key.low_port = 80;
    return key;
}

inline flow::Observation packet_at(ObservedAt at, flow::Sender sender, std::uint16_t bits,
                                   std::uint32_t octets = 1'000) {
    return {.at = at,
            .octets = octets,
            .layer2_octets = octets + 14,
            .tcp_control_bits = bits,
            .sender = sender,
            .protocol = 6,
            .type_of_service = static_cast<std::uint8_t>(octets),
            .time_to_live = static_cast<std::uint8_t>(64 - octets % 7)};
}

// A metering with or without a shunt before it, fed millisecond by millisecond.
class ShuntedMetering {
public:
    explicit ShuntedMetering(ShuntBench* shunt, std::uint64_t octets = 10'000,
                             std::size_t flows_max = 1'024, const flow::Timeouts& times = timeouts)
        : shunt_(shunt),
          ring_(1 << 14U),
          metering_(
              {.ring = ring_,
               .books = books_,
               .table = std::move(*flow::FlowTable::make(
                   {.flows_max = flows_max, .pages = Region::Wanted::small, .populate = false})),
               .hasher = flow::FlowHasher({5, 6}),
               .timeouts = times,
               .worker = 3,
               .shunt = {.octets = octets,
                         .door = shunt != nullptr ? &shunt->door() : nullptr,
                         .interval = std::chrono::milliseconds(100),
                         .active = times.active}}) {}

    void packet(const flow::FlowKey& key, const flow::Observation& packet) {
        if (shunt_ != nullptr && shunt_->takes(key, packet)) {
            return;
        }
        newest_ = std::max(newest_, packet.at);
        metering_.meter({&key, 1}, {&packet, 1}, newest_);
        books_.received_packets += 1;
        books_.received_octets += packet.layer2_octets;
    }
    void turn(ObservedAt now) {
        newest_ = std::max(newest_, now);
        metering_.fold(newest_);
        metering_.expire(newest_, 256);
        ASSERT_EQ(broken_law(books_), "");
    }
    void drain(ObservedAt end) {
        while (!metering_.drain(end)) {
            collect();
        }
        collect();
        ASSERT_EQ(broken_law(books_), "");
        EXPECT_EQ(books_.flows_active, 0U);
    }
    void collect() {
        ring_.publish();
        for (auto some = ring_.readable(); !some.empty(); some = ring_.readable()) {
            records_.insert(records_.end(), some.begin(), some.end());
            ring_.consume(some.size());
        }
    }
    const WorkerBooks& books() const { return books_; }
    const std::vector<flow::FlowRecord>& records() const { return records_; }

    static constexpr flow::Timeouts timeouts{.idle = std::chrono::seconds(5),
                                             .active = std::chrono::seconds(10),
                                             .tcp_end = std::chrono::seconds(1)};

private:
    ShuntBench* shunt_;
    RecordRing ring_;
    WorkerBooks books_{};
    Metering metering_;
    ObservedAt newest_{};
    std::vector<flow::FlowRecord> records_;
};

}  // namespace tapmeter::testing
