#include "src/exporting/options.h"

#include <gtest/gtest.h>

#include "src/exporting/message.h"
#include "tests/support/collector.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::system_clock;
using test_support::Collector;

const Interfaces points{{"eth1", ObservationDomainId{10}},
                        {"eth2", ObservationDomainId{20}},
                        {"a port with a long name that must be cut", ObservationDomainId{10}}};

Announcement::Setup setup_for(const TemplateChoice& choice = {}) {
    return {.templates = TemplateSet::of(choice).value(),
            .domain = ObservationDomainId{10},
            .interfaces = points,
            .applications = {}};
}

const TemplateChoice with_applications{.fields = {"default", "applicationId"}};

// As a sender would send them.
void deliver(std::vector<PreparedMessage> messages, Collector& collector, std::uint32_t& sequence,
             std::size_t octets_max = 512) {
    for (PreparedMessage& message : messages) {
        EXPECT_LE(message.octets.size(), octets_max);
        store_header(std::span{message.octets}.first<message_header_octets>(),
                     {1, sequence, ObservationDomainId{10}}, message.octets.size());
        collector.read(message.octets);
        EXPECT_EQ(collector.messages().back().data_records, message.data_records);
        EXPECT_EQ(collector.messages().back().template_sets, message.template_sets);
        sequence += message.data_records;
    }
}

Collector opened(const Announcement::Setup& setup) {
    Collector collector;
    std::uint32_t sequence = 0;
    deliver(Announcement(setup).opening(), collector, sequence);
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    return collector;
}

std::vector<test_support::DataRecord> of(const Collector& collector, std::uint16_t id) {
    std::vector<test_support::DataRecord> some;
    std::ranges::copy_if(collector.options(), std::back_inserter(some),
                         [id](const auto& record) { return record.template_id == id; });
    return some;
}

TEST(Announcement, names_the_interfaces_of_its_domain) {
    const auto names = of(opened(setup_for()), 304);
    ASSERT_EQ(names.size(), 2U);
    EXPECT_EQ(names[0].value(10), 1U);
    EXPECT_EQ(names[0].text(82), "eth1");
    EXPECT_EQ(names[1].value(10), 3U);
    EXPECT_EQ(names[1].text(82), points[2].name);
}

TEST(Announcement, names_its_domain) {
    EXPECT_TRUE(of(opened(setup_for()), 308).empty()) << "it has no name";
    Announcement::Setup setup = setup_for();
    setup.interfaces[0].observation_domain_name = "pop1:eth1";
    setup.interfaces[1].observation_domain_name = "of another domain";
    const auto names = of(opened(setup), 308);
    ASSERT_EQ(names.size(), 1U);
    EXPECT_EQ(names[0].value(149), 10U);
    EXPECT_EQ(names[0].text(300), "pop1:eth1");
}

// Beside the interfaces that they are of; a VRF without a name is told too.
TEST(Announcement, names_the_vrfs_of_its_domain) {
    Announcement::Setup setup = setup_for();
    setup.interfaces[1].vrf_id = 9;
    EXPECT_TRUE(of(opened(setup), 309).empty()) << "it is of another domain's interface";
    setup.interfaces.push_back({.name = "eth4",
                                .observation_domain_id = ObservationDomainId{10},
                                .vrf_id = 5,
                                .vrf_name = "blue"});
    setup.interfaces.push_back(setup.interfaces.back());
    setup.interfaces[2].vrf_id = 6;
    const Collector collector = opened(setup);
    const auto vrfs = of(collector, 309);
    ASSERT_EQ(vrfs.size(), 2U);
    EXPECT_EQ(vrfs[0].value(234), 6U);
    EXPECT_EQ(vrfs[0].text(236), "");
    EXPECT_EQ(vrfs[1].value(234), 5U);
    EXPECT_EQ(vrfs[1].text(236), "blue");
    const auto ports = of(collector, 304);
    ASSERT_EQ(ports.size(), 4U);
    EXPECT_EQ(ports[0].value(234), 0U);
    EXPECT_EQ(ports[1].value(234), 6U);
    EXPECT_EQ(ports[3].value(234), 5U);
    EXPECT_EQ(ports[3].text(82), "eth4");
}

// RFC 7011 section 4.4: the bits of the flow key, from the first field.
TEST(Announcement, says_which_fields_are_the_flow_key) {
    TemplateChoice choice;
    choice.fields = {"octetDeltaCount", "protocolIdentifier", "flowId", "sourceAddress",
                     "dot1qVlanId"};
    const auto keys = of(opened(setup_for(choice)), 303);
    ASSERT_EQ(keys.size(), flow_kinds);
    EXPECT_EQ(keys[0].value(145), 256U);
    EXPECT_EQ(keys[0].value(173), 0b11010U);
}

