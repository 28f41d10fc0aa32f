#include "src/fields/table.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

#include "src/fields/ipfix_time.h"

namespace tapmeter::fields {
namespace {

TEST(FieldTable, names_each_field_once_and_finds_it) {
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < all_fields.size(); ++index) {
        EXPECT_TRUE(names.insert(all_fields[index].name).second) << all_fields[index].name;
        EXPECT_EQ(find_field(all_fields[index].name), index);
    }
    EXPECT_EQ(find_field("octetDeltaCounts"), no_field);
    EXPECT_EQ(find_field(""), no_field);
}

// RFC 5103 section 6.1: the reverse element's name is "reverse" and the name of the element.
TEST(FieldTable, a_fields_name_is_its_elements) {
    for (const Field& field : all_fields) {
        std::string expected(field.element.name);
        if (field.element.type == DataType::basic_list) {
            expected = "signatureIds";  // after what it lists
        }
        if (field.reverse) {
            expected[0] = static_cast<char>(std::toupper(expected[0]));
            expected.insert(0, "reverse");
        }
        EXPECT_EQ(field.name, expected);
        EXPECT_FALSE(field.element.name.empty());
        EXPECT_FALSE(field.help.empty()) << field.name;
        EXPECT_EQ(field.column.empty(), field.column_type.empty()) << field.name;
    }
}

TEST(FieldTable, reads_inside_of_what_it_reads_from) {
    for (const Field& field : all_fields) {
        std::size_t holder = 0;
        switch (field.place.source) {
            case Source::record:
                holder = sizeof(FlowRecord);
                break;
            case Source::derived:
                holder = sizeof(DerivedValues);
                break;
            case Source::tcp:
                holder = sizeof(flow::TcpReport);
                break;
            case Source::tunnel:
                holder = sizeof(flow::TunnelReport);
                break;
            case Source::behaviour:
                holder = sizeof(flow::BehaviourReport);
                break;
            case Source::payload:
                holder = sizeof(flow::PayloadReport);
                break;
            case Source::signatures:
                holder = sizeof(flow::SignatureHits);
                break;
            case Source::interface_name:
            case Source::application_name:
            case Source::signature_ids:
                break;
        }
        EXPECT_LE(field.place.offset + field.place.octets, holder) << field.name;
    }
}

TEST(FieldTable, types_have_the_lengths_of_rfc_7011) {
    for (const auto& element : information_elements) {
        switch (element.type) {
            case DataType::unsigned8:
            case DataType::boolean:
                EXPECT_EQ(element.octets, 1) << element.name;
                break;
            case DataType::unsigned16:
                EXPECT_EQ(element.octets, 2) << element.name;
                break;
            case DataType::unsigned32:
            case DataType::ipv4_address:
            case DataType::date_time_seconds:
                EXPECT_EQ(element.octets, 4) << element.name;
                break;
            case DataType::ipv6_address:
                EXPECT_EQ(element.octets, 16) << element.name;
                break;
            case DataType::mac_address:
                EXPECT_EQ(element.octets, 6) << element.name;
                break;
            case DataType::octet_array:  // of any length: here a label stack section, or a text
                EXPECT_TRUE(element.octets == 3 || element.octets == variable_length)
                    << element.name;
                break;
            case DataType::string:
            case DataType::basic_list:
                EXPECT_EQ(element.octets, variable_length) << element.name;
                break;
            default:
                EXPECT_EQ(element.octets, 8) << element.name;
        }
    }
}

// RFC 6759 section 4.1: engine 20, then an enterprise number, then the number that it gave.
TEST(Derived, an_application_is_told_by_engine_and_number) {
    FlowRecord record;
    record.application = {.master = 91, .application = 0x0102};
    DerivedValues values;
    derive(record, needs::all, values);
    EXPECT_EQ(values.application_id,
              (std::array<std::uint8_t, 7>{20, 0, 0, 0x8B, 0x30, 0x01, 0x02}));
    record.application.application = 0;
    EXPECT_EQ(protocol_of(record.application), 91);
    EXPECT_EQ(protocol_of({}), 0);
}

TEST(Derived, a_duration_beyond_its_element_is_the_most_it_can_say) {
    FlowRecord record;
    record.start = ObservedAt{Nanoseconds{1'000}};
    record.end = record.start + std::chrono::hours{2};
    DerivedValues values;
    derive(record, needs::all, values);
    EXPECT_EQ(values.duration_milliseconds, 7'200'000U);
    EXPECT_EQ(values.duration_microseconds, 0xFFFF'FFFFU);
    record.end = record.start - std::chrono::seconds{1};
    derive(record, needs::all, values);
    EXPECT_EQ(values.duration_milliseconds, 0U);
    record.sampling_exponent = 4;
    derive(record, needs::all, values);
    EXPECT_EQ(values.sampling_probability, 0.0625);
    EXPECT_EQ(values.sampling_population, 16U);
    EXPECT_EQ(values.aggregated, 2);
}

}  // namespace
}  // namespace tapmeter::fields
