#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "src/exporting/ipfix_output.h"
#include "tests/src/exporting/collector_pair.h"
#include "tests/support/collector.h"
#include "tests/support/output_end.h"
#include "tests/support/tcp_listener.h"

// An output whose Templates change, and what its Collector must find.
namespace tapmeter::exporting::template_change {

using Fields = std::vector<std::string>;
using test_support::Collector;

inline constexpr std::uint16_t flow_id = 148;
inline constexpr std::uint16_t packet_delta_count = 2;
inline constexpr std::uint16_t protocol_identifier = 4;

inline const Fields short_list{"flowId", "sourceAddress", "packetDeltaCount", "octetDeltaCount"};

// One output, and the configuration that it was opened with or has been told since.
struct Changing {
    Config config;
    std::unique_ptr<Output> output;
    std::uint64_t last_id = 0;
    int ticks = 0;

    explicit Changing(Config::Ipfix first) {
        first.name = "test";
        first.host = "127.0.0.1";
        first.reconnect = std::chrono::seconds{1};
        config.ipfix = {first};
        output = open_ipfix(first, collector_pair::points).value();
    }
    std::string reload() const {
        EXPECT_TRUE(output->check_reload(config).has_value());
        return output->reload(config);
    }
    std::string change_to(Fields fields) {
        config.ipfix[0].fields = std::move(fields);
        return reload();
    }
    // They leave at once.
    void take(std::size_t count) {
        test_support::take_numbered(*output, count, last_id);
        tick();
    }
    void tick() {
        output->tick(std::chrono::steady_clock::now() + ++ticks * std::chrono::seconds{1});
    }
};

inline Config::Ipfix tcp_to(std::uint16_t port) {
    Config::Ipfix config;
    config.transport = Config::Transport::tcp;
    config.port = port;
    return config;
}

inline std::uint16_t unused_port() {
    return test_support::TcpListener{}.port();
}

inline void expect_flawless(const Collector& collector) {
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.missing(), 0U);
}

inline std::set<std::uint64_t> ids_of(const Collector& collector) {
    std::set<std::uint64_t> ids;
    for (const auto& record : collector.records()) {
        ids.insert(record.value(flow_id));
    }
    return ids;
}

// The lowest Template ID of the set that each record belongs to.
inline std::set<unsigned> sets_of(const Collector& collector) {
    std::set<unsigned> sets;
    for (const auto& record : collector.records()) {
        sets.insert(record.template_id / 16U * 16U);
    }
    return sets;
}

// In two Observation Domains: those of each set, in order.
inline std::vector<std::uint16_t> both_withdrawn(std::initializer_list<std::uint16_t> first_ids) {
    std::vector<std::uint16_t> ids;
    for (const std::uint16_t first : first_ids) {
        for (std::size_t domain = 0; domain < 2; ++domain) {
            for (std::uint16_t id = first; id < first + flow_kinds; ++id) {
                ids.push_back(id);
            }
        }
    }
    return ids;
}

}  // namespace tapmeter::exporting::template_change
