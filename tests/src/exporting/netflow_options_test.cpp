#include "src/exporting/netflow_options.h"

#include <gtest/gtest.h>

#include <string>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/netflow.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::NetflowReader;
using test_support::NetflowRecord;

constexpr std::uint16_t interface_number = 10;
constexpr std::uint16_t interface_name = 82;
constexpr std::uint16_t sampling_interval = 34;
constexpr std::uint16_t sampling_algorithm = 35;
constexpr std::uint16_t flows_sent = 42;

std::string text_of(const NetflowRecord& record, std::uint16_t field) {
    std::string text;
    for (const std::uint8_t octet : record.fields.at(field)) {
        text += octet == 0 ? "" : std::string(1, static_cast<char>(octet));
    }
    return text;
}

// With the header that the sending thread would write.
void read(NetflowReader& reader, std::vector<PreparedMessage> messages, std::uint32_t& sequence) {
    for (PreparedMessage& message : messages) {
        netflow9_protocol.store(message.octets, {.export_time = 1'700'000'000,
                                                 .sequence = sequence,
                                                 .domain = ObservationDomainId{7},
                                                 .uptime_origin = 1'699'999'000,
                                                 .records = message.templates});
        sequence += message.data_records;
        EXPECT_LE(message.octets.size(), 512U);
        reader.read(message.octets);
    }
}

NetflowOptions options_of(std::size_t interfaces) {
    NetflowOptions options;
    options.domain = ObservationDomainId{7};
    options.one_in = 64;
    for (std::size_t i = 0; i < interfaces; ++i) {
        options.interfaces.push_back({"eth" + std::to_string(i), ObservationDomainId{7}});
    }
    return options;
}

TEST(NetflowOptions, name_interfaces_and_tell_the_sampling) {
    for (const std::size_t interfaces : {1U, 3U, 4U, 5U, 20U, 64U}) {
        NetflowReader reader;
        std::uint32_t sequence = 0;
        read(reader, netflow_options_opening(options_of(interfaces)), sequence);
        EXPECT_TRUE(reader.faults.empty()) << reader.faults.front();
        EXPECT_EQ(reader.missing, 0U);
        EXPECT_TRUE(reader.records.empty());
        ASSERT_EQ(reader.options.size(), interfaces + 1);
        for (std::size_t i = 0; i < interfaces; ++i) {
            EXPECT_EQ(reader.options[i].value(0), 7U) << "the scope";
            EXPECT_EQ(reader.options[i].value(interface_number), i + 1);
            EXPECT_EQ(text_of(reader.options[i], interface_name), "eth" + std::to_string(i));
        }
        EXPECT_EQ(reader.options.back().value(sampling_interval), 64U);
        EXPECT_EQ(reader.options.back().value(sampling_algorithm), 2U) << "random";
    }
}

TEST(NetflowOptions, keep_names_to_their_length_and_domains_apart) {
    NetflowOptions options = options_of(3);
    options.interfaces[0].name = std::string(31, 'a') + "b";
    options.interfaces[1].name = std::string(32, 'a') + "b";
    options.interfaces[2].observation_domain_id = ObservationDomainId{8};
    NetflowReader reader;
    std::uint32_t sequence = 0;
    read(reader, netflow_options_opening(options), sequence);
    ASSERT_EQ(reader.options.size(), 3U);
    EXPECT_EQ(text_of(reader.options[0], interface_name), std::string(31, 'a') + "b");
    EXPECT_EQ(text_of(reader.options[1], interface_name), std::string(32, 'a'));
    EXPECT_EQ(reader.options[2].value(sampling_interval), 64U);
}

TEST(NetflowOptions, tell_what_was_sent) {
    NetflowReader reader;
    std::uint32_t sequence = 0;
    ExportingTotals totals;
    totals.message_octets = std::uint64_t{1} << 40U;
    totals.messages = 9;
    totals.records = 8;
    read(reader, netflow_options_opening(options_of(1)), sequence);
    read(reader, netflow_statistics(options_of(1), totals), sequence);
    EXPECT_TRUE(reader.faults.empty());
    ASSERT_EQ(reader.options.size(), 3U);
    EXPECT_EQ(reader.options[2].value(40), std::uint64_t{1} << 40U);
    EXPECT_EQ(reader.options[2].value(41), 9U);
    EXPECT_EQ(reader.options[2].value(flows_sent), 8U);
}

NetflowReader exported(const Config::Ipfix& config, test_support::UdpListener& listener) {
    const Interfaces interfaces{{"eth1", ObservationDomainId{1}}};
    const auto output = open_ipfix(config, interfaces).value();
    output->take(test_support::mixed_records(500));
    output->flush(steady_clock::now() + seconds{10});
    NetflowReader reader;
    for (auto message = listener.receive(seconds{1}); message;
         message = listener.receive(milliseconds{0})) {
        reader.read(*message);
    }
    return reader;
}

TEST(NetflowOptions, go_with_the_templates_and_do_not_disturb_the_sequence) {
    test_support::UdpListener listener;
    Config::Ipfix config;
    config.name = "test";
    config.transport = Config::Transport::netflow9;
    config.host = "127.0.0.1";
    config.port = listener.port();
    config.sampling = 2;
    const NetflowReader reader = exported(config, listener);
    EXPECT_TRUE(reader.faults.empty()) << reader.faults.front();
    EXPECT_EQ(reader.missing, 0U);
    ASSERT_GE(reader.options.size(), 3U);
    EXPECT_EQ(text_of(reader.options[0], interface_name), "eth1");
    EXPECT_EQ(reader.options[1].value(sampling_interval), 2U);
    EXPECT_TRUE(reader.options[2].has(flows_sent));
    EXPECT_FALSE(reader.records.empty());

    test_support::UdpListener other;
    config.port = other.port();
    config.options = false;
    const NetflowReader bare = exported(config, other);
    EXPECT_TRUE(bare.options.empty());
    EXPECT_EQ(bare.records.size(), reader.records.size());
}

}  // namespace
}  // namespace tapmeter::exporting
