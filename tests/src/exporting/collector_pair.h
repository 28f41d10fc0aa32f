#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <thread>

#include "src/exporting/ipfix_output.h"
#include "tests/support/flow_records.h"
#include "tests/support/output_end.h"

// Two collectors of one group, as outputs.
namespace tapmeter::exporting::collector_pair {

inline const Interfaces points{{"eth1", ObservationDomainId{10}},
                               {"eth2", ObservationDomainId{20}}};

inline Config::Ipfix config_for(std::string name, Config::Transport transport, std::uint16_t port) {
    Config::Ipfix config;
    config.name = std::move(name);
    config.transport = transport;
    config.host = "127.0.0.1";
    config.port = port;
    config.reconnect = std::chrono::seconds{1};
    config.group = "siem";
    return config;
}

struct Pair {
    std::unique_ptr<Output> first;
    std::unique_ptr<Output> second;

    Pair(Config::Ipfix a, const Config::Ipfix& b, Config::Sharing sharing, IpfixStart start = {}) {
        CollectorGroup* group = nullptr;
        start.group = &group;
        a.sharing = sharing;
        first = open_ipfix(a, points, {}, start).value();
        second = open_ipfix(b, points, {}, start).value();
    }
    void take(std::span<const FlowRecord> records) const {
        first->take(records);
        second->take(records);
    }
    // Of a clock that is a second ahead of the tick before: what is in progress leaves.
    void tick() const {
        ticks_ += 1;
        const auto now = std::chrono::steady_clock::now() + std::chrono::seconds{ticks_};
        first->tick(now);
        second->tick(now);
    }
    // Of one output and of the group.
    void expect_balanced() const {
        std::uint64_t claimed = 0;
        for (const Output* output : {first.get(), second.get()}) {
            const OutputCounters c = output->counters();
            test_support::expect_balanced(c);
            EXPECT_EQ(c.group, "siem");
            claimed += c.taken.records - c.elsewhere.records;
        }
        EXPECT_EQ(claimed, first->counters().taken.records);
        EXPECT_EQ(first->counters().handed_on.records, second->counters().inherited.records);
    }

private:
    mutable int ticks_ = 0;
};

template <class Condition>
bool within(std::chrono::milliseconds patience, const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
}

}  // namespace tapmeter::exporting::collector_pair
