#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "src/exporting/output.h"
#include "tests/support/flow_records.h"

namespace tapmeter::test_support {

// Looks again and again; fails the test where it is never so.
inline void wait_until(const std::function<bool()>& done) {
    using std::chrono::steady_clock;
    const auto deadline = steady_clock::now() + std::chrono::seconds{20};
    while (!done() && steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    EXPECT_TRUE(done());
}

// The counters of an output at its end: all that it took was sent, left out or dropped.
inline exporting::OutputCounters finished(exporting::Output& output,
                                          std::chrono::milliseconds within = std::chrono::seconds{
                                              20}) {
    output.flush(std::chrono::steady_clock::now() + within);
    const exporting::OutputCounters counters = output.counters();
    exporting::RecordTotals sum = counters.left_out;
    sum += counters.sent;
    for (const exporting::RecordTotals& dropped : counters.dropped) {
        sum += dropped;
    }
    EXPECT_EQ(counters.taken.records, sum.records);
    EXPECT_EQ(counters.taken.packets, sum.packets);
    EXPECT_EQ(counters.taken.octets, sum.octets);
    return counters;
}

// The law of OutputCounters, which holds at every moment.
inline void expect_balanced(const exporting::OutputCounters& counters) {
    exporting::RecordTotals given = counters.taken;
    given += counters.recovered;
    given += counters.inherited;
    exporting::RecordTotals found = counters.left_out;
    for (const exporting::RecordTotals& one :
         {counters.elsewhere, counters.handed_on, counters.encoding, counters.queued,
          counters.spooled, counters.sent}) {
        found += one;
    }
    for (const exporting::RecordTotals& one : counters.dropped) {
        found += one;
    }
    EXPECT_EQ(given.records, found.records);
    EXPECT_EQ(given.packets, found.packets);
    EXPECT_EQ(given.octets, found.octets);
    EXPECT_EQ(given.alerts, found.alerts);
}

inline exporting::RecordTotals dropped(const exporting::OutputCounters& counters) {
    exporting::RecordTotals all;
    for (const exporting::RecordTotals& one : counters.dropped) {
        all += one;
    }
    return all;
}

inline exporting::RecordTotals dropped(const exporting::OutputCounters& counters,
                                       exporting::RecordDropped why) {
    return counters.dropped[static_cast<std::size_t>(why)];
}

// So many records, each with an id of its own, as fast as the output takes them.
// last_id  of the record before
inline void take_numbered(exporting::Output& output, std::size_t count, std::uint64_t& last_id) {
    constexpr std::size_t at_once = 200;
    while (count > 0) {
        auto records = mixed_records(std::min(count, at_once), 2);
        for (flow::FlowRecord& record : records) {
            record.flow_id = ++last_id;
        }
        count -= records.size();
        wait_until([&] { return output.ready(); });
        output.take(records);
    }
}

}  // namespace tapmeter::test_support
