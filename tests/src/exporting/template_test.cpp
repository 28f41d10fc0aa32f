#include "src/exporting/template.h"

#include <gtest/gtest.h>

#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using test_support::icmpv6_record;
using test_support::tcp_record;

ObservedAt at(std::int64_t nanoseconds) {
    return ObservedAt{Nanoseconds{nanoseconds}};
}

// The octets of one Data Record, in hexadecimal.
std::string encoded(const Template& made_for, const FlowRecord& record) {
    std::vector<std::byte> octets(made_for.record_octets);
    made_for.encode(record, octets);
    std::string text;
    for (const std::byte octet : octets) {
        constexpr std::string_view digits = "0123456789abcdef";
        text += digits[std::to_integer<std::size_t>(octet) >> 4U];
        text += digits[std::to_integer<std::size_t>(octet) & 15U];
    }
    return text;
}

TEST(Template, ids_are_the_same_everywhere_and_from_256) {
    for (const bool quirk : {false, true}) {
        for (const TimeUnit unit :
             {TimeUnit::milliseconds, TimeUnit::microseconds, TimeUnit::nanoseconds}) {
            const Templates& templates = biflow_templates(unit, quirk);
            for (std::uint16_t kind = 0; kind < flow_kinds; ++kind) {
                EXPECT_EQ(templates[kind].id, 256 + kind);
            }
        }
    }
}

TEST(Template, a_data_record_is_written_octet_for_octet) {
    const Templates& templates = biflow_templates(TimeUnit::milliseconds, false);
    EXPECT_EQ(encoded(templates[kind_of(tcp_record())], tcp_record()),
              "0000019aa0c30dff"
              "0000019aa0c31e03"  // start, end in milliseconds
              "0000000000001314"
              "0000000000000017"  // octets, packets
              "0000000000001ce0"
              "0000000000000015"  // reverse
              "0000000000001456"
              "0000000000001e06"  // layer 2 octets, reverse
              "000462d53c8abac0"  // flowId
              "0a010203"
              "5db8d822"  // addresses
              "00000001"  // ingressInterface: the first is 1
              "c822"
              "01bb"  // ports
              "001b"
              "0013"  // tcpControlBits, reverse
              "0078"
              "0007"  // VLANs
              "06"
              "28"
              "2c"
              "3f"
              "33"
              "03"
              "01");  // protocol … biflowDirection
}

// Aggregates and sampled flows: prefix lengths, algorithm 4 and the probability as a float64.
TEST(Template, a_record_that_stands_for_others_says_for_how_many) {
    const Templates& templates = biflow_templates(TimeUnit::milliseconds, false);
    FlowRecord record = tcp_record();
    const std::string alone = encoded(templates[kind_of(record)], record);
    record.aggregated = true;
    record.destination_prefix_length = 24;
    EXPECT_EQ(kind_of(record), 4U);
    EXPECT_EQ(encoded(templates[kind_of(record)], record), alone +
                                                               "00"
                                                               "18"
                                                               "0004"
                                                               "3ff0000000000000");
    record = tcp_record();
    record.sampling_exponent = 3;
    record.source_prefix_length = record.destination_prefix_length = 32;
    EXPECT_EQ(kind_of(record), 4U);
    EXPECT_EQ(encoded(templates[kind_of(record)], record), alone +
                                                               "20"
                                                               "20"
                                                               "0004"
                                                               "3fc0000000000000");
    record.ip_version = 6;
    EXPECT_EQ(kind_of(record), 5U);
    record.protocol = 58;
    EXPECT_EQ(kind_of(record), 7U);
}

TEST(Template, icmp_has_type_and_code_where_others_have_ports) {
    const Templates& templates = biflow_templates(TimeUnit::milliseconds, false);
    const std::size_t kind = kind_of(icmpv6_record());
    EXPECT_EQ(kind, 3U);
    const std::string octets = encoded(templates[kind], icmpv6_record());
    EXPECT_EQ(octets.substr(2 * 72, 2 * 49),
              "20010db8000000000000000000000001"
              "20010db8000000000000000000000002"
              "00000001"
              "8000"
              "0000"
              "0000"
              "3a"
              "00"
              "00"
              "40"
              "00"
              "01"
              "00");
}

TEST(Template, protocol_1_in_ipv6_is_no_icmp) {
    FlowRecord record = icmpv6_record();
    record.protocol = 1;
    EXPECT_EQ(kind_of(record), 1U);
    record.ip_version = 4;
    EXPECT_EQ(kind_of(record), 2U);
    record.protocol = 58;
    EXPECT_EQ(kind_of(record), 0U);
}

