#include "src/exporting/template_set.h"

#include <gtest/gtest.h>

#include <set>

#include "src/exporting/message.h"
#include "tests/support/collector.h"
#include "tests/support/flow_records.h"

namespace tapmeter::exporting {
namespace {

using test_support::Collector;
using test_support::mixed_records;

std::vector<std::byte> written(const Template& made_for, const FlowRecord& record) {
    std::vector<std::byte> octets(made_for.record_octets + fields::RecordPlan::slack_octets);
    octets.resize(made_for.write(record, {}, octets));
    return octets;
}

// The default is made twice: by the compiler, and by the words of the table at start.
TEST(TemplateSet, the_default_said_in_words_is_the_default) {
    for (const TimeUnit unit :
         {TimeUnit::milliseconds, TimeUnit::microseconds, TimeUnit::nanoseconds}) {
        TemplateChoice choice;
        choice.time_unit = unit;
        const TemplateSet& made = *TemplateSet::of(choice).value();
        choice.fields = {"default"};
        const TemplateSet& said = *TemplateSet::of(choice).value();
        for (std::size_t kind = 0; kind < flow_kinds; ++kind) {
            EXPECT_TRUE(
                std::ranges::equal(made.all()[kind].definition, said.all()[kind].definition));
            EXPECT_EQ(made.flow_key(kind), said.flow_key(kind));
        }
        auto records = mixed_records(100);
        for (auto& record : mixed_records(100)) {
            record.aggregated = true;
            record.sampling_exponent = 3;
            records.push_back(record);
        }
        for (const FlowRecord& record : records) {
            ASSERT_EQ(written(made.for_record(record), record),
                      written(said.for_record(record), record));
        }
    }
}

// A session never has two definitions under one id, nor one that options have.
TEST(TemplateSet, what_comes_after_a_change_has_ids_of_its_own) {
    const TemplateSet& first = *TemplateSet::of({}).value();
    TemplateChoice choice;
    choice.first_id = next_first_id(template_id_first);
    const TemplateSet& second = *TemplateSet::of(choice).value();
    ASSERT_EQ(second.all().size(), flow_kinds);
    for (std::size_t kind = 0; kind < flow_kinds; ++kind) {
        EXPECT_EQ(first.all()[kind].id, 256 + kind);
        EXPECT_EQ(second.all()[kind].id, 1'024 + kind);
        EXPECT_TRUE(std::ranges::equal(first.all()[kind].definition.subspan(2),
                                       second.all()[kind].definition.subspan(2)));
        EXPECT_EQ(first.all()[kind].encode, second.all()[kind].encode);
        EXPECT_EQ(load_be16(second.all()[kind].definition.first<2>()), 1'024 + kind);
        EXPECT_EQ(first.flow_key(kind), second.flow_key(kind));
    }
    std::set<std::uint16_t> seen;
    std::uint16_t id = choice.first_id;
    for (; seen.insert(id).second; id = next_first_id(id)) {
        EXPECT_LE(id + 2 * flow_kinds - 1, 0xFFFFU);
    }
    EXPECT_EQ(seen.size(), 4'032U);
    EXPECT_EQ(id, 1'024U);
}

TEST(TemplateSet, equal_choices_share_one_set) {
    TemplateChoice choice;
    choice.fields = {"octetDeltaCount", "sourceAddress"};
    EXPECT_EQ(TemplateSet::of(choice).value(), TemplateSet::of(choice).value());
    TemplateChoice other = choice;
    other.biflow = false;
    EXPECT_NE(TemplateSet::of(choice).value(), TemplateSet::of(other).value());
}

// RFC 7011 section 6.2: a shorter number where it fits; where it does not, a Template of its own.
TEST(TemplateSet, a_counter_that_is_too_large_for_its_octets_keeps_its_value) {
    TemplateChoice choice;
    choice.fields = {"octetDeltaCount/4", "packetDeltaCount/2"};
    const TemplateSet& set = *TemplateSet::of(choice).value();
    ASSERT_EQ(set.all().size(), 2 * flow_kinds);
    FlowRecord record = test_support::tcp_record();
    record.reverse = {};
    record.forward = {Packets{0xFFFF}, Octets{0xFFFF}, Octets{0xFFFF}};
    EXPECT_EQ(written(set.for_record(record), record).size(), 6U);
    record.forward.packets = Packets{0x1'0000};
    EXPECT_EQ(written(set.for_record(record), record).size(), 16U);
    record.forward.octets = Octets{5'368'709'121};  // 5 GiB and one
    Collector collector;
    for (const auto& octets : template_sets(set.all(), 1'000)) {
        std::vector<std::byte> message(message_header_octets);
        message.insert(message.end(), octets.begin(), octets.end());
        store_header(std::span{message}.first<message_header_octets>(), {}, message.size());
        collector.read(message);
    }
    MessageBuilder builder(ObservationDomainId{0}, 1'000, 0);
    ASSERT_TRUE(builder.add(set.for_record(record), record));
    collector.read(builder.finish(0));
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.records().at(0).value(1), 5'368'709'121U);
    EXPECT_EQ(collector.records().at(0).value(2), 0x1'0000U);
}

TEST(TemplateSet, our_own_elements_need_a_number_of_the_operator) {
    TemplateChoice choice;
    choice.fields = {"octetDeltaCount", "workerId"};
    const auto refused = TemplateSet::of(choice);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("enterprise_number"), std::string::npos);
    choice.enterprise_number = 32'473;
    const TemplateSet& set = *TemplateSet::of(choice).value();
    EXPECT_EQ(set.own_fields().size(), 1U);
    const Bytes definition = set.all()[0].definition;
    EXPECT_EQ(load_be16(definition.subspan<8, 2>()), 0x8002U);
    EXPECT_EQ(load_be32(definition.subspan<12, 4>()), 32'473U);
    choice.fields = {"octetDeltaCount", "worker"};
    EXPECT_FALSE(TemplateSet::of(choice));
}

// Padding must be shorter than any record of the Set (RFC 7011 section 3.3.1).
TEST(TemplateSet, records_of_one_octet_are_not_padded) {
    TemplateChoice choice;
    choice.fields = {"protocolIdentifier"};
    const TemplateSet& set = *TemplateSet::of(choice).value();
    MessageBuilder builder(ObservationDomainId{0}, 512, 0);
    const FlowRecord record = test_support::tcp_record();
    for (int count = 0; count < 5; ++count) {
        ASSERT_TRUE(builder.add(set.for_record(record), record));
    }
    const FlowRecord icmp = test_support::icmpv6_record();
    ASSERT_TRUE(builder.add(set.for_record(icmp), icmp));
    EXPECT_EQ(builder.finish(0).size(), message_header_octets + 4 + 5 + 4 + 1);
}

}  // namespace
}  // namespace tapmeter::exporting
