// The output to Kafka against librdkafka's own brokers, which fail when they are told to.
#include "src/exporting/kafka_output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "src/exporting/kafka_producer.h"
#include "src/exporting/kafka_sender.h"
#include "tests/src/exporting/kafka_cluster.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/output_end.h"

namespace tapmeter::exporting {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::dropped;
using test_support::finished;
using test_support::mixed_record;
using test_support::mixed_records;
using test_support::wait_until;
using Message = KafkaCluster::Message;

const Interfaces points{{"eth1", ObservationDomainId{1}}, {"eth2", ObservationDomainId{2}}};

class KafkaOutputTest : public testing::Test {
protected:
    KafkaCluster cluster_;
    std::mutex lock_;
    std::vector<std::string> logged_;

    Config::Kafka config(Config::Kafka::Format format = Config::Kafka::Format::eve) const {
        Config::Kafka config;
        config.name = "test";
        config.brokers = cluster_.brokers();
        config.topic = "flows";
        config.format = format;
        config.properties = {"reconnect.backoff.max.ms=200", "retry.backoff.ms=50",
                             "topic.metadata.propagation.max.ms=300"};
        return config;
    }
    std::unique_ptr<Output> open(const Config::Kafka& config) {
        return open_kafka(config, points,
                          [this](const std::string& line) {
                              const std::lock_guard guard(lock_);
                              logged_.push_back(line);
                          })
            .value();
    }
    bool was_logged(const std::string& words) {
        const std::lock_guard guard(lock_);
        return std::ranges::any_of(logged_, [&](const std::string& line) {
            return line.find(words) != std::string::npos;
        });
    }
};

TEST_F(KafkaOutputTest, each_record_is_a_message_of_json) {
    const auto output = open(config());
    EXPECT_EQ(output->name(), "kafka/test");
    output->take(mixed_records(2'000, 2));
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, 2'000U);
    EXPECT_EQ(counters.messages, 2'000U);
    EXPECT_TRUE(counters.up);
    std::set<std::uint64_t> flows;
    std::set<std::int32_t> partitions;
    std::uint64_t octets = 0;
    for (const Message& message : cluster_.consume(2'000)) {
        const json object = json::parse(message.value);
        flows.insert(object["flow_id"].get<std::uint64_t>());
        partitions.insert(message.partition);
        octets += message.value.size();
        EXPECT_EQ(message.key.size(), 16U);
    }
    EXPECT_EQ(flows.size(), 2'000U);
    EXPECT_EQ(partitions.size(), 4U);
    EXPECT_EQ(octets, counters.message_octets);
}

// Whoever reads one partition has all of a flow, in order.
TEST_F(KafkaOutputTest, records_of_one_flow_stay_together) {
    const auto output = open(config(Config::Kafka::Format::flat));
    std::vector<flow::FlowRecord> records;
    for (std::size_t index = 0; index < 400; ++index) {
        records.push_back(mixed_record(index % 20));
        records.back().forward.packets = Packets{index};
        if (index % 2 == 1) {  // the other way round
            std::swap(records.back().source, records.back().destination);
            std::swap(records.back().source_port, records.back().destination_port);
        }
    }
    output->take(records);
    EXPECT_EQ(finished(*output).sent.records, 400U);
    std::map<std::uint64_t, std::pair<std::int32_t, std::uint64_t>> last;
    for (const Message& message : cluster_.consume(400)) {
        const json object = json::parse(message.value);
        const auto packets = object["packetDeltaCount"].get<std::uint64_t>();
        const auto [known, fresh] = last.try_emplace(object["flowId"], message.partition, packets);
        EXPECT_EQ(known->second.first, message.partition);
        EXPECT_TRUE(fresh || known->second.second < packets);
        known->second.second = packets;
    }
    EXPECT_EQ(last.size(), 20U);
}

TEST_F(KafkaOutputTest, messages_of_ipfix_need_no_others) {
    const auto output = open(config(Config::Kafka::Format::ipfix));
    output->take(mixed_records(300, 2));
    EXPECT_EQ(finished(*output).sent.records, 300U);
    std::uint64_t octets = 0;
    for (const Message& message : cluster_.consume(300)) {
        test_support::Collector collector;
        collector.read(std::as_bytes(std::span{message.value}));
        EXPECT_TRUE(collector.faults().empty());
        EXPECT_EQ(collector.records().size(), 1U);
        octets += collector.sum(1);
    }
    EXPECT_EQ(octets, output->counters().sent.octets);
}

// Errors that brokers give on bad days: nothing is lost, nothing is there twice.
TEST_F(KafkaOutputTest, errors_of_brokers_lose_nothing) {
    cluster_.fail_next({RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR__TRANSPORT,
                        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT});
    const auto output = open(config());
    output->take(mixed_records(3'000));
    EXPECT_EQ(finished(*output).sent.records, 3'000U);
    std::multiset<std::uint64_t> flows;
    for (const Message& message : cluster_.consume(3'000)) {
        flows.insert(json::parse(message.value)["flow_id"].get<std::uint64_t>());
    }
    EXPECT_EQ(std::set(flows.begin(), flows.end()).size(), 3'000U);
    EXPECT_EQ(flows.size(), 3'000U);
}

TEST_F(KafkaOutputTest, waits_for_brokers_that_are_away) {
    cluster_.set_down(true);
    const auto output = open(config());
    output->take(mixed_records(1'000));
    output->tick(steady_clock::now() + seconds{1});
    wait_until([&] { return !output->counters().up; });
    EXPECT_EQ(output->counters().queued.records, 1'000U);
    cluster_.set_down(false);
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, 1'000U);
    EXPECT_TRUE(counters.up);
    EXPECT_EQ(cluster_.consume(1'000).size(), 1'000U);
}

TEST_F(KafkaOutputTest, what_the_queue_cannot_hold_is_counted) {
    cluster_.set_down(true);
    auto configured = config();
    configured.queue_blocks = 2;
    const auto output = open(configured);
    const auto records = mixed_records(256);
    while (dropped(output->counters(), RecordDropped::queue_full).records == 0) {
        output->take(records);
    }
    EXPECT_FALSE(output->ready());
    const OutputCounters counters = finished(*output, milliseconds{300});
    EXPECT_EQ(counters.sent.records, 0U);
    EXPECT_GT(dropped(counters, RecordDropped::send_error).records, 0U);
}

// One that brokers will never have must not stop the others.
TEST_F(KafkaOutputTest, messages_that_are_refused_are_counted) {
    cluster_.fail_next({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
    const auto output = open(config());
    output->take(std::vector{mixed_record(1)});
    output->tick(steady_clock::now() + seconds{1});
    wait_until([&] { return dropped(output->counters(), RecordDropped::refused).records == 1; });
    EXPECT_TRUE(was_logged("will never have"));
    output->take(mixed_records(50));
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, 50U);
    EXPECT_EQ(dropped(counters, RecordDropped::refused).packets, 3U);
}

TEST_F(KafkaOutputTest, a_topic_that_is_not_there_is_waited_for) {
    cluster_.topic_error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    const auto output = open(config());
    output->take(mixed_records(10));
    output->tick(steady_clock::now() + seconds{1});
    wait_until([&] { return was_logged("nknown topic"); });
    EXPECT_EQ(output->counters().queued.records, 10U);
    cluster_.topic_error(RD_KAFKA_RESP_ERR_NO_ERROR);
    EXPECT_EQ(finished(*output).sent.records, 10U);
    EXPECT_EQ(cluster_.consume(10).size(), 10U);
}

TEST_F(KafkaOutputTest, takes_what_it_is_to_take) {
    auto configured = config();
    configured.filter = "proto tcp";
    configured.sampling = 2;
    const auto output = open(configured);
    output->take(mixed_records(1'000));
    const OutputCounters counters = finished(*output);
    EXPECT_GT(counters.left_out.records, 500U);
    EXPECT_EQ(cluster_.consume(counters.sent.records).size(), counters.sent.records);
}

TEST_F(KafkaOutputTest, says_what_it_cannot_open) {
    auto configured = config();
    configured.properties = {"compression.codec=zip"};
    const auto codec = open_kafka(configured, points);
    ASSERT_FALSE(codec);
    EXPECT_NE(codec.error().message.find("export.kafka 'test': "), std::string::npos);
    EXPECT_NE(codec.error().message.find("zip"), std::string::npos) << codec.error().message;
    configured.properties = {"no.such.key=1"};
    EXPECT_FALSE(check_kafka(configured, points));
    configured.properties = {"acks=1"};  // not with an idempotent producer
    EXPECT_FALSE(check_kafka(configured, points));
    EXPECT_TRUE(check_kafka(config(), points));
    EXPECT_FALSE(open_kafka(config(), {}));
}

}  // namespace
}  // namespace tapmeter::exporting
