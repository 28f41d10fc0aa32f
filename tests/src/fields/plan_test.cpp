#include "src/fields/plan.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "src/fields/selection.h"
#include "tests/support/flow_records.h"

namespace tapmeter::fields {
namespace {

using Octets = std::vector<std::byte>;

Texts texts_of(const std::string& name) {
    Texts texts;
    texts.interface_names.push_back(as_variable_length(std::as_bytes(std::span{name})));
    texts.longest = texts.interface_names.back().size();
    return texts;
}

Octets written(const RecordPlan& plan, const FlowRecord& record, const Texts& texts = {},
               const Beside& beside = {}) {
    constexpr std::byte untouched{0xA5};
    const std::size_t room = plan.octets() + plan.texts_octets_max(texts);
    Octets octets(room + RecordPlan::slack_octets + 8, untouched);
    const std::size_t length = plan.write(record, &texts, octets.data(), beside);
    EXPECT_LE(length, room);
    for (std::size_t i = length + RecordPlan::slack_octets; i < octets.size(); ++i) {
        EXPECT_EQ(octets[i], untouched) << "beyond the slack";
    }
    octets.resize(length);
    return octets;
}

// Reports whose octets are all different from zero, and from each other's neighbours.
struct Reports {
    flow::TcpReport tcp;
    flow::TunnelReport tunnel;
    flow::BehaviourReport behaviour;
    flow::PayloadReport payload;
    flow::SignatureHits signatures;

