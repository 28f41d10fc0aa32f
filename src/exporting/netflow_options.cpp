#include "src/exporting/netflow_options.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "pipeline/base/expects.h"
#include "src/exporting/flow_fields.h"
#include "src/exporting/template_set.h"

namespace tapmeter::exporting {
namespace {

constexpr std::uint16_t options_template_flow_set = 1;  // RFC 3954 section 6.1
constexpr std::size_t set_header_octets = 4;

// A field of section 8, or of the table of scopes in section 6.1.
struct FieldSpecifier {
    std::uint16_t type;
    std::uint16_t octets;
};
constexpr FieldSpecifier system_scope{1, 4};
constexpr FieldSpecifier input_interface{10, 4};    // INPUT_SNMP
constexpr FieldSpecifier interface_name{82, 32};    // IF_NAME
constexpr FieldSpecifier interface_words{83, 64};   // IF_DESC
constexpr FieldSpecifier sampling_interval{34, 4};  // SAMPLING_INTERVAL
constexpr FieldSpecifier sampling_algorithm{35, 1};
constexpr FieldSpecifier octets_sent{40, 8};    // TOTAL_BYTES_EXP
constexpr FieldSpecifier messages_sent{41, 8};  // TOTAL_PKTS_EXP
constexpr FieldSpecifier records_sent{42, 8};   // TOTAL_FLOWS_EXP

// Ids of Options Templates; those of flow records begin at 256 and are sixteen at most.
constexpr std::uint16_t interface_table = 304;
constexpr std::uint16_t sampling_table = 308;
constexpr std::uint16_t statistics_table = 301;

constexpr std::uint8_t random_sampling = 2;

// One record, numbers in network byte order.
class Octets {
public:
    template <class Integer>
    Octets& number(Integer value) {
        store_be(room(sizeof value).template first<sizeof value>(), value);
        return *this;
    }
    // Cut or filled with zeros to the length of its field.
    Octets& text(std::string_view text, const FieldSpecifier& field) {
        const Bytes octets = std::as_bytes(std::span{text.substr(0, field.octets)});
        std::ranges::copy(octets, room(field.octets).begin());
        return *this;
    }
    Bytes all() const noexcept { return Bytes{octets_}.first(used_); }

private:
    static constexpr std::size_t longest_record = 128;

    std::span<std::byte> room(std::size_t octets) {
        expects(octets <= octets_.size() - used_);
        return std::span{octets_}.subspan(std::exchange(used_, used_ + octets), octets);
    }

    std::array<std::byte, longest_record> octets_{};
    std::size_t used_ = 0;
};

// Puts records into FlowSets, and these into messages that are no longer than the limit.
class Writer {
public:
    explicit Writer(std::size_t octets_max) : octets_max_(octets_max) {}

    void add(std::uint16_t flow_set, const Octets& record) {
        const std::size_t octets = set_header_octets + padded(record.all().size());
        if (messages_.empty() || messages_.back().octets.size() + octets > octets_max_) {
            close();
            messages_.push_back({std::vector<std::byte>(netflow9_protocol.header_octets), 1, 0, 0});
            flow_set_ = 0;
        }
        if (flow_set != flow_set_) {
            close();
            begin(flow_set);
        }
        PreparedMessage& message = messages_.back();
        const std::size_t at = message.octets.size();
        message.octets.resize(at + record.all().size());
        std::ranges::copy(record.all(), std::span{message.octets}.subspan(at).begin());
        message.templates += 1;
    }
    std::vector<PreparedMessage> take() {
        close();
        return std::move(messages_);
    }

private:
    static constexpr std::size_t padded(std::size_t octets) noexcept {
        return (octets + 3) & ~std::size_t{3};
    }
    void begin(std::uint16_t flow_set) {
        PreparedMessage& message = messages_.back();
        flow_set_ = flow_set;
        set_at_ = message.octets.size();
        message.octets.resize(set_at_ + set_header_octets);
        message.template_sets += flow_set == options_template_flow_set ? 1U : 0U;
    }
    void close() {
        if (flow_set_ == 0) {
            return;
        }
        std::vector<std::byte>& octets = messages_.back().octets;
        octets.resize(padded(octets.size()));
        const auto head = std::span{octets}.subspan(set_at_);
        store_be(head.subspan<0, 2>(), flow_set_);
        store_be(head.subspan<2, 2>(), static_cast<std::uint16_t>(head.size()));
        flow_set_ = 0;
    }

