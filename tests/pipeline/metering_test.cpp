#include "pipeline/metering.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

#include "tests/support/flows.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using flow::FlowEndReason;
using testing::broken_law;
using testing::key_number;

constexpr ObservedAt began{1'000s};

// A metering with its ring and books, fed packet by packet.
class Bench {
public:
    // grows_to  0: the table stays as large as it is
    Bench(std::size_t flows_max, std::size_t ring_capacity, std::size_t grows_to = 0)
        : ring_(ring_capacity),
          metering_(
              {.ring = ring_,
               .books = books_,
               .table = std::move(*flow::FlowTable::make(
                   {.flows_max = flows_max, .pages = Region::Wanted::small, .populate = false})),
               .grows_to = {.flows_max = grows_to, .pages = Region::Wanted::small},
               .hasher = flow::FlowHasher({5, 6}),
               .timeouts = {.idle = 30s, .active = 60s, .tcp_end = 2s},
               .worker = 3}) {}

    // A packet of 100 octets at layer 3, 114 at layer 2, of flow `number`.
    void packet(std::uint32_t number, ObservedAt at) {
        const flow::FlowKey key = key_number(number);
        const flow::Observation one{.at = at, .octets = 100, .layer2_octets = 114, .protocol = 17};
        metering_.meter({&key, 1}, {&one, 1}, at);
        books_.received_packets += 1;
        books_.received_octets += 114;
    }
    void packets(std::uint32_t flows, ObservedAt at) {
        for (std::uint32_t number = 0; number < flows; ++number) {
            packet(number, at);
        }
    }
    std::size_t collect() {
        ring_.publish();
        std::size_t count = 0;
        for (auto some = ring_.readable(); !some.empty(); some = ring_.readable()) {
            records_.insert(records_.end(), some.begin(), some.end());
            count += some.size();
            ring_.consume(some.size());
        }
        return count;
    }

    Metering& metering() { return metering_; }
    const WorkerBooks& books() const { return books_; }
    const std::vector<flow::FlowRecord>& records() const { return records_; }
    std::uint64_t emitted(FlowEndReason reason) const {
        return books_.records_emitted[index_of(reason)];
    }

private:
    RecordRing ring_;
    WorkerBooks books_{};
    Metering metering_;
    std::vector<flow::FlowRecord> records_;
};

std::set<std::uint64_t> flow_ids(const std::vector<flow::FlowRecord>& records) {
    std::set<std::uint64_t> ids;
    for (const flow::FlowRecord& record : records) {
        ids.insert(record.flow_id);
    }
    return ids;
}

TEST(Metering, a_flow_that_makes_room_leaves_as_a_record_and_nothing_is_lost) {
    constexpr std::uint32_t flows = 5'000;
    Bench bench(64, 8'192);
    bench.packets(flows, began);

    const WorkerBooks& books = bench.books();
    const std::uint64_t evicted = books.flows_ended[index_of(FlowEndReason::lack_of_resources)];
    EXPECT_EQ(books.flows_active, bench.metering().table().flows());
    EXPECT_EQ(evicted, flows - books.flows_active);
    EXPECT_GE(evicted, flows - bench.metering().table().places());
    EXPECT_EQ(bench.emitted(FlowEndReason::lack_of_resources), evicted);
    EXPECT_EQ(broken_law(books), "");

    EXPECT_TRUE(bench.metering().drain(began));
    EXPECT_EQ(bench.collect(), flows);
    EXPECT_EQ(flow_ids(bench.records()).size(), flows) << "each flow left once";
    for (const flow::FlowRecord& record : bench.records()) {
        ASSERT_EQ(traffic_of(record), (Traffic{.packets = 1, .octets = 100, .layer2_octets = 114}));
        ASSERT_EQ(record.worker, 3);
    }
    EXPECT_EQ(bench.emitted(FlowEndReason::forced_end), flows - evicted);
    EXPECT_EQ(broken_law(books), "");
}

TEST(Metering, what_a_full_ring_refuses_is_counted_to_the_octet) {
    constexpr std::uint32_t flows = 2'000;
    Bench bench(64, 16);
    bench.packets(flows, began);  // nobody collects

    const WorkerBooks& books = bench.books();
    const std::uint64_t refused = flows - books.flows_active - 16;
    EXPECT_EQ(books.emitted, (Traffic{.packets = 16, .octets = 1'600, .layer2_octets = 1'824}));
    EXPECT_EQ(books.records_refused, refused);
    EXPECT_EQ(
        books.refused,
        (Traffic{.packets = refused, .octets = refused * 100, .layer2_octets = refused * 114}));
    EXPECT_EQ(broken_law(books), "");
    EXPECT_EQ(bench.collect(), 16U);
}

TEST(Metering, drain_goes_on_where_the_ring_was_full) {
    constexpr std::uint32_t flows = 500;
    Bench bench(1'024, 16);
    bench.packets(flows, began);

    EXPECT_FALSE(bench.metering().drain(began));
    EXPECT_FALSE(bench.metering().drain(began)) << "still full: nothing may be lost by asking";
    std::size_t turns = 0;
    for (bool done = false; !done; ++turns) {
        ASSERT_LE(bench.collect(), 16U);
        done = bench.metering().drain(began);
        ASSERT_LT(turns, flows);
    }
    bench.collect();
    EXPECT_GE(turns, flows / 16);
    EXPECT_EQ(bench.books().records_refused, 0U);
    EXPECT_EQ(bench.records().size(), flows);
    EXPECT_EQ(flow_ids(bench.records()).size(), flows);
    EXPECT_EQ(bench.books().in_table, Traffic{});
    EXPECT_TRUE(bench.metering().drain(began)) << "an empty table stays drained";
}

TEST(Metering, drain_settles_first_what_was_due_before_the_end) {
    Bench bench(64, 64);
    bench.packet(1, began);
    bench.packet(2, began + 29s);
    EXPECT_TRUE(bench.metering().drain(began + 30s));
    EXPECT_EQ(bench.emitted(FlowEndReason::idle_timeout), 1U);
    EXPECT_EQ(bench.emitted(FlowEndReason::forced_end), 1U);
}

TEST(Metering, expire_makes_no_more_records_than_it_may) {
    constexpr std::uint32_t flows = 300;
    Bench bench(1'024, 1'024);
    bench.packets(flows, began);
    bench.metering().expire(began + 40s, 1);
    EXPECT_EQ(bench.collect(), 0U) << "one flow may need two records";

    for (std::size_t turn = 0; turn < 200 && bench.books().flows_active != 0; ++turn) {
        bench.metering().expire(began + 40s + turn * 1ms, 10);
        ASSERT_LE(bench.collect(), 10U);
        ASSERT_EQ(broken_law(bench.books()), "");
    }
    EXPECT_EQ(bench.records().size(), flows);
    EXPECT_EQ(bench.emitted(FlowEndReason::idle_timeout), flows);
}

TEST(Metering, a_flow_is_cut_in_time_and_ends_empty_without_a_second_record) {
    Bench bench(64, 64);
    for (auto since = 0s; since <= 50s; since += 10s) {
        bench.packet(1, began + since);
    }
    bench.metering().expire(began + 61s, 100);
    EXPECT_EQ(bench.emitted(FlowEndReason::active_timeout), 1U);
    EXPECT_EQ(bench.books().flows_active, 1U);
    EXPECT_EQ(bench.books().in_table, Traffic{});

    bench.metering().expire(began + 90s, 100);
    EXPECT_EQ(bench.books().flows_active, 0U);
    EXPECT_EQ(bench.books().ended_empty, 1U);
    EXPECT_EQ(bench.collect(), 1U);
    EXPECT_EQ(bench.records().front().forward.packets.value +
                  bench.records().front().reverse.packets.value,
              6U);
    EXPECT_EQ(broken_law(bench.books()), "");
}

// A file's table: small at first, and no flow makes room for another while it can grow.
TEST(Metering, a_table_that_may_grow_does_so_before_anybody_leaves) {
    constexpr std::uint32_t flows = 5'000;
    Bench bench(16, 8'192, 16'384);
    bench.packets(flows, began);
    EXPECT_EQ(bench.books().flows_active, flows);
    EXPECT_EQ(bench.metering().table().flows_max(), 16'384U);
    EXPECT_EQ(bench.emitted(FlowEndReason::lack_of_resources), 0U);

    bench.packets(flows, began + 1s);  // each is found where it is now
    EXPECT_EQ(bench.books().flows_created, flows);
    bench.metering().expire(began + 32s, 8'192);
    for (int turn = 1; bench.books().flows_active != 0 && turn < 1'000; ++turn) {
        bench.metering().expire(began + 32s + turn * 1ms, 256);
        bench.collect();
    }
    EXPECT_EQ(bench.emitted(FlowEndReason::idle_timeout), flows);
    EXPECT_EQ(flow_ids(bench.records()).size(), flows);
    EXPECT_EQ(broken_law(bench.books()), "");
}

TEST(Metering, a_table_that_may_grow_stops_at_its_limit) {
    constexpr std::uint32_t flows = 5'000;
    Bench bench(16, 8'192, 100);
    bench.packets(flows, began);
    EXPECT_EQ(bench.metering().table().flows_max(), 100U);
    EXPECT_EQ(bench.books().flows_active, bench.metering().table().flows());
    EXPECT_EQ(bench.emitted(FlowEndReason::lack_of_resources), flows - bench.books().flows_active);
    EXPECT_EQ(broken_law(bench.books()), "");
}

}  // namespace
}  // namespace tapmeter
