#include "src/exporting/exporter.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "src/exporting/account.h"
#include "src/exporting/ipfix_output.h"
#include "src/exporting/json_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::Collector;
using test_support::mixed_record;
using test_support::UdpListener;

const Interfaces points{{"eth1", ObservationDomainId{1}}};

std::unique_ptr<Output> ipfix_to(std::uint16_t port) {
    Config::Ipfix config;
    config.name = "test";
    config.host = "127.0.0.1";
    config.port = port;
    return open_ipfix(config, points).value();
}

std::unique_ptr<Output> json_to_nowhere() {
    Config::Json config;
    config.name = "test";
    config.path = "/dev/null";
    return open_json(config, points).value();
}

std::vector<std::unique_ptr<Output>> both(std::uint16_t port) {
    std::vector<std::unique_ptr<Output>> outputs;
    outputs.push_back(ipfix_to(port));
    outputs.push_back(json_to_nowhere());
    return outputs;
}

TEST(Exporter, drains_each_ring_into_every_output) {
    UdpListener listener;
    RecordRing first(64);
    RecordRing second(64);
    Exporter exporter({&first, &second}, both(listener.port()));
    EXPECT_FALSE(exporter.step());
    for (std::size_t index = 0; index < 50; ++index) {
        ASSERT_TRUE(first.push(mixed_record(index)));
    }
    ASSERT_TRUE(second.push(mixed_record(50)));
    first.publish();
    second.publish();
    EXPECT_TRUE(exporter.step());
    EXPECT_FALSE(exporter.step());
    EXPECT_EQ(exporter.dequeued()[0].records, 50U);
    EXPECT_EQ(exporter.dequeued()[1].records, 1U);
    exporter.finish(steady_clock::now() + seconds{20});
    for (const auto& output : exporter.outputs()) {
        EXPECT_EQ(output->counters().taken.records, 51U) << output->name();
        EXPECT_EQ(output->counters().sent.records, 51U) << output->name();
    }
    Collector collector;
    EXPECT_TRUE(listener.collect(collector, 51));
}

TEST(Exporter, finish_takes_what_is_behind_the_wrap) {
    UdpListener listener;
    RecordRing ring(8);
    Exporter exporter({&ring}, both(listener.port()));
    for (std::size_t index = 0; index < 6; ++index) {
        ASSERT_TRUE(ring.push(mixed_record(index)));
    }
    ring.publish();
    exporter.step();
    for (std::size_t index = 0; index < 8; ++index) {
        ASSERT_TRUE(ring.push(mixed_record(index)));
    }
    ring.publish();
    exporter.finish(steady_clock::now() + seconds{20});
    EXPECT_EQ(exporter.dequeued()[0].records, 14U);
    EXPECT_EQ(ring.waiting(), 0U);
}

std::unique_ptr<const inspect::SignatureSet> rule_set(std::uint32_t generation) {
    inspect::rules::RuleSet rules;
    inspect::rules::parse_rules("alert tcp any any -> any any (msg:\"of " +
                                    std::to_string(generation) + "\"; content:\"a\"; sid:7;)\n",
                                "x.rules", {}, rules);
    return std::move(*inspect::SignatureSet::build(std::move(rules), {.generation = generation}));
}

