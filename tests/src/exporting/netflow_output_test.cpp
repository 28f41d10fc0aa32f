#include "src/exporting/netflow_output.h"

#include <gtest/gtest.h>

#include "tests/support/collector.h"
#include "tests/support/flow_records.h"
#include "tests/support/netflow.h"

namespace tapmeter::exporting {
namespace {

using flow::FlowRecord;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::mixed_records;
using test_support::NetflowReader;
using test_support::NetflowRecord;
using test_support::tcp_record;
using test_support::UdpListener;
using Transport = Config::Transport;

const Interfaces points{{"eth1", ObservationDomainId{10}}, {"eth2", ObservationDomainId{20}}};
constexpr std::uint64_t five_gibibytes_and_one = (std::uint64_t{5} << 30U) + 1;

Config::Ipfix config_for(Transport transport, std::uint16_t port) {
    Config::Ipfix config;
    config.name = "test";
    config.transport = transport;
    config.host = "127.0.0.1";
    config.port = port;
    return config;
}

struct Exported {
    NetflowReader reader;
    OutputCounters counters;
};

Exported exported(Config::Ipfix config, std::span<const FlowRecord> records) {
    UdpListener listener;
    config.port = listener.port();
    auto output = open_ipfix(config, points).value();
    EXPECT_EQ(output->name(), "netflow/test");
    output->take(records);
    output->flush(steady_clock::now() + seconds{20});
    Exported exported{{}, output->counters()};
    for (std::uint64_t i = 0; i < exported.counters.messages; ++i) {
        exported.reader.read(listener.receive(seconds{10}).value());
    }
    return exported;
}

void expect_balanced(const OutputCounters& counters) {
    std::uint64_t records = counters.left_out.records + counters.encoding.records +
                            counters.queued.records + counters.sent.records;
    std::uint64_t octets = counters.left_out.octets + counters.encoding.octets +
                           counters.queued.octets + counters.sent.octets;
    for (const RecordTotals& dropped : counters.dropped) {
        records += dropped.records;
        octets += dropped.octets;
    }
    EXPECT_EQ(counters.taken.records, records);
    EXPECT_EQ(counters.taken.octets, octets);
}

RecordTotals dropped(const OutputCounters& counters, RecordDropped reason) {
    return counters.dropped.at(static_cast<std::size_t>(reason));
}

std::int64_t milliseconds_of(ObservedAt at) {
    return std::chrono::floor<milliseconds>(at.time_since_epoch()).count();
}

TEST(Netflow9, tells_both_directions_of_every_flow) {
    const auto records = mixed_records(3'000, 2);
    const Exported netflow = exported(config_for(Transport::netflow9, 0), records);
    const NetflowReader& reader = netflow.reader;
    EXPECT_TRUE(reader.faults.empty()) << reader.faults.front();
    EXPECT_EQ(reader.missing, 0U);
    EXPECT_EQ(reader.next_sequence.size(), 2U) << "two sources";
    EXPECT_GE(reader.templates, 16U);
    expect_balanced(netflow.counters);
    EXPECT_EQ(netflow.counters.sent.records, records.size());

    std::uint64_t wanted_records = 0;
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;
    for (const FlowRecord& record : records) {
        wanted_records += record.reverse.packets.value == 0 ? 1 : 2;
        packets += totals_of(record).packets;
        octets += totals_of(record).octets;
    }
    EXPECT_EQ(reader.records.size(), wanted_records);
    std::uint64_t packets_read = 0;
    std::uint64_t octets_read = 0;
    for (const NetflowRecord& record : reader.records) {
        octets_read += record.value(1);
        packets_read += record.value(2);
        EXPECT_EQ(record.has(8), !record.has(27)) << "either of IPv4 or of IPv6";
    }
    EXPECT_EQ(packets_read, packets);
    EXPECT_EQ(octets_read, octets);
}

// Elements and lengths of RFC 3954 section 8.
TEST(Netflow9, one_flow_field_for_field) {
    const FlowRecord record = tcp_record();
    const Exported netflow = exported(config_for(Transport::netflow9, 0), std::span{&record, 1});
    ASSERT_EQ(netflow.reader.records.size(), 2U);
    const NetflowRecord& there = netflow.reader.records[0];
    const NetflowRecord& back = netflow.reader.records[1];
    EXPECT_EQ(there.value(8), 0x0A010203U);
    EXPECT_EQ(there.value(12), 0x5DB8D822U);
    EXPECT_EQ(there.value(7), 51'234U);
    EXPECT_EQ(there.value(11), 443U);
    EXPECT_EQ(there.value(1), 4'884U);
    EXPECT_EQ(there.value(2), 23U);
    EXPECT_EQ(there.value(4), 6U);
    EXPECT_EQ(there.value(5), 0x28U);
    EXPECT_EQ(there.value(6), 0x1BU);
    EXPECT_EQ(there.fields.at(6).size(), 1U);
    EXPECT_EQ(there.value(10), 1U);
    EXPECT_EQ(there.value(52), 63U);
    EXPECT_EQ(there.value(58), 120U);
    EXPECT_EQ(back.value(8), 0x5DB8D822U);
    EXPECT_EQ(back.value(7), 443U);
    EXPECT_EQ(back.value(1), 7'392U);
    EXPECT_EQ(back.value(6), 0x13U);
    for (const NetflowRecord* one : {&there, &back}) {
        EXPECT_EQ(one->origin + static_cast<std::int64_t>(one->value(22)),
                  milliseconds_of(record.start));
        EXPECT_EQ(one->origin + static_cast<std::int64_t>(one->value(21)),
                  milliseconds_of(record.end));
    }
}

// RFC 3954 has one number for the types of both ICMPs.
TEST(Netflow9, icmpv6_stands_where_icmp_stands) {
    const FlowRecord record = test_support::icmpv6_record();
    const Exported netflow = exported(config_for(Transport::netflow9, 0), std::span{&record, 1});
    ASSERT_EQ(netflow.reader.records.size(), 1U) << "nobody answered";
    EXPECT_EQ(netflow.reader.records[0].value(32), 128U * 256);
    EXPECT_FALSE(netflow.reader.records[0].has(139));
}

TEST(Netflow9, a_template_of_ones_own_and_a_counter_that_is_too_large_for_it) {
    Config::Ipfix config = config_for(Transport::netflow9, 0);
    config.fields = {"flowStartMilliseconds", "flowEndNanoseconds", "sourceAddress",
                     "octetDeltaCount/4", "tcpControlBits"};
    std::vector<FlowRecord> records(2, tcp_record());
    records[1].forward.octets = Octets{five_gibibytes_and_one};
    const Exported netflow = exported(config, records);
    EXPECT_TRUE(netflow.reader.faults.empty());
    ASSERT_EQ(netflow.reader.records.size(), 4U);
    EXPECT_EQ(netflow.reader.records[0].fields.at(1).size(), 4U);
    EXPECT_EQ(netflow.reader.records[2].fields.at(1).size(), 8U);
    EXPECT_EQ(netflow.reader.records[2].value(1), five_gibibytes_and_one);
    EXPECT_EQ(netflow.reader.records[2].fields.at(6).size(), 1U);
    EXPECT_EQ(netflow.reader.records[0].fields.at(22).size(), 4U);
    EXPECT_FALSE(netflow.reader.records[0].has(11));
}

TEST(Netflow9, what_it_has_no_word_for_is_refused) {
    struct Bad {
        std::string word;
        std::string must;
    };
    for (const Bad& bad :
         {Bad{"reverseOctetDeltaCount", "one direction"}, Bad{"responderOctets", "one direction"},
          Bad{"interfaceName", "fixed length"}, Bad{"workerId", "IANA"},
          Bad{"flowStartSysUpTime", "flowStartMilliseconds"}, Bad{"flowStartSeconds", "once"}}) {
        Config::Ipfix config = config_for(Transport::netflow9, 2'055);
        config.fields = {"flowStartMilliseconds", "octetDeltaCount", bad.word};
        const auto refused = check_ipfix(config, points);
        ASSERT_FALSE(refused.has_value()) << bad.word;
        EXPECT_NE(refused.error().message.find(bad.must), std::string::npos)
            << refused.error().message;
    }
    Config::Ipfix config = config_for(Transport::netflow9, 2'055);
    config.fields = {"default", "flowDurationMilliseconds"};
    EXPECT_TRUE(check_ipfix(config, points).has_value());
    config.transport = Transport::netflow5;
    EXPECT_FALSE(check_ipfix(config, points).has_value()) << "it has one format";
}

// Ages that 32 bits of milliseconds do not reach: each is told from an origin of its own.
TEST(Netflow9, times_far_apart_come_back_as_they_were) {
    std::vector<FlowRecord> records(4, tcp_record());
    records[1].start -= std::chrono::hours{24 * 365 * 20};
    records[1].end = records[1].start + milliseconds{1'234};
    records[2].start += std::chrono::hours{24 * 200};
    records[2].end = records[2].start + milliseconds{1};
    records[3].start = ObservedAt{
        std::chrono::floor<Nanoseconds>(std::chrono::system_clock::now().time_since_epoch())};
    records[3].end = records[3].start + milliseconds{5};
    for (const Transport transport : {Transport::netflow9, Transport::netflow5}) {
        const Exported netflow = exported(config_for(transport, 0), records);
        EXPECT_TRUE(netflow.reader.faults.empty()) << netflow.reader.faults.front();
        EXPECT_EQ(netflow.reader.missing, 0U);
        ASSERT_EQ(netflow.reader.records.size(), 8U);
        const bool version9 = transport == Transport::netflow9;
        for (std::size_t i = 0; i < 8; ++i) {
            const NetflowRecord& one = netflow.reader.records[i];
            EXPECT_EQ(one.origin + static_cast<std::int64_t>(one.value(version9 ? 22 : 24)),
                      milliseconds_of(records[i / 2].start))
                << i;
            EXPECT_EQ(one.origin + static_cast<std::int64_t>(one.value(version9 ? 21 : 28)),
                      milliseconds_of(records[i / 2].end))
                << i;
        }
    }
}

TEST(Netflow9, times_that_no_header_can_tell_are_counted_by_name) {
    constexpr std::int64_t last_second = 0xFFFF'FFFE;  // the header's time comes after it
    const auto at = [](std::int64_t second) { return ObservedAt{std::chrono::seconds{second}}; };
    std::vector<FlowRecord> records(5, tcp_record());
    records[0].start = records[0].end = at(last_second);
    records[1].start = records[1].end = at(last_second + 1);
    records[2].start = at(1'000'000'000);
    records[2].end = records[2].start + std::chrono::hours{24 * 48};
    records[3].start = records[3].end = at(-5);
    records[4].start = at(1'000'000'000);
    records[4].end = records[4].start + std::chrono::hours{24 * 47};
    const Exported netflow = exported(config_for(Transport::netflow9, 0), records);
    EXPECT_TRUE(netflow.reader.faults.empty());
    EXPECT_EQ(dropped(netflow.counters, RecordDropped::not_expressible).records, 2U);
    ASSERT_EQ(netflow.reader.records.size(), 6U);
    const auto start_of = [&](std::size_t index) {
        const NetflowRecord& one = netflow.reader.records[index];
        return one.origin + static_cast<std::int64_t>(one.value(22));
    };
    EXPECT_EQ(start_of(0), last_second * 1'000);
    EXPECT_EQ(start_of(2), 0) << "before 1970 is 1970";
    EXPECT_EQ(start_of(4), 1'000'000'000'000);
    expect_balanced(netflow.counters);
}

TEST(Netflow9, a_message_that_the_queue_refused_is_a_gap) {
    UdpListener listener;
    Config::Ipfix config = config_for(Transport::netflow9, listener.port());
    config.queue_messages = 16;
    auto output = open_ipfix(config, points).value();
    const auto records = mixed_records(2'000, 1);
    NetflowReader reader;
    do {
        for (int round = 0; round < 20; ++round) {
            output->take(records);
        }
    } while (dropped(output->counters(), RecordDropped::queue_full).records == 0);
    output->flush(steady_clock::now() + seconds{20});
    output->take(std::span{records}.first(1));
    output->flush(steady_clock::now() + seconds{20});
    const OutputCounters counters = output->counters();
    expect_balanced(counters);
    while (const auto message = listener.receive(milliseconds{200})) {
        reader.read(*message);
    }
    EXPECT_TRUE(reader.faults.empty());
    EXPECT_GT(reader.missing, 0U);
}

TEST(Netflow5, tells_ipv4_and_counts_the_rest_by_name) {
    const auto records = mixed_records(3'000, 2);
    const Exported netflow = exported(config_for(Transport::netflow5, 0), records);
    const NetflowReader& reader = netflow.reader;
    EXPECT_TRUE(reader.faults.empty()) << reader.faults.front();
    EXPECT_EQ(reader.missing, 0U);
    RecordTotals wanted;
    RecordTotals other;
    for (const FlowRecord& record : records) {
        (record.ip_version == 4 ? wanted : other) += totals_of(record);
    }
    EXPECT_EQ(netflow.counters.sent.records, wanted.records);
    EXPECT_EQ(netflow.counters.sent.octets, wanted.octets);
    const RecordTotals refused = dropped(netflow.counters, RecordDropped::not_expressible);
    EXPECT_EQ(refused.records, other.records);
    EXPECT_EQ(refused.packets, other.packets);
    expect_balanced(netflow.counters);
    std::uint64_t octets = 0;
    for (const NetflowRecord& record : reader.records) {
        octets += record.value(20);
    }
    EXPECT_EQ(octets, wanted.octets);
    EXPECT_EQ(*std::ranges::max_element(reader.message_octets), 24U + 30U * 48U)
        << "thirty records in a full message";
}

TEST(Netflow5, one_flow_field_for_field) {
    const FlowRecord record = tcp_record();
    const Exported netflow = exported(config_for(Transport::netflow5, 0), std::span{&record, 1});
    ASSERT_EQ(netflow.reader.records.size(), 2U);
    const NetflowRecord& there = netflow.reader.records[0];
    EXPECT_EQ(there.value(0), 0x0A010203U);
    EXPECT_EQ(there.value(4), 0x5DB8D822U);
    EXPECT_EQ(there.value(8), 0U);
    EXPECT_EQ(there.value(12), 1U);
    EXPECT_EQ(there.value(16), 23U);
    EXPECT_EQ(there.value(20), 4'884U);
    EXPECT_EQ(there.value(32), 51'234U);
    EXPECT_EQ(there.value(34), 443U);
    EXPECT_EQ(there.value(37), 0x1BU);
    EXPECT_EQ(there.value(38), 6U);
    EXPECT_EQ(there.value(39), 0x28U);
    EXPECT_EQ(there.value(44), 32U);
    EXPECT_EQ(netflow.reader.records[1].value(20), 7'392U);
    FlowRecord ping = tcp_record();
    ping.protocol = 1;
    ping.icmp_type = 8;
    ping.icmp_code = 3;
    ping.reverse = {};
    const Exported icmp = exported(config_for(Transport::netflow5, 0), std::span{&ping, 1});
    ASSERT_EQ(icmp.reader.records.size(), 1U);
    EXPECT_EQ(icmp.reader.records[0].value(34), 8U * 256 + 3);
    EXPECT_EQ(icmp.reader.records[0].value(32), 0U);
}

// Both sides of every limit of 32 bits.
TEST(Netflow5, counters_beyond_32_bits_leave_as_several_records) {
    struct Case {
        std::uint64_t octets;
        std::uint64_t packets;
        std::size_t records;
    };
    constexpr std::uint64_t most = 0xFFFF'FFFF;
    for (const Case& one :
         {Case{most, 1, 1}, Case{most + 1, 1, 2}, Case{five_gibibytes_and_one, 3'579'140, 2},
          Case{2 * most, 7, 2}, Case{2 * most + 1, 7, 3}, Case{9, most + 1, 2},
          Case{netflow5_parts_max * most, 5, netflow5_parts_max},
          Case{netflow5_parts_max * most + 1, 5, 0}}) {
        FlowRecord record = tcp_record();
        record.forward.octets = Octets{one.octets};
        record.forward.packets = Packets{one.packets};
        record.reverse = {};
        const Exported netflow =
            exported(config_for(Transport::netflow5, 0), std::span{&record, 1});
        EXPECT_TRUE(netflow.reader.faults.empty());
        EXPECT_EQ(netflow.reader.records.size(), one.records);
        expect_balanced(netflow.counters);
        if (one.records == 0) {
            EXPECT_EQ(dropped(netflow.counters, RecordDropped::not_expressible).octets, one.octets);
            continue;
        }
        std::uint64_t octets = 0;
        std::uint64_t packets = 0;
        for (const NetflowRecord& part : netflow.reader.records) {
            octets += part.value(20);
            packets += part.value(16);
        }
        EXPECT_EQ(octets, one.octets);
        EXPECT_EQ(packets, one.packets);
        EXPECT_EQ(netflow.counters.sent.records, 1U);
        EXPECT_EQ(netflow.counters.sent.octets, one.octets);
    }
}

TEST(Netflow5, a_collector_that_comes_late_misses_nothing_that_the_queue_holds) {
    std::uint16_t port = 0;
    {
        UdpListener listener;
        port = listener.port();
    }
    auto output = open_ipfix(config_for(Transport::netflow5, port), points).value();
    const auto records = mixed_records(300, 1);
    output->take(records);
    output->tick(steady_clock::now() + seconds{1});
    const auto deadline = steady_clock::now() + seconds{10};
    while (output->counters().up && steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    EXPECT_FALSE(output->counters().up);
    UdpListener listener(false, port);
    output->flush(steady_clock::now() + seconds{10});
    NetflowReader reader;
    while (const auto message = listener.receive(milliseconds{200})) {
        reader.read(*message);
    }
    std::uint64_t octets = 0;
    for (const NetflowRecord& record : reader.records) {
        octets += record.value(20);
    }
    EXPECT_EQ(octets, output->counters().sent.octets);
    EXPECT_EQ(output->counters().queued.records, 0U);
    expect_balanced(output->counters());
}

}  // namespace
}  // namespace tapmeter::exporting
