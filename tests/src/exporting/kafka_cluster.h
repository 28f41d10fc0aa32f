#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

namespace tapmeter::exporting {

// A cluster of three brokers with one topic of four partitions.
class KafkaCluster {
public:
    struct Message {
        std::string key;
        std::string value;
        std::int32_t partition = 0;
    };

    KafkaCluster() {
        std::array<char, 256> words{};
        handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), words.data(), words.size());
        cluster_ = rd_kafka_mock_cluster_new(handle_, 3);
        rd_kafka_mock_topic_create(cluster_, "flows", 4, 1);
    }
    KafkaCluster(const KafkaCluster&) = delete;
    KafkaCluster& operator=(const KafkaCluster&) = delete;
    ~KafkaCluster() {
        rd_kafka_mock_cluster_destroy(cluster_);
        rd_kafka_destroy(handle_);
    }

    std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
    void set_down(bool down) {
        for (std::int32_t broker = 1; broker <= 3; ++broker) {
            down ? rd_kafka_mock_broker_set_down(cluster_, broker)
                 : rd_kafka_mock_broker_set_up(cluster_, broker);
        }
    }
    void fail_next(const std::vector<rd_kafka_resp_err_t>& errors) {
        constexpr std::int16_t produce = 0;
        rd_kafka_mock_push_request_errors_array(cluster_, produce, errors.size(), errors.data());
    }
    void topic_error(rd_kafka_resp_err_t error) {
        rd_kafka_mock_topic_set_error(cluster_, "flows", error);
    }

    // All messages of the topic, by another client.
    std::vector<Message> consume(std::size_t wanted) {
        std::array<char, 256> words{};
        rd_kafka_conf_t* conf = rd_kafka_conf_new();
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers().c_str(), words.data(), words.size());
        rd_kafka_conf_set(conf, "group.id", "reader", words.data(), words.size());
        rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, words.data(), words.size());
        rd_kafka_topic_partition_list_t* parts = rd_kafka_topic_partition_list_new(4);
        for (std::int32_t partition = 0; partition < 4; ++partition) {
            rd_kafka_topic_partition_list_add(parts, "flows", partition)->offset =
                RD_KAFKA_OFFSET_BEGINNING;
        }
        rd_kafka_assign(consumer, parts);
        rd_kafka_topic_partition_list_destroy(parts);
        std::vector<Message> messages;
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        // Once all are there, a moment longer: there must be no more.
        for (int quiet = 0; quiet < 3 && std::chrono::steady_clock::now() < deadline;) {
            rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 100);
            if (message == nullptr) {
                quiet += messages.size() >= wanted ? 1 : 0;
                continue;
            }
            if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                messages.push_back({{static_cast<const char*>(message->key), message->key_len},
                                    {static_cast<const char*>(message->payload), message->len},
                                    message->partition});
            }
            rd_kafka_message_destroy(message);
        }
        rd_kafka_consumer_close(consumer);
        rd_kafka_destroy(consumer);
        return messages;
    }

private:
    rd_kafka_t* handle_ = nullptr;
    rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

}  // namespace tapmeter::exporting