// Alerts from before a reload and behind it have the words of their own set.
TEST(Exporter, gives_alerts_to_outputs_that_have_a_form_for_them) {
    UdpListener listener;
    RecordRing ring(8);
    inspect::AlertRing alerts(64);
    AlertWords words(points);
    words.add(*rule_set(1));
    words.add(*rule_set(2));
    const std::string path = ::testing::TempDir() + "exporter_alerts.json";
    Config::Json json;
    json.name = "test";
    json.path = path;
    std::vector<std::unique_ptr<Output>> outputs;
    outputs.push_back(ipfix_to(listener.port()));
    outputs.push_back(open_json(json, points).value());
    Exporter exporter({&ring}, std::move(outputs));
    const std::vector<inspect::AlertRing*> rings{&alerts};
    exporter.alerts_from(rings, words);
    for (const std::uint32_t generation : {1U, 1U, 2U, 9U}) {
        ASSERT_TRUE(alerts.push({.sid = 7, .generation = generation}));
    }
    alerts.publish();
    exporter.finish(steady_clock::now() + seconds{20});
    EXPECT_EQ(exporter.dequeued()[0].alerts, 4U);
    EXPECT_EQ(exporter.outputs()[0]->counters().taken.alerts, 0U);
    EXPECT_EQ(exporter.outputs()[1]->counters().sent.alerts, 4U);
    std::ifstream file(path);
    std::vector<std::string> said;
    for (std::string line; std::getline(file, line);) {
        const auto at = line.find("\"signature\":\"") + 13;
        said.push_back(line.substr(at, line.find('"', at) - at));
    }
    EXPECT_EQ(said, (std::vector<std::string>{"of 1", "of 1", "of 2", ""}));
    std::remove(path.c_str());
}

// An output whose sender is behind; opened by the test.
class BusyOutput final : public Output {
public:
    std::string_view name() const noexcept override { return "busy"; }
    bool ready() noexcept override { return ready_; }
    void take(const RecordBatch& batch) override { taken_ += batch.records.size(); }
    void tick(steady_clock::time_point) override {}
    void flush(steady_clock::time_point) override {}
    OutputCounters counters() const override { return {}; }

    bool ready_ = false;
    std::size_t taken_ = 0;
};

TEST(Exporter, records_of_files_wait_for_an_output_and_live_ones_do_not) {
    for (const auto patience : {Exporter::Patience::wait, Exporter::Patience::refuse}) {
        RecordRing ring(64);
        ASSERT_TRUE(ring.push(mixed_record(0)));
        ring.publish();
        std::vector<std::unique_ptr<Output>> outputs;
        outputs.push_back(std::make_unique<BusyOutput>());
        auto& busy = static_cast<BusyOutput&>(*outputs.front());
        Exporter exporter({&ring}, std::move(outputs), patience);

        exporter.step();
        const bool waits = patience == Exporter::Patience::wait;
        EXPECT_EQ(busy.taken_, waits ? 0U : 1U);
        EXPECT_EQ(ring.waiting(), waits ? 1U : 0U);
        busy.ready_ = true;
        exporter.step();
        EXPECT_EQ(busy.taken_, 1U);
    }
}

// Keeps what it is given.
class KeepingOutput final : public Output {
public:
    std::string_view name() const noexcept override { return "keeping"; }
    void take(const RecordBatch& batch) override {
        records_.insert(records_.end(), batch.records.begin(), batch.records.end());
    }
    void take_alerts(std::span<const inspect::Alert> alerts, const AlertEvents&) override {
        alerts_.insert(alerts_.end(), alerts.begin(), alerts.end());
    }
    void tick(steady_clock::time_point) override {}
    void flush(steady_clock::time_point) override {}
    OutputCounters counters() const override { return {}; }

    std::vector<flow::FlowRecord> records_;
    std::vector<inspect::Alert> alerts_;
};

