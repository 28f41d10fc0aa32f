// The output to Kafka with a spool: brokers that are away, and a program that ends meanwhile.
#include <gtest/gtest.h>

#include <set>

#include <nlohmann/json.hpp>

#include "src/exporting/kafka_output.h"
#include "tests/src/exporting/kafka_cluster.h"
#include "tests/support/flow_records.h"
#include "tests/support/output_end.h"
#include "tests/support/spool_folder.h"

namespace tapmeter::exporting {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::dropped;
using test_support::expect_balanced;
using test_support::finished;
using test_support::SpoolFolder;
using test_support::take_numbered;
using test_support::wait_until;

const Interfaces points{{"eth1", ObservationDomainId{1}}, {"eth2", ObservationDomainId{2}}};

class KafkaSpooling : public testing::Test {
protected:
    KafkaCluster cluster_;
    SpoolFolder folder_;
    std::uint64_t last_id_ = 0;

    // Few blocks in the queue, and the others on disk.
    std::unique_ptr<Output> open() const {
        Config::Kafka config;
        config.name = "test";
        config.brokers = cluster_.brokers();
        config.topic = "flows";
        config.properties = {"reconnect.backoff.max.ms=200", "retry.backoff.ms=50"};
        config.queue_blocks = 8;  // 200 records are four blocks, and one is in progress
        config.spool_folder = folder_.path();
        config.spool_octets = std::uint64_t{64} << 20U;
        auto output = open_kafka(config, points);
        EXPECT_TRUE(output.has_value());
        return std::move(*output);
    }
    // The next records, each with an id of its own, as fast as the output takes them.
    void take(Output& output, std::size_t count) { take_numbered(output, count, last_id_); }
    void expect_each_once() {
        std::multiset<std::uint64_t> flows;
        for (const KafkaCluster::Message& message : cluster_.consume(last_id_)) {
            flows.insert(json::parse(message.value)["flow_id"].get<std::uint64_t>());
        }
        EXPECT_EQ(flows.size(), last_id_);
        EXPECT_EQ(std::set(flows.begin(), flows.end()).size(), last_id_);
    }
};

TEST_F(KafkaSpooling, brokers_that_are_away_cost_nothing) {
    const auto output = open();
    take(*output, 500);
    wait_until([&] { return output->counters().sent.records > 0; });
    cluster_.set_down(true);
    take(*output, 20'000);
    wait_until([&] { return output->counters().spooled.records > 15'000; });
    expect_balanced(output->counters());
    EXPECT_FALSE(output->counters().up);
    cluster_.set_down(false);
    wait_until([&] { return output->counters().up; });
    take(*output, 500);
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, last_id_);
    EXPECT_EQ(dropped(counters).records, 0U);
    expect_each_once();
    EXPECT_EQ(folder_.files(), 0U);
}

TEST_F(KafkaSpooling, the_next_run_sends_what_is_left) {
    {
        cluster_.set_down(true);
        const auto output = open();
        take(*output, 5'000);
        wait_until([&] { return !output->counters().up; });
        output->flush(steady_clock::now() + seconds{5});
        EXPECT_EQ(output->counters().spooled.records, 5'000U);
        EXPECT_EQ(dropped(output->counters()).records, 0U);
        expect_balanced(output->counters());
    }
    cluster_.set_down(false);
    const auto output = open();
    EXPECT_EQ(output->counters().recovered.records, 5'000U);
    take(*output, 300);
    wait_until([&] { return output->counters().sent.records >= 5'000; });
    output->flush(steady_clock::now() + seconds{20});
    EXPECT_EQ(output->counters().sent.records, 5'300U);
    expect_balanced(output->counters());
    expect_each_once();
    EXPECT_EQ(folder_.files(), 0U);
}

// What stands there under our name may have been written by another version of this program.
TEST_F(KafkaSpooling, what_is_no_block_is_counted_and_holds_nothing_up) {
    const std::string words = "messages of somebody else";
    {
        auto spool =
            Spool::open(
                {"kafka/test", "test.kafka", folder_.path().string(), std::uint64_t{64} << 20U, {}})
                .value();
        const auto octets = std::as_bytes(std::span{words});
        spool->announce({{{.kind = SpoolFrame::Kind::announcement,
                           .octets = static_cast<std::uint32_t>(words.size()),
                           .contents = {}},
                          {octets.begin(), octets.end()}}});
        ASSERT_EQ(spool->append({.kind = SpoolFrame::Kind::block,
                                 .octets = static_cast<std::uint32_t>(words.size()),
                                 .contents = {3, 20, 30, 0}},
                                octets),
                  Spool::Appended::done);
    }
    const auto output = open();
    take(*output, 200);
    output->tick(steady_clock::now() + seconds{1});
    wait_until([&] { return output->counters().sent.records == 200; });
    EXPECT_EQ(dropped(output->counters(), RecordDropped::spool_error).records, 3U);
    expect_balanced(output->counters());
    expect_each_once();
}

}  // namespace
}  // namespace tapmeter::exporting