// RFC 5610: who meets an element of ours for the first time learns its type and its name.
TEST(Announcement, explains_our_own_elements) {
    TemplateChoice choice;
    choice.fields = {"octetDeltaCount", "workerId", "aggregated"};
    choice.enterprise_number = 32'473;
    const auto types = of(opened(setup_for(choice)), 307);
    ASSERT_EQ(types.size(), 2U);
    EXPECT_EQ(types[0].value(346), 32'473U);
    EXPECT_EQ(types[0].value(303), 2U);
    EXPECT_EQ(types[0].value(339), 2U);  // unsigned16
    EXPECT_EQ(types[0].text(341), "workerId");
    EXPECT_EQ(types[1].value(339), 11U);  // boolean
    EXPECT_TRUE(of(opened(setup_for()), 307).empty());
}

// A list stands under an element of IANA's, and holds one of ours.
TEST(Announcement, explains_what_a_list_holds) {
    TemplateChoice choice;
    choice.fields = {"octetDeltaCount", "signatureIds", "signatureId"};
    EXPECT_FALSE(TemplateSet::of(choice)) << "without an enterprise number";
    choice.enterprise_number = 32'473;
    const auto types = of(opened(setup_for(choice)), 307);
    ASSERT_EQ(types.size(), 1U);
    EXPECT_EQ(types[0].value(303), 54U);
    EXPECT_EQ(types[0].value(339), 3U);  // unsigned32
    EXPECT_EQ(types[0].value(344), 4U);  // identifier
    EXPECT_EQ(types[0].text(341), "signatureId");
}

TEST(Announcement, hands_the_table_of_applications_on) {
    inspect::ApplicationNames known;
    Announcement::Setup setup = setup_for(with_applications);
    setup.applications = &known;
    EXPECT_TRUE(of(opened(setup), 306).empty()) << "nobody has named any";
    for (std::uint16_t number = 0; number < 40; ++number) {
        known.name_protocol(number, "name" + std::to_string(number));
    }
    known.publish();
    const auto names = of(opened(setup), 306);
    ASSERT_EQ(names.size(), 40U);
    EXPECT_EQ(names[39].value(95), 0x14'0000'8B30'0027U);
    EXPECT_EQ(names[39].text(96), "name39");
    EXPECT_EQ(names[39].text(94), "protocol 39 of nDPI");
}

// Outputs are opened before nDPI is loaded, and a reload may bring protocols of the operator's own.
TEST(Announcement, tells_names_that_come_later) {
    inspect::ApplicationNames known;
    Announcement::Setup setup = setup_for(with_applications);
    setup.applications = &known;
    Announcement announcement(setup);
    Collector collector;
    std::uint32_t sequence = 0;
    const auto table = [&] { return of(collector, 306).size(); };
    deliver(announcement.opening(), collector, sequence);
    EXPECT_FALSE(announcement.has_news());
    known.name_protocol(91, "TLS");
    EXPECT_FALSE(announcement.has_news()) << "not before all are there";
    known.publish();
    EXPECT_TRUE(announcement.has_news());
    deliver(announcement.statistics({}, {}, system_clock::now()), collector, sequence);
    EXPECT_EQ(table(), 1U);
    EXPECT_FALSE(announcement.has_news());
    deliver(announcement.statistics({}, {}, system_clock::now()), collector, sequence);
    EXPECT_EQ(table(), 1U) << "once is enough";
    known.name_protocol(300, "Shop");
    known.publish();
    deliver(announcement.opening(), collector, sequence);
    EXPECT_EQ(table(), 3U) << "a new session is told all of them";
    deliver(announcement.opening(), collector, sequence);
    EXPECT_EQ(table(), 5U);
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.missing(), 0U);
}

TEST(Announcement, without_options_there_are_templates_alone) {
    inspect::ApplicationNames known;
    known.name_protocol(91, "TLS");
    known.publish();
    Announcement::Setup setup = setup_for(with_applications);
    setup.applications = &known;
    setup.options = false;
    EXPECT_FALSE(Announcement(setup).has_news());
    EXPECT_TRUE(opened(setup).options().empty());
    EXPECT_TRUE(Announcement(setup).statistics({}, {}, system_clock::now()).empty());
}

TEST(Announcement, tells_what_was_lost_and_where) {
    Announcement announcement(setup_for());
    Collector collector;
    std::uint32_t sequence = 0;
    deliver(announcement.opening(), collector, sequence);
    const MeteringReport report{{5, 500, 100, 25}, {7, 700, 1'000, 1'000}, {1, 60, 100, 75}};
    const ExportingTotals exporting{3, 4'000, 90, {4, 44, 4'444}};
    const system_clock::time_point first{std::chrono::milliseconds{1'763'000'000'000}};
    deliver(announcement.statistics(exporting, report, first), collector, sequence);
    deliver(announcement.statistics(exporting, report, first + std::chrono::seconds{60}), collector,
            sequence);
    ASSERT_EQ(of(collector, 300).size(), 2U);
    EXPECT_EQ(of(collector, 300)[0].value(166), 4U);
    EXPECT_EQ(of(collector, 300)[0].value(167), 44U);
    EXPECT_EQ(of(collector, 300)[0].value(168), 4'444U);
    EXPECT_EQ(of(collector, 301)[0].value(149), 10U);
    EXPECT_EQ(of(collector, 301)[0].value(41), 3U);
    EXPECT_EQ(of(collector, 301)[0].value(42), 90U);
    EXPECT_EQ(of(collector, 301)[0].value(40), 4'000U);
    EXPECT_EQ(of(collector, 302)[1].value(164), 6U) << "of this domain's interfaces alone";
    EXPECT_EQ(of(collector, 302)[1].value(165), 560U);
    EXPECT_EQ(of(collector, 302)[1].value(323), 1'763'000'000'000U) << "nothing more since then";
    EXPECT_EQ(of(collector, 305)[0].value(394), 200U);
    EXPECT_EQ(of(collector, 305)[0].value(395), 100U);
    EXPECT_EQ(of(collector, 305)[0].value(311), 0x3FE0'0000'0000'0000U) << "a half";
    EXPECT_TRUE(collector.faults().empty()) << collector.faults().front();
    EXPECT_EQ(collector.missing(), 0U);
}

}  // namespace
}  // namespace tapmeter::exporting
