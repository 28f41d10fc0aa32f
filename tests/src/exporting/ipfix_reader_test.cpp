#include "src/exporting/ipfix_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "src/exporting/ipfix_output.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using flow::FlowRecord;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::mixed_records;
using test_support::UdpListener;

const Interfaces points{{"eth1", ObservationDomainId{10}}, {"eth2", ObservationDomainId{20}}};

std::vector<std::byte> exported(Config::Ipfix config, std::span<const FlowRecord> records) {
    UdpListener listener;
    config.name = "test";
    config.host = "127.0.0.1";
    config.port = listener.port();
    auto output = open_ipfix(config, points).value();
    output->take(records);
    output->flush(steady_clock::now() + seconds{20});
    std::vector<std::byte> octets;
    for (std::uint64_t i = 0; i < output->counters().messages; ++i) {
        const auto message = listener.receive(seconds{10}).value();
        octets.insert(octets.end(), message.begin(), message.end());
    }
    return octets;
}

struct Read {
    std::vector<FlowRecord> records;
    IpfixReader::Counts counts;
    std::string failure;
    std::size_t left = 0;
};

Read read(Bytes octets) {
    Read read;
    IpfixReader reader;
    while (const std::size_t length = reader.read(octets, read.records, read.failure)) {
        octets = octets.subspan(length);
    }
    read.counts = reader.counts();
    read.left = octets.size();
    return read;
}

const FlowRecord* find(const Read& read, std::uint64_t id) {
    const auto found = std::ranges::find(read.records, id, &FlowRecord::flow_id);
    return found == read.records.end() ? nullptr : &*found;
}