TEST(Exporter, tells_times_as_the_clock_has_been_set) {
    RecordRing ring(64);
    Exporter::AlertRing alerts(64);
    std::vector<std::unique_ptr<Output>> outputs;
    outputs.push_back(std::make_unique<KeepingOutput>());
    const auto& kept = static_cast<KeepingOutput&>(*outputs.front());
    Exporter exporter({&ring}, std::move(outputs));
    AlertWords words(points);
    words.add(*rule_set(1));
    const std::array<Exporter::AlertRing*, 1> rings{&alerts};
    exporter.alerts_from(rings, words);
    const LiveClock clock;
    ClockSteps steps(clock);
    exporter.follow(steps);
    const auto send = [&] {
        ASSERT_TRUE(ring.push(mixed_record(0)));
        ring.publish();
        ASSERT_TRUE(alerts.push({.generation = 1, .at = ObservedAt{seconds{100}}}));
        alerts.publish();
        exporter.step();
    };
    const flow::FlowRecord record = mixed_record(0);
    send();
    const ObservedAt now = clock.now();
    steps.note({.before = now, .wall = now + seconds{3'600}, .after = now});
    send();
    ASSERT_EQ(kept.records_.size(), 2U);
    ASSERT_EQ(kept.alerts_.size(), 2U);
    EXPECT_EQ(kept.records_[0].start, record.start);
    EXPECT_EQ(kept.records_[1].start, record.start + seconds{3'600});
    EXPECT_EQ(kept.records_[1].end, record.end + seconds{3'600});
    EXPECT_EQ(kept.records_[1].flow_start, record.flow_start + seconds{3'600});
    EXPECT_EQ(kept.records_[1].flow_id, record.flow_id);
    EXPECT_EQ(kept.alerts_[0].at, ObservedAt{seconds{100}});
    EXPECT_EQ(kept.alerts_[1].at, ObservedAt{seconds{3'700}});
}

TEST(Exporter, the_end_waits_for_no_output_beyond_its_deadline) {
    RecordRing ring(64);
    ASSERT_TRUE(ring.push(mixed_record(0)));
    ring.publish();
    std::vector<std::unique_ptr<Output>> outputs;
    outputs.push_back(std::make_unique<BusyOutput>());
    const auto& busy = static_cast<BusyOutput&>(*outputs.front());
    Exporter exporter({&ring}, std::move(outputs), Exporter::Patience::wait);
    exporter.finish(steady_clock::now());
    EXPECT_EQ(busy.taken_, 1U) << "given to the output, which counts what it cannot queue";
}

// Workers, the exporter core, the sending threads and a reader of the books, all at once (law L8).
TEST(Exporter, loses_nothing_while_everything_runs) {
    constexpr std::size_t records = 5'000;
    UdpListener listener;
    RecordRing first(256);
    RecordRing second(256);
    Exporter exporter({&first, &second}, both(listener.port()));
    const auto work = [](RecordRing& ring) {
        for (std::size_t index = 0; index < records;) {
            if (ring.push(mixed_record(index))) {
                ring.publish();
                ++index;
            } else {
                std::this_thread::yield();
            }
        }
    };
    Collector collector;
    {
        std::jthread core([&](const std::stop_token& stop) { exporter.run(stop); });
        std::jthread one(work, std::ref(first));
        std::jthread two(work, std::ref(second));
        std::jthread reader([&](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                std::vector<std::uint64_t> taken;
                for (const auto& output : exporter.outputs()) {
                    taken.push_back(output->counters().taken.records);
                }
                std::uint64_t dequeued = 0;
                for (const RecordTotals& ring : exporter.dequeued()) {
                    dequeued += ring.records;
                }
                for (const std::uint64_t records_taken : taken) {
                    EXPECT_LE(records_taken, dequeued);
                }
                std::this_thread::yield();
            }
        });
        one.join();
        two.join();
    }
    while (exporter.step()) {
    }
    exporter.finish(steady_clock::now() + seconds{20});
    listener.collect_waiting(collector);
    // What its socket had no room for, the collector learns from the next message it gets.
    ASSERT_TRUE(first.push(mixed_record(records)));
    first.publish();
    exporter.finish(steady_clock::now() + seconds{20});
    listener.collect(collector, collector.records().size() + 1);
    RecordTotals dequeued = exporter.dequeued()[0];
    dequeued += exporter.dequeued()[1];
    EXPECT_EQ(dequeued.records, 2 * records + 1);
    for (const auto& output : exporter.outputs()) {
        const OutputCounters counters = output->counters();
        EXPECT_EQ(counters.taken.packets, dequeued.packets);
        EXPECT_EQ(counters.taken.octets, dequeued.octets);
        EXPECT_EQ(counters.sent.records + counters.dropped[0].records + counters.dropped[1].records,
                  2 * records + 1);
    }
    // Law L11: what the collector has and what it sees missing is everything.
    EXPECT_EQ(collector.records().size() + collector.missing(), 2 * records + 1);
}

}  // namespace
}  // namespace tapmeter::exporting