    explicit Reports(std::mt19937_64& random) {
        const auto fill = [&random](auto& report) {
            for (std::byte& octet : std::as_writable_bytes(std::span{&report, 1})) {
                octet = static_cast<std::byte>(random());
            }
        };
        fill(tcp);
        fill(tunnel);
        fill(behaviour);
        fill(payload);
        fill(signatures);
    }
    Beside beside() const { return {&tcp, &tunnel, &behaviour, &payload, &signatures}; }
};

template <class Holder>
const std::byte* octets_of(const Holder* holder) {
    return std::as_bytes(std::span{holder, 1}).data();
}

// One field written by itself, octet by octet: slow and plain.
Octets plainly(const Item& item, const FlowRecord& record, const Beside& beside) {
    const Place& place = all_fields[item.field].place;
    DerivedValues derived;
    derive(record, needs::all, derived);
    const auto* const base = place.source == Source::record       ? octets_of(&record)
                             : place.source == Source::derived    ? octets_of(&derived)
                             : place.source == Source::tcp        ? octets_of(beside.tcp)
                             : place.source == Source::tunnel     ? octets_of(beside.tunnel)
                             : place.source == Source::payload    ? octets_of(beside.payload)
                             : place.source == Source::signatures ? octets_of(beside.signatures)
                                                                  : octets_of(beside.behaviour);
    Octets octets(base + place.offset, base + place.offset + place.octets);
    if (!place.network) {
        std::ranges::reverse(octets);
    }
    octets.erase(octets.begin(),
                 octets.begin() + static_cast<std::ptrdiff_t>(octets.size() - item.octets));
    return octets;
}

FlowRecord random_record(std::mt19937_64& random) {
    FlowRecord record = test_support::tcp_record();
    for (auto& octet : record.source) {
        octet = static_cast<std::uint8_t>(random());
    }
    record.destination[3] = static_cast<std::uint8_t>(random());
    record.forward = {Packets{random()}, tapmeter::Octets{random()}, tapmeter::Octets{random()}};
    record.reverse = {Packets{random()}, tapmeter::Octets{random()}, tapmeter::Octets{random()}};
    record.flow_id = random();
    record.source_port = static_cast<std::uint16_t>(random());
    record.worker = static_cast<std::uint16_t>(random());
    record.application.application = static_cast<std::uint16_t>(random());
    record.sampling_exponent = static_cast<std::uint8_t>(random() % 40);
    record.aggregated = random() % 2 == 0;
    record.start = ObservedAt{Nanoseconds{static_cast<std::int64_t>(random() >> 2U)}};
    record.end = record.start + Nanoseconds{static_cast<std::int64_t>(random() >> 30U)};
    return record;
}

// Any fields in any order and, for counters, of any length: what the plan writes is what the fields
// say one after the other.
TEST(RecordPlan, writes_what_its_fields_say) {
    std::mt19937_64 random(7);
    for (int trial = 0; trial < 2'000; ++trial) {
        std::vector<Item> items;
        for (std::size_t count = 1 + random() % 40; items.size() < count;) {
            const std::size_t field = random() % all_fields.size();
            const auto octets = all_fields[field].element.octets;
            if (octets != variable_length) {
                const bool shorter = all_fields[field].group == Group::counters;
                items.push_back(
                    {field, shorter ? static_cast<std::uint16_t>(1 + random() % octets) : octets});
            }
        }
        const RecordPlan plan(items);
        const FlowRecord record = random_record(random);
        const Reports reports(random);
        Octets expected;
        for (const Item& item : items) {
            const Octets one = plainly(item, record, reports.beside());
            expected.insert(expected.end(), one.begin(), one.end());
        }
        ASSERT_EQ(plan.octets(), expected.size());
        ASSERT_EQ(written(plan, record, {}, reports.beside()), expected) << "trial " << trial;
    }
}

TEST(RecordPlan, fields_of_a_report_that_is_not_there_are_zero) {
    std::mt19937_64 random(8);
    std::vector<Item> items;
    for (std::size_t field = 0; field < all_fields.size(); ++field) {
        const Source source = all_fields[field].place.source;
        if (source == Source::tcp || source == Source::tunnel || source == Source::behaviour ||
            source == Source::signatures) {
            items.push_back({field, all_fields[field].element.octets});
        }
    }
    const RecordPlan plan(items);
    const Octets octets = written(plan, random_record(random));
    EXPECT_EQ(octets, Octets(plan.octets()));
    const Reports reports(random);
    const Octets one = written(plan, {}, {}, {.tcp = &reports.tcp});
    EXPECT_NE(one, octets);
    EXPECT_EQ(one.back(), std::byte{0}) << "the others still have none";
}

TEST(RecordPlan, a_text_stands_between_fields_with_its_length_before_it) {
    const std::vector<Item> items{{field("protocolIdentifier"), 1},
                                  {field("interfaceName"), variable_length},
                                  {field("sourceTransportPort"), 2},
                                  {field("interfaceName"), variable_length}};
    const RecordPlan plan(items);
    EXPECT_EQ(plan.texts(), 2U);
    EXPECT_EQ(plan.octets(), 3U);
    const Octets octets = written(plan, test_support::tcp_record(), texts_of("eth1"));
    const Octets expected{std::byte{6},   std::byte{4},   std::byte{'e'},  std::byte{'t'},
                          std::byte{'h'}, std::byte{'1'}, std::byte{0xC8}, std::byte{0x22},
                          std::byte{4},   std::byte{'e'}, std::byte{'t'},  std::byte{'h'},
                          std::byte{'1'}};
    EXPECT_EQ(octets, expected);
}

Octets octets_of_text(std::string_view text) {
    const auto octets = std::as_bytes(std::span{text});
    return {octets.begin(), octets.end()};
}

TEST(RecordPlan, an_application_has_the_name_of_its_number) {
    Texts texts;
    texts.application_names.resize(127);
    texts.application_names[91] = octets_of_text("\3TLS");
    texts.application_names[126] = octets_of_text("\6Google");
    const RecordPlan plan(std::vector<Item>{{field("applicationName"), variable_length},
                                            {field("protocolIdentifier"), 1}});
    FlowRecord record = test_support::tcp_record();
    record.application = {.master = 91};
    EXPECT_EQ(written(plan, record, texts), octets_of_text("\3TLS\6"));
    record.application.application = 126;  // what is carried, where that is known
    EXPECT_EQ(written(plan, record, texts), octets_of_text("\6Google\6"));
    for (const unsigned nameless : {0U, 90U, 127U, 0xffffU}) {
        record.application = {.application = static_cast<std::uint16_t>(nameless)};
        EXPECT_EQ(written(plan, record, texts), octets_of_text(std::string_view{"\0\6", 2}));
    }
}

// RFC 6313 section 4.5.1: semantic, element, its length and enterprise number, then each one.
TEST(RecordPlan, signatures_are_a_list_in_the_order_of_their_matches) {
    Texts texts;
    texts.enterprise_number = 32'473;
    const RecordPlan plan(std::vector<Item>{{field("signatureIds"), variable_length}});
    const Octets none{std::byte{9},    std::byte{4},   std::byte{0x80}, std::byte{54},
                      std::byte{0},    std::byte{4},   std::byte{0},    std::byte{0},
                      std::byte{0x7E}, std::byte{0xD9}};
    EXPECT_EQ(written(plan, {}, texts), none);
    flow::SignatureHits hits{.sids = {2'100'498, 7}, .matches = 3, .sids_count = 2};
    Octets two = none;
    two[0] = std::byte{17};
    for (const unsigned octet : {0x00U, 0x20U, 0x0DU, 0x12U, 0U, 0U, 0U, 7U}) {
        two.push_back(static_cast<std::byte>(octet));
    }
    EXPECT_EQ(written(plan, {}, texts, {.signatures = &hits}), two);
    hits.sids_count = 255;
    const Octets most = written(plan, {}, texts, {.signatures = &hits});
    EXPECT_EQ(most.size(), 1 + 9 + sizeof(hits.sids)) << "never more than there are places";
    EXPECT_EQ(most.size(), plan.texts_octets_max(texts));
}

TEST(RecordPlan, what_is_of_variable_length_has_its_longest) {
    const RecordPlan plan(std::vector<Item>{{field("interfaceName"), variable_length},
                                            {field("signatureIds"), variable_length},
                                            {field("interfaceName"), variable_length},
                                            {field("applicationName"), variable_length}});
    EXPECT_EQ(plan.texts(), 4U);
    EXPECT_EQ(plan.texts_octets_max(texts_of("eth1")), 5U + 42 + 5 + 64);
}

// RFC 7011 section 7: one octet of length up to 254, else 255 and two octets.
TEST(VariableLength, has_two_forms) {
    for (const std::size_t octets : {0U, 1U, 254U, 255U, 65'535U, 65'536U}) {
        const std::string text(octets, 'x');
        const Octets field = as_variable_length(std::as_bytes(std::span{text}));
        const std::size_t kept = std::min<std::size_t>(octets, 65'535);
        if (octets < 255) {
            EXPECT_EQ(std::to_integer<std::size_t>(field[0]), octets);
            EXPECT_EQ(field.size(), 1 + octets);
        } else {
            EXPECT_EQ(field[0], std::byte{255});
            EXPECT_EQ(std::to_integer<std::size_t>(field[1]) << 8U |
                          std::to_integer<std::size_t>(field[2]),
                      kept);
            EXPECT_EQ(field.size(), 3 + kept);
        }
    }
}

}  // namespace
}  // namespace tapmeter::fields