TEST(IpfixReader, gives_back_what_was_exported) {
    for (const TimeUnit unit :
         {TimeUnit::milliseconds, TimeUnit::microseconds, TimeUnit::nanoseconds}) {
        auto records = mixed_records(1'000, 2);
        records[5].sampling_exponent = 3;
        records[5].source_prefix_length = 32;
        records[5].destination_prefix_length = 32;
        Config::Ipfix config;
        config.time_unit = unit;
        const Read got = read(exported(config, records));
        EXPECT_EQ(got.failure, "");
        EXPECT_EQ(got.left, 0U);
        EXPECT_EQ(got.counts.missing, 0U);
        EXPECT_EQ(got.counts.without_template, 0U);
        EXPECT_GT(got.counts.options, 0U);
        ASSERT_EQ(got.records.size(), records.size());
        const std::int64_t resolution = unit == TimeUnit::nanoseconds    ? 1
                                        : unit == TimeUnit::microseconds ? 1'000
                                                                         : 1'000'000;
        for (const FlowRecord& wanted : records) {
            const FlowRecord* const one = find(got, wanted.flow_id);
            ASSERT_NE(one, nullptr) << wanted.flow_id;
            EXPECT_EQ(one->source, wanted.source);
            EXPECT_EQ(one->destination, wanted.destination);
            EXPECT_EQ(one->ip_version, wanted.ip_version);
            EXPECT_EQ(one->protocol, wanted.protocol);
            EXPECT_EQ(one->destination_port, wanted.destination_port);
            EXPECT_EQ(one->forward.octets, wanted.forward.octets);
            EXPECT_EQ(one->reverse.packets, wanted.reverse.packets);
            EXPECT_EQ(one->end_reason, wanted.end_reason);
            EXPECT_EQ(one->vlan, wanted.vlan);
            EXPECT_EQ(one->sampling_exponent, wanted.sampling_exponent);
            EXPECT_EQ(one->aggregated, wanted.aggregated);
            const std::int64_t start = wanted.start.time_since_epoch().count();
            EXPECT_EQ(one->start.time_since_epoch().count(), start - start % resolution);
            if (wanted.protocol == 1 || wanted.protocol == 58) {
                EXPECT_EQ(one->icmp_type, wanted.icmp_type);
            }
        }
    }
}

TEST(IpfixReader, reads_texts_shortened_counters_and_what_is_not_ours) {
    Config::Ipfix config;
    config.enterprise_number = 32'473;
    config.fields = {"interfaceName", "workerId",  "octetDeltaCount/3", "sourceAddress",
                     "flowId",        "ipVersion", "flowStartSeconds"};
    auto records = mixed_records(100, 2);
    records[7].forward.octets = Octets{std::uint64_t{5} << 30U};
    const Read got = read(exported(config, records));
    EXPECT_EQ(got.failure, "");
    ASSERT_EQ(got.records.size(), 100U);
    EXPECT_EQ(find(got, 8)->forward.octets.value, std::uint64_t{5} << 30U);
    EXPECT_EQ(find(got, 9)->forward.octets, records[8].forward.octets);
    EXPECT_EQ(find(got, 9)->start.time_since_epoch(),
              std::chrono::floor<seconds>(records[8].start.time_since_epoch()));
}

TEST(IpfixReader, a_stream_cut_at_any_octet_waits_for_the_rest) {
    const auto octets = exported({}, mixed_records(40, 1));
    for (std::size_t cut = 0; cut < octets.size(); ++cut) {
        const Read got = read(std::span{octets}.first(cut));
        EXPECT_EQ(got.failure, "");
        EXPECT_LE(got.records.size(), 40U);
    }
}

TEST(IpfixReader, tells_of_gaps_and_of_sets_without_a_template) {
    const auto octets = exported({}, mixed_records(400, 1));
    // Without the Templates, which are in the first messages.
    IpfixReader reader;
    std::vector<FlowRecord> records;
    std::string failure;
    Bytes rest = octets;
    std::size_t messages = 0;
    for (; rest.size() >= 16; ++messages) {
        const std::size_t length = load_be16(rest.subspan<2, 2>());
        if (messages % 5 == 4) {
            ASSERT_EQ(reader.read(rest.first(length), records, failure), length) << failure;
        }
        rest = rest.subspan(length);
    }
    EXPECT_GT(reader.counts().without_template + reader.counts().missing, 0U);
}

// One message of one domain: a Template of an address, data under it, and what else is asked for.
std::vector<std::byte> message_of(std::initializer_list<std::uint16_t> words) {
    std::vector<std::byte> octets;
    const auto put = [&](std::uint16_t word) {
        octets.push_back(static_cast<std::byte>(word >> 8U));
        octets.push_back(static_cast<std::byte>(word & 0xFFU));
    };
    put(ipfix_version);
    put(static_cast<std::uint16_t>(message_header_octets + 2 * words.size()));
    for (int word = 0; word < 6; ++word) {
        put(0);
    }
    for (const std::uint16_t word : words) {
        put(word);
    }
    return octets;
}

// RFC 7011 section 8.1.
TEST(IpfixReader, a_template_that_was_withdrawn_reads_nothing_any_more) {
    const auto defined = message_of({2, 20, 256, 1, 8, 4, 257, 1, 8, 4, 3, 14, 300, 1, 1, 149, 4});
    const auto data = message_of({256, 8, 0x0A00, 1, 257, 8, 0x0A00, 2, 300, 8, 0, 7});
    const auto withdrawn = message_of({2, 12, 256, 0, 999, 0});
    const auto all = message_of({2, 8, 2, 0});
    const auto all_options = message_of({3, 8, 3, 0});
    IpfixReader reader;
    std::vector<FlowRecord> records;
    std::string failure;
    const auto feed = [&](Bytes message) {
        EXPECT_EQ(reader.read(message, records, failure), message.size()) << failure;
        return reader.counts();
    };
    feed(defined);
    EXPECT_EQ(feed(data).records, 2U);
    EXPECT_EQ(feed(withdrawn).unknown_withdrawals, 1U) << "of 999: counted and ignored";
    EXPECT_EQ(feed(data).records, 3U) << "of 257 alone";
    EXPECT_EQ(reader.counts().without_template, 1U);
    EXPECT_EQ(feed(all).unknown_withdrawals, 1U);
    EXPECT_EQ(feed(data).records, 3U);
    EXPECT_EQ(reader.counts().without_template, 3U);
    EXPECT_EQ(reader.counts().options, 3U) << "options have a withdrawal of their own";
    feed(all_options);
    EXPECT_EQ(feed(data).options, 3U);
    feed(defined);
    EXPECT_EQ(feed(data).records, 5U) << "an id may be used anew then";
}

// Hostile octets: never a crash, never more memory than the limits, always an end.
TEST(IpfixReader, damaged_messages_are_refused_or_read) {
    const auto whole = exported({}, mixed_records(60, 2));
    std::mt19937_64 random{20'251'122};
    for (int round = 0; round < 3'000; ++round) {
        auto octets = whole;
        for (std::uint64_t times = 1 + random() % 8; times > 0; --times) {
            octets[random() % octets.size()] = static_cast<std::byte>(random());
        }
        const Read got = read(octets);
        EXPECT_LE(got.records.size(), octets.size());
        for (const FlowRecord& record : got.records) {
            EXPECT_TRUE(record.ip_version == 4 || record.ip_version == 6);
            EXPECT_EQ(record.observation_point, 0U);
            EXPECT_LT(record.sampling_exponent, 64U);
        }
    }
}

TEST(IpfixReader, refuses_what_is_no_message) {
    std::vector<std::byte> octets(32);
    EXPECT_NE(read(octets).failure.find("version 0"), std::string::npos);
    octets[1] = std::byte{10};
    EXPECT_NE(read(octets).failure, "") << "length 0";
    octets[3] = std::byte{32};
    octets[19] = std::byte{3};  // a Set shorter than its own header
    EXPECT_NE(read(octets).failure.find("shorter than its own header"), std::string::npos);
    octets[19] = std::byte{17};
    EXPECT_NE(read(octets).failure.find("longer than its message"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::exporting
