#include "src/exporting/message.h"

#include <gtest/gtest.h>

#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using test_support::Collector;
using test_support::mixed_record;
using test_support::tcp_record;

constexpr ObservationDomainId domain{0xA1B2C3D4};

const Templates& templates() {
    return biflow_templates(TimeUnit::milliseconds, false);
}

bool add(MessageBuilder& builder, const FlowRecord& record) {
    return builder.add(templates()[kind_of(record)], record);
}

std::vector<std::byte> copy_of(Bytes octets) {
    return {octets.begin(), octets.end()};
}

std::vector<std::uint8_t> numbers(Bytes octets) {
    std::vector<std::uint8_t> result;
    for (const std::byte octet : octets) {
        result.push_back(std::to_integer<std::uint8_t>(octet));
    }
    return result;
}

// A collector that knows the templates of `domain`.
Collector collector_with_templates() {
    Collector collector;
    for (const auto& set : template_sets(templates(), 1'000)) {
        std::vector<std::byte> message(message_header_octets);
        message.insert(message.end(), set.begin(), set.end());
        store_header(std::span{message}.first<message_header_octets>(), {0, 0, domain},
                     message.size());
        collector.read(message);
    }
    return collector;
}

TEST(Message, header_and_set_are_written_octet_for_octet) {
    MessageBuilder builder(domain, 1'420, 5);
    ASSERT_TRUE(add(builder, tcp_record()));
    const Bytes message = builder.finish(0x01020304);

    // 16 header, 4 set header, 103 record, 1 padding
    ASSERT_EQ(message.size(), 124U);
    EXPECT_EQ(numbers(message.first(20)),
              (std::vector<std::uint8_t>{0, 10, 0,    124,  1,    2,    3, 4, 0, 0,
                                         0, 5,  0xA1, 0xB2, 0xC3, 0xD4, 1, 0, 0, 108}));
    EXPECT_EQ(message.back(), std::byte{0});
}

// Law L9: the number of a message is the count of data records before it.
TEST(Message, sequence_counts_data_records_and_wraps) {
    MessageBuilder builder(domain, 1'420, 0xFFFF'FFFE);
    Collector collector = collector_with_templates();
    for (const std::size_t records : {3U, 1U, 2U}) {
        for (std::size_t i = 0; i < records; ++i) {
            ASSERT_TRUE(add(builder, tcp_record()));
        }
        collector.read(builder.finish(1));
    }
    const auto& messages = collector.messages();
    const std::size_t first = messages.size() - 3;
    EXPECT_EQ(messages[first].sequence, 0xFFFF'FFFEU);
    EXPECT_EQ(messages[first + 1].sequence, 1U);
    EXPECT_EQ(messages[first + 2].sequence, 2U);
}

TEST(Message, takes_what_fits_and_not_one_more) {
    // 16 + 4 + 4 * 103 = 432, padded; a fifth record would need 535.
    MessageBuilder builder(domain, 512, 0);
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(add(builder, tcp_record()));
    }
    EXPECT_FALSE(add(builder, tcp_record()));
    EXPECT_EQ(builder.contents().records, 4U);
    EXPECT_EQ(builder.contents().packets, 4U * 44);
    EXPECT_EQ(builder.contents().octets, 4U * 12'276);
    EXPECT_EQ(builder.finish(1).size(), 432U);
    EXPECT_TRUE(builder.empty());
    EXPECT_TRUE(add(builder, tcp_record()));
}

// The exact edge: 16 + 4 + 5 * 103 = 535, which padding makes 536.
TEST(Message, the_limit_counts_the_padding) {
    for (const auto& [limit, fits] : {std::pair{535U, false}, std::pair{536U, true}}) {
        MessageBuilder builder(domain, limit, 0);
        for (int i = 0; i < 4; ++i) {
            ASSERT_TRUE(add(builder, tcp_record()));
        }
        EXPECT_EQ(add(builder, tcp_record()), fits) << limit;
        EXPECT_LE(builder.finish(1).size(), limit);
    }
}

TEST(Message, a_set_for_every_change_of_template) {
    MessageBuilder builder(domain, 1'420, 0);
    FlowRecord icmp = tcp_record();
    icmp.protocol = 1;
    ASSERT_TRUE(add(builder, tcp_record()));
    ASSERT_TRUE(add(builder, icmp));
    ASSERT_TRUE(add(builder, icmp));
    ASSERT_TRUE(add(builder, tcp_record()));
    Collector collector = collector_with_templates();
    collector.read(builder.finish(1));
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    ASSERT_EQ(collector.records().size(), 4U);
    EXPECT_EQ(collector.records()[1].template_id, 258);
    EXPECT_EQ(collector.records()[2].template_id, 258);
    EXPECT_EQ(collector.records()[3].template_id, 256);
}

// Any limit, any mix: nothing over the limit, nothing lost, every rule of the RFC kept.
TEST(Message, never_above_its_limit) {
    for (const std::size_t limit : {512U, 513U, 514U, 515U, 600U, 1'232U, 1'420U, 65'507U}) {
        MessageBuilder builder(domain, 65'507, 0);
        builder.set_limit(limit);
        Collector collector = collector_with_templates();
        constexpr std::size_t records = 2'000;
        for (std::size_t index = 0; index < records; ++index) {
            if (!add(builder, mixed_record(index))) {
                const auto message = copy_of(builder.finish(1));
                EXPECT_LE(message.size(), limit);
                EXPECT_GT(message.size() + 8 + 127, limit & ~std::size_t{3}) << "left room";
                collector.read(message);
                ASSERT_TRUE(add(builder, mixed_record(index)));
            }
        }
        collector.read(builder.finish(1));
        EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
        EXPECT_EQ(collector.records().size(), records);
        EXPECT_EQ(collector.missing(), 0U);
    }
}

TEST(Message, a_limit_is_kept_between_512_and_the_capacity) {
    MessageBuilder builder(domain, 1'420, 0);
    builder.set_limit(10);
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(add(builder, tcp_record()));
    }
    EXPECT_FALSE(add(builder, tcp_record()));
    builder.finish(1);
    builder.set_limit(100'000);
    for (int i = 0; i < 13; ++i) {
        EXPECT_TRUE(add(builder, tcp_record()));
    }
    EXPECT_FALSE(add(builder, tcp_record()));
}

}  // namespace
}  // namespace tapmeter::exporting