    std::vector<PreparedMessage> messages_;
    std::size_t octets_max_;
    std::uint16_t flow_set_ = 0;  // open; 0: none
    std::size_t set_at_ = 0;
};

// RFC 3954 section 6.1: id, the octets of both lists, the scope, the fields.
void define(Writer& writer, std::uint16_t id, std::span<const FieldSpecifier> fields) {
    constexpr std::uint16_t specifier_octets = 4;
    Octets record;
    record.number(id)
        .number(specifier_octets)
        .number(static_cast<std::uint16_t>(fields.size() * specifier_octets))
        .number(system_scope.type)
        .number(system_scope.octets);
    for (const FieldSpecifier& field : fields) {
        record.number(field.type).number(field.octets);
    }
    writer.add(options_template_flow_set, record);
}

}  // namespace

std::vector<PreparedMessage> netflow_options_opening(const NetflowOptions& options) {
    constexpr std::array interface_fields{input_interface, interface_name, interface_words};
    constexpr std::array sampling_fields{sampling_interval, sampling_algorithm};
    constexpr std::array statistics_fields{octets_sent, messages_sent, records_sent};
    Writer writer(options.message_octets);
    define(writer, interface_table, interface_fields);
    define(writer, sampling_table, sampling_fields);
    define(writer, statistics_table, statistics_fields);
    for (std::size_t point = 0; point < options.interfaces.size(); ++point) {
        const Interface& one = options.interfaces[point];
        if (one.observation_domain_id == options.domain) {
            writer.add(interface_table,
                       Octets{}
                           .number(number_of(options.domain))
                           .number(static_cast<std::uint32_t>(point + 1))
                           .text(one.name, interface_name)
                           .text("observation point of tapmeter", interface_words));
        }
    }
    writer.add(
        sampling_table,
        Octets{}.number(number_of(options.domain)).number(options.one_in).number(random_sampling));
    return writer.take();
}

std::vector<PreparedMessage> netflow_statistics(const NetflowOptions& options,
                                                const ExportingTotals& exporting) {
    Writer writer(options.message_octets);
    writer.add(statistics_table, Octets{}
                                     .number(number_of(options.domain))
                                     .number(exporting.message_octets)
                                     .number(exporting.messages)
                                     .number(exporting.records));
    return writer.take();
}

// RFC 3954 section 5.2. Version 5 has no Sets to put Templates in.
void Announcement::add_netflow_templates() {
    const Protocol& protocol = *setup_.protocol;
    if (protocol.set_header_octets == 0) {
        return;
    }
    for (auto& set :
         template_sets(setup_.templates->all(), setup_.message_octets - protocol.header_octets,
                       protocol.template_set_id)) {
        std::uint32_t templates = 0;
        for (std::size_t at = protocol.set_header_octets; at < set.size(); ++templates) {
            const std::size_t fields = load_be16(std::span{set}.subspan(at + 2).first<2>());
            at += 4 + 4 * fields;  // id and count, then a type and a length each
        }
        set.insert(set.begin(), protocol.header_octets, std::byte{});
        opening_.push_back({std::move(set), 1, 1, templates});
    }
}

// Behind the Templates, in messages of their own.
void Announcement::add_netflow_options() {
    if (setup_.options) {
        std::ranges::move(netflow_options_opening({setup_.domain, setup_.interfaces,
                                                   setup_.sampling, setup_.message_octets}),
                          std::back_inserter(opening_));
    }
}

}  // namespace tapmeter::exporting
