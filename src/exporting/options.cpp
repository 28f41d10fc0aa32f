#include "src/exporting/options.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "pipeline/base/expects.h"
#include "src/exporting/message.h"
#include "src/exporting/netflow_options.h"
#include "src/exporting/options_writer.h"
#include "src/fields/derived.h"

namespace tapmeter::exporting {
namespace {

// Of options. Those of flow records are sixteen at most, from 256 or from 1,024 on.
enum OptionsTemplateId : std::uint16_t {
    exporting_reliability = 300,  // RFC 7011 section 4.3
    metering_statistics = 301,    // section 4.1
    metering_reliability = 302,   // section 4.2
    flow_keys = 303,              // section 4.4
    interface_table = 304,
    selector = 305,           // RFC 7014 section 9
    application_table = 306,  // RFC 6759 section 4.2
    element_types = 307,      // RFC 5610 section 3
    domain_table = 308,
    vrf_table = 309,
};

constexpr std::uint32_t process_id = 1;  // there is one of each

const InformationElement& element_of(std::string_view name) {
    const auto found =
        std::ranges::find(fields::information_elements, name, &InformationElement::name);
    expects(found != fields::information_elements.end());
    return *found;
}

fields::Semantics semantics_of(const InformationElement& element) noexcept {
    using fields::Semantics;
    if (element.name.ends_with("Id")) {
        return Semantics::identifier;
    }
    return element.type == fields::DataType::unsigned32 ? Semantics::quantity : Semantics::none;
}

}  // namespace

Announcement::Announcement(Setup setup) : setup_(std::move(setup)) {
    expects(setup_.templates != nullptr && setup_.message_octets >= message_octets_unknown_path);
    knows_vrfs_ = std::ranges::any_of(setup_.interfaces, [this](const Interface& one) {
        return is_of_this_domain(one) && one.vrf_id != 0;
    });
    compose();
}

void Announcement::change_templates(const TemplateSet& templates) {
    setup_.templates = &templates;
    compose();
}

void Announcement::compose() {
    opening_.clear();
    if (setup_.protocol != &ipfix_protocol) {
        setup_.options = setup_.options && setup_.protocol == &netflow9_protocol;
        add_netflow_templates();
        add_netflow_options();
        return;
    }
    if (setup_.options) {
        add_types(opening_);  // before the Templates whose elements they explain
    }
    add_templates(opening_);
    if (setup_.options) {
        add_options_templates();
        add_domain();
        add_vrfs();
        add_interfaces();
        add_flow_keys(opening_);
    }
    messages_that_stay_ = opening_.size();
    edition_ = 0;  // names are behind what stays, and are to be told anew
}

const std::vector<PreparedMessage>& Announcement::opening() {
    learn_applications();
    return opening_;
}

PreparedMessage Announcement::withdrawal() const {
    auto set = template_withdrawal(setup_.templates->all());
    set.insert(set.begin(), message_header_octets, std::byte{});
    return {std::move(set), 0, 1, 0};
}

std::vector<PreparedMessage> Announcement::about_templates() {
    std::vector<PreparedMessage> messages;
    if (!setup_.options) {
        add_templates(messages);
        return messages;
    }
    add_types(messages);
    add_templates(messages);
    OptionsWriter writer(messages, setup_.message_octets);
    define_applications(writer);
    writer.close();
    add_flow_keys(messages);
    learn_applications();
    const auto names = std::span{opening_}.subspan(messages_that_stay_);
    messages.insert(messages.end(), names.begin(), names.end());
    return messages;
}

bool Announcement::has_news() const noexcept {
    return setup_.options && tells_applications() && setup_.applications->edition() != edition_;
}

void Announcement::add_templates(std::vector<PreparedMessage>& messages) const {
    for (auto& set :
         template_sets(setup_.templates->all(), setup_.message_octets - message_header_octets)) {
        set.insert(set.begin(), message_header_octets, std::byte{});
        messages.push_back({std::move(set), 0, 1, 0});
    }
}

// RFC 7011 section 3.4.2.2: id, fields, fields of the scope, then the specifiers.
void Announcement::define(OptionsWriter& writer, std::uint16_t id, std::size_t scopes,
                          const std::vector<std::string_view>& elements) {
    OptionsRecord record;
    record.number(id)
        .number(static_cast<std::uint16_t>(elements.size()))
        .number(static_cast<std::uint16_t>(scopes));
    for (const std::string_view name : elements) {
        const InformationElement& element = element_of(name);
        // Ids of one engine have one length. tshark knows no Template of texts alone.
        const bool is_id = element.id == id_of("applicationId");
        const std::size_t octets = is_id ? fields::application_id_octets : element.octets;
        record.number(element.id).number(static_cast<std::uint16_t>(octets));
    }
    writer.add(options_template_set_id, record.octets(), false);
}

void Announcement::add_options_templates() {
    OptionsWriter writer(opening_, setup_.message_octets);
    std::vector<std::string_view> of_interfaces{"ingressInterface", "interfaceName",
                                                "interfaceDescription"};
    if (knows_vrfs_) {
        of_interfaces.emplace_back("ingressVRFID");
        define(writer, vrf_table, 1, {"ingressVRFID", "VRFname"});
    }
    define(writer, interface_table, 1, of_interfaces);
    if (!domain_name().empty()) {
        define(writer, domain_table, 1, {"observationDomainId", "observationDomainName"});
    }
    define(writer, exporting_reliability, 1,
           {"exportingProcessId", "notSentFlowTotalCount", "notSentPacketTotalCount",
            "notSentOctetTotalCount"});
    define(writer, metering_statistics, 1,
           {"observationDomainId", "exportedMessageTotalCount", "exportedFlowRecordTotalCount",
            "exportedOctetTotalCount"});
    define(
        writer, metering_reliability, 2,
        {"observationDomainId", "meteringProcessId", "ignoredPacketTotalCount",
         "ignoredOctetTotalCount", "observationTimeMilliseconds", "observationTimeMilliseconds"});
    define(writer, flow_keys, 1, {"templateId", "flowKeyIndicator"});
    define(writer, selector, 1,
           {"selectorId", "flowSelectorAlgorithm", "samplingProbability",
            "selectorIDTotalFlowsObserved", "selectorIDTotalFlowsSelected"});
    define_applications(writer);
    writer.close();
}

void Announcement::define_applications(OptionsWriter& writer) const {
    if (tells_applications()) {
        define(writer, application_table, 1,
               {"applicationId", "applicationName", "applicationDescription"});
    }
}

std::string_view Announcement::domain_name() const noexcept {
    const auto first =
        std::ranges::find(setup_.interfaces, setup_.domain, &Interface::observation_domain_id);
    return first == setup_.interfaces.end() ? std::string_view{} : first->observation_domain_name;
}

void Announcement::add_domain() {
    if (domain_name().empty()) {
        return;
    }
    OptionsWriter writer(opening_, setup_.message_octets);
    writer.add(domain_table,
               OptionsRecord{}.number(number_of(setup_.domain)).text(domain_name()).octets(), true);
    writer.close();
}

void Announcement::add_vrfs() {
    OptionsWriter writer(opening_, setup_.message_octets);
    std::set<std::uint32_t> told;
    for (const Interface& one : setup_.interfaces) {
        if (is_of_this_domain(one) && one.vrf_id != 0 && told.insert(one.vrf_id).second) {
            writer.add(vrf_table, OptionsRecord{}.number(one.vrf_id).text(one.vrf_name).octets(),
                       true);
        }
    }
    writer.close();
}

void Announcement::add_interfaces() {
    OptionsWriter writer(opening_, setup_.message_octets);
    for (std::size_t point = 0; point < setup_.interfaces.size(); ++point) {
        const Interface& one = setup_.interfaces[point];
        if (!is_of_this_domain(one)) {
            continue;
        }
        OptionsRecord record;
        record.number(static_cast<std::uint32_t>(point + 1))
            .text(one.name)
            .text("observation point of tapmeter");
        if (knows_vrfs_) {
            record.number(one.vrf_id);
        }
        writer.add(interface_table, record.octets(), true);
    }
    writer.close();
}

void Announcement::add_flow_keys(std::vector<PreparedMessage>& messages) const {
    OptionsWriter writer(messages, setup_.message_octets);
    const auto templates = setup_.templates->all();
    for (std::size_t index = 0; index < templates.size(); ++index) {
        writer.add(flow_keys,
                   OptionsRecord{}
                       .number(templates[index].id)
                       .number(setup_.templates->flow_key(index))
                       .octets(),
                   true);
    }
    writer.close();
}

void Announcement::add_types(std::vector<PreparedMessage>& messages) const {
    if (setup_.templates->own_fields().empty()) {
        return;
    }
    OptionsWriter writer(messages, setup_.message_octets);
    define(
        writer, element_types, 2,
        {"privateEnterpriseNumber", "informationElementId", "informationElementDataType",
         "informationElementSemantics", "informationElementName", "informationElementDescription"});
    for (const std::size_t index : setup_.templates->own_fields()) {
        const fields::Field& field = fields::all_fields[index];
        const auto semantics = semantics_of(field.element);
        writer.add(element_types,
                   OptionsRecord{}
                       .number(setup_.templates->enterprise_number())
                       .number(field.element.id)
                       .number(static_cast<std::uint8_t>(field.element.type))
                       .number(static_cast<std::uint8_t>(semantics))
                       .text(field.element.name)
                       .text(field.help)
                       .octets(),
                   true);
    }
    writer.close();
}

// True: there are other names. They come behind the outputs' start, and with a reload.
bool Announcement::learn_applications() {
    if (!has_news()) {
        return false;
    }
    edition_ = setup_.applications->edition();
    opening_.resize(messages_that_stay_);
    std::vector<PreparedMessage> messages;
    OptionsWriter writer(messages, setup_.message_octets);
    for (std::uint16_t number = 0; number < inspect::ApplicationNames::protocols_max; ++number) {
        const std::string_view name = setup_.applications->protocol(number);
        if (!name.empty()) {
            const auto id = fields::application_id(number);
            writer.add(application_table,
                       OptionsRecord{}
                           .append(std::as_bytes(std::span{id}))
                           .text(name)
                           .text("protocol " + std::to_string(number) + " of nDPI")
                           .octets(),
                       true);
        }
    }
    writer.close();
    std::ranges::move(messages, std::back_inserter(opening_));
    return true;
}

// Also keeps when packets were ignored for the first and the last time, as far as reports tell.
MeteringTotals Announcement::of_this_domain(const MeteringReport& report,
                                            std::chrono::system_clock::time_point now) {
    MeteringTotals metering;
    for (std::size_t point = 0; point < std::min(report.size(), setup_.interfaces.size());
         ++point) {
        if (is_of_this_domain(setup_.interfaces[point])) {
            metering.ignored_packets += report[point].ignored_packets;
            metering.ignored_octets += report[point].ignored_octets;
            metering.flows_observed += report[point].flows_observed;
            metering.flows_selected += report[point].flows_selected;
        }
    }
    if (metering.ignored_packets > ignored_seen_) {
        last_ignored_milliseconds_ =
            std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
        first_ignored_milliseconds_ =
            ignored_seen_ == 0 ? last_ignored_milliseconds_ : first_ignored_milliseconds_;
        ignored_seen_ = metering.ignored_packets;
    }
    return metering;
}

std::vector<PreparedMessage> Announcement::statistics(const ExportingTotals& exporting,
                                                      const MeteringReport& report,
                                                      std::chrono::system_clock::time_point now) {
    std::vector<PreparedMessage> messages;
    if (!setup_.options) {
        return messages;
    }
    if (setup_.protocol != &ipfix_protocol) {
        return netflow_statistics(
            {setup_.domain, setup_.interfaces, setup_.sampling, setup_.message_octets}, exporting);
    }
    if (learn_applications()) {
        const auto names = std::span{opening_}.subspan(messages_that_stay_);
        messages.assign(names.begin(), names.end());
    }
    const MeteringTotals metering = of_this_domain(report, now);
    OptionsWriter writer(messages, setup_.message_octets);
    writer.add(exporting_reliability,
               OptionsRecord{}
                   .number(process_id)
                   .number(exporting.not_sent.records)
                   .number(exporting.not_sent.packets)
                   .number(exporting.not_sent.octets)
                   .octets(),
               true);
    writer.add(metering_statistics,
               OptionsRecord{}
                   .number(number_of(setup_.domain))
                   .number(exporting.messages)
                   .number(exporting.records)
                   .number(exporting.message_octets)
                   .octets(),
               true);
    writer.add(metering_reliability,
               OptionsRecord{}
                   .number(number_of(setup_.domain))
                   .number(process_id)
                   .number(metering.ignored_packets)
                   .number(metering.ignored_octets)
                   .number(static_cast<std::uint64_t>(first_ignored_milliseconds_))
                   .number(static_cast<std::uint64_t>(last_ignored_milliseconds_))
                   .octets(),
               true);
    const double share = metering.flows_observed == 0
                             ? 1.0
                             : static_cast<double>(metering.flows_selected) /
                                   static_cast<double>(metering.flows_observed);
    writer.add(selector,
               OptionsRecord{}
                   .number(std::uint64_t{process_id})
                   .number(fields::uniform_probabilistic)
                   .number(std::bit_cast<std::uint64_t>(share))
                   .number(metering.flows_observed)
                   .number(metering.flows_selected)
                   .octets(),
               true);
    writer.close();
    return messages;
}

}  // namespace tapmeter::exporting
