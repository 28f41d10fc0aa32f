#include "src/verbs/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "tests/src/capture_files/temporary_file.h"
#include "tests/src/verbs/records.h"

namespace tapmeter::verbs {
namespace {

using ::testing::HasSubstr;

const exporting::Interfaces interfaces{
    {.name = "p0", .observation_domain_id = ObservationDomainId{1}}};

Config::Json json_to(const std::string& path) {
    Config::Json json;
    json.name = "file";
    json.path = path;
    return json;
}
Config::Ipfix ipfix_to(const std::string& host) {
    Config::Ipfix ipfix;
    ipfix.name = "main";
    ipfix.host = host;
    return ipfix;
}

TEST(OpenOutputs, opens_each_that_the_configuration_names) {
    const capture_files::testing::TemporaryFile file{{}};
    Config config;
    config.json = {json_to(file.path().string())};
    config.ipfix = {ipfix_to("127.0.0.1")};
    auto outputs = open_outputs(config, interfaces, {});
    ASSERT_TRUE(outputs.has_value()) << outputs.error().message;
    ASSERT_EQ(outputs->size(), 2U);
    EXPECT_EQ((*outputs)[0]->name(), "ipfix/main");
    EXPECT_EQ((*outputs)[1]->name(), "json/file");

    const std::array records{testing::record_between(1, 2, 1'000)};
    (*outputs)[1]->take(records);
    (*outputs)[1]->flush(std::chrono::steady_clock::now() + std::chrono::seconds(60));
    EXPECT_EQ((*outputs)[1]->counters().sent.records, 1U);
    std::ifstream stream(file.path());
    std::string line;
    EXPECT_TRUE(std::getline(stream, line));
    EXPECT_FALSE(std::getline(stream, line));
}

// A server that is away is no error; a program that was built without the library says so.
TEST(OpenOutputs, databases_and_buses_too) {
    Config config;
    config.clickhouse.resize(1);
    config.clickhouse[0].name = "db";
    config.clickhouse[0].url = "http://127.0.0.1:9";
    config.kafka.resize(1);
    config.kafka[0].name = "bus";
    config.kafka[0].brokers = "127.0.0.1:9";
    const auto outputs = open_outputs(config, interfaces, {});
    if (!outputs) {
        EXPECT_THAT(outputs.error().message, HasSubstr("was built without"));
        return;
    }
    ASSERT_EQ(outputs->size(), 2U);
    EXPECT_EQ((*outputs)[0]->name(), "clickhouse/db");
    EXPECT_EQ((*outputs)[1]->name(), "kafka/bus");
}

TEST(OpenOutputs, none_is_no_error) {
    const auto outputs = open_outputs({}, interfaces, {});
    ASSERT_TRUE(outputs.has_value());
    EXPECT_TRUE(outputs->empty());
}

TEST(OpenOutputs, one_that_cannot_be_opened_is_named) {
    Config config;
    config.json = {json_to("/nonexistent/flows.json")};
    const auto outputs = open_outputs(config, interfaces, {});
    ASSERT_FALSE(outputs.has_value());
    EXPECT_THAT(outputs.error().message, HasSubstr("/nonexistent/flows.json"));
}

}  // namespace
}  // namespace tapmeter::verbs
