#include "src/exporting/kafka_properties.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace tapmeter::exporting {
namespace {

std::map<std::string, std::string> as_set(const Config::Kafka& config) {
    std::map<std::string, std::string> values;
    const auto properties = kafka_properties(config).value();
    for (const KafkaProperty& one : properties) {
        values[one.key] = one.value;
    }
    return values;
}

TEST(KafkaProperties, are_safe_by_themselves) {
    Config::Kafka config;
    config.brokers = "a:9092,b";
    auto values = as_set(config);
    EXPECT_EQ(values["bootstrap.servers"], "a:9092,b");
    EXPECT_EQ(values["enable.idempotence"], "true");
    EXPECT_EQ(values["message.timeout.ms"], "0");
    EXPECT_EQ(values["security.protocol"], "plaintext");
    EXPECT_FALSE(values.contains("sasl.username"));
}

TEST(KafkaProperties, of_who_writes_and_whom_we_believe) {
    const auto file =
        std::filesystem::temp_directory_path() / ("tapmeter_kafka_" + std::to_string(::getpid()));
    std::ofstream(file) << "secret\n";
    Config::Kafka config;
    config.tls = true;
    EXPECT_EQ(as_set(config)["security.protocol"], "ssl");
    config.tls_ca = "/etc/ca.pem";
    config.user = "me";
    config.password_file = file.string();
    auto values = as_set(config);
    EXPECT_EQ(values["security.protocol"], "sasl_ssl");
    EXPECT_EQ(values["ssl.ca.location"], "/etc/ca.pem");
    EXPECT_EQ(values["sasl.username"], "me");
    EXPECT_EQ(values["sasl.password"], "secret");
    config.tls = false;
    EXPECT_EQ(as_set(config)["security.protocol"], "sasl_plaintext");
    std::filesystem::remove(file);
    EXPECT_FALSE(kafka_properties(config));
}

TEST(KafkaProperties, the_operators_win) {
    Config::Kafka config;
    config.properties = {"compression.codec=zstd", "client.id=a=b"};
    auto values = as_set(config);
    EXPECT_EQ(values["compression.codec"], "zstd");
    EXPECT_EQ(values["client.id"], "a=b");
    config.properties = {"compression.codec"};
    const auto wrong = kafka_properties(config);
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().message.find("KEY=VALUE"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::exporting