// Each Template says what its records hold: ids, lengths and order, read by the decoder of the
// tests; and the quirk leaves out exactly the reverse TCP control bits.
TEST(Template, definitions_describe_the_records) {
    for (const bool quirk : {false, true}) {
        const Templates& templates = biflow_templates(TimeUnit::nanoseconds, quirk);
        std::vector<std::byte> message(16);
        for (const auto& set : template_sets(templates, 65'000)) {
            message.insert(message.end(), set.begin(), set.end());
        }
        const Template& used = templates[0];
        const std::size_t set_at = message.size();
        message.resize(set_at + 4 + used.record_octets + 3);
        used.encode(tcp_record(), std::span{message}.subspan(set_at + 4));
        message.resize((set_at + 4 + used.record_octets + 3) & ~std::size_t{3});
        store_be(std::span{message}.subspan(0).first<2>(), std::uint16_t{10});
        store_be(std::span{message}.subspan(2).first<2>(),
                 static_cast<std::uint16_t>(message.size()));
        store_be(std::span{message}.subspan(set_at).first<2>(), used.id);
        store_be(std::span{message}.subspan(set_at + 2).first<2>(),
                 static_cast<std::uint16_t>(message.size() - set_at));

        test_support::Collector collector;
        collector.read(message);

        EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
        ASSERT_EQ(collector.records().size(), 1U);
        const auto& record = collector.records().front();
        constexpr auto reverse = test_support::reverse_pen;
        EXPECT_EQ(record.fields.size(), quirk ? 24U : 25U);
        EXPECT_EQ(record.has(6, reverse), !quirk);
        EXPECT_EQ(record.value(1), 4'884U);
        EXPECT_EQ(record.value(1, reverse), 7'392U);
        EXPECT_EQ(record.value(2), 23U);
        EXPECT_EQ(record.value(2, reverse), 21U);
        EXPECT_EQ(record.value(352), 5'206U);
        EXPECT_EQ(record.value(352, reverse), 7'686U);
        EXPECT_EQ(record.value(4), 6U);
        EXPECT_EQ(record.value(5), 0x28U);
        EXPECT_EQ(record.value(5, reverse), 0x2CU);
        EXPECT_EQ(record.value(6), 0x1BU);
        EXPECT_EQ(record.value(7), 51'234U);
        EXPECT_EQ(record.value(11), 443U);
        EXPECT_EQ(record.value(8), 0x0A010203U);
        EXPECT_EQ(record.value(12), 0x5DB8D822U);
        EXPECT_EQ(record.value(10), 1U);
        EXPECT_EQ(record.value(52), 63U);
        EXPECT_EQ(record.value(52, reverse), 51U);
        EXPECT_EQ(record.value(136), 3U);
        EXPECT_EQ(record.value(148), 1'234'567'890'123'456U);
        EXPECT_EQ(record.value(239), 1U);
        EXPECT_EQ(record.value(243), 120U);
        EXPECT_EQ(record.value(245), 7U);
        EXPECT_EQ(record.value(156) >> 32U, 1'763'633'729U + 2'208'988'800U);
    }
}

TEST(Template, sets_are_packed_up_to_the_limit) {
    const Templates& templates = biflow_templates(TimeUnit::milliseconds, false);
    std::size_t all = 4;
    for (const Template& one : templates) {
        all += one.definition.size();
    }
    EXPECT_EQ(template_sets(templates, all).size(), 1U);
    EXPECT_EQ(template_sets(templates, all).front().size(), all);
    EXPECT_EQ(template_sets(templates, all - 1).size(), 2U);
    for (const auto& set : template_sets(templates, 496)) {
        EXPECT_LE(set.size(), 496U);
        EXPECT_EQ(set.size() % 4, 0U);
    }
}

TEST(IpfixTime, milliseconds_are_cut_off) {
    EXPECT_EQ(ipfix_time<TimeUnit::milliseconds>(at(1'999'999)), 1U);
    EXPECT_EQ(ipfix_time<TimeUnit::milliseconds>(at(2'000'000)), 2U);
    EXPECT_EQ(ipfix_time<TimeUnit::milliseconds>(at(-1)), 0U) << "before 1970";
}

// RFC 7011 section 6.1.9 and 6.1.10: NTP format; 11 low bits zero for microseconds.
// RFC 7011 section 8.1, figure T: Set 2 of 12 octets, 256 and 257 with no field each.
TEST(Template, a_withdrawal_is_a_template_without_fields) {
    const auto& made = biflow_templates(TimeUnit::milliseconds, false);
    const auto set = template_withdrawal(std::span{made}.first(2));
    const std::array<std::uint8_t, 12> wanted{0, 2, 0, 12, 1, 0, 0, 0, 1, 1, 0, 0};
    EXPECT_TRUE(std::ranges::equal(set, std::as_bytes(std::span{wanted})));
}

TEST(IpfixTime, ntp_fraction_of_one_half) {
    const std::uint64_t half = 0x8000'0000;
    const std::uint64_t seconds = 2'208'988'801ULL << 32U;
    EXPECT_EQ(ipfix_time<TimeUnit::nanoseconds>(at(1'500'000'000)), seconds | half);
    EXPECT_EQ(ipfix_time<TimeUnit::microseconds>(at(1'500'000'000)), seconds | half);
}

TEST(IpfixTime, the_very_microsecond_and_nanosecond_come_back) {
    for (std::int64_t part = 0; part < 1'000'000'000; part += 7'777'777) {
        for (const std::int64_t nanosecond : {part, 999'999'999 - part}) {
            const std::uint64_t fine = ipfix_time<TimeUnit::nanoseconds>(at(nanosecond));
            EXPECT_EQ((fine & 0xFFFF'FFFF) * 1'000'000'000 >> 32U,
                      static_cast<std::uint64_t>(nanosecond));
            const std::uint64_t coarse = ipfix_time<TimeUnit::microseconds>(at(nanosecond));
            EXPECT_EQ(coarse & 0x7FFU, 0U);
            EXPECT_EQ((coarse & 0xFFFF'FFFF) * 1'000'000 >> 32U,
                      static_cast<std::uint64_t>(nanosecond / 1'000));
            EXPECT_EQ(coarse >> 32U, 2'208'988'800U);
        }
    }
}

TEST(IpfixTime, ntp_seconds_wrap_in_2036) {
    const std::int64_t last = 2'085'978'495;  // 2^32 - 1 since 1900
    EXPECT_EQ(ipfix_time<TimeUnit::nanoseconds>(at(last * 1'000'000'000)), 0xFFFF'FFFFULL << 32U);
    EXPECT_EQ(ipfix_time<TimeUnit::nanoseconds>(at((last + 1) * 1'000'000'000)), 0U);
}

}  // namespace
}  // namespace tapmeter::exporting
