#include "src/exporting/clickhouse_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>

#include "pipeline/base/expects.h"
#include "src/exporting/eve_application.h"
#include "src/fields/table.h"

namespace tapmeter::exporting {
namespace {

static_assert(std::endian::native == std::endian::little,
              "RowBinary is little-endian: numbers are copied as they stand");

using fields::all_fields;
using fields::Field;
using fields::Source;
using flow::FlowRecord;

constexpr std::size_t copied_octets = 16;  // at a time

// What stands in a row beside the fields.
struct OwnValues {
    std::uint64_t insert_id = 0;
    std::uint32_t observation_domain_id = 0;
    std::array<std::uint32_t, 5> unused{};  // so that sixteen octets can be read anywhere
};

// Where octets come from, in the order of the bases that write() is given.
enum Base : std::uint8_t {
    in_record,
    in_derived,
    in_tcp,
    in_tunnel,
    in_behaviour,
    in_own,
    in_constants,
    bases,
};

// Zeros of what a record does not have, as long as the longest report; before them the twelve
// octets that make an IPv4 address one of IPv6 (RFC 4291 section 2.5.5.2).
constexpr std::size_t zeros_at = 16;
constexpr auto constant_octets = [] {
    std::array<std::byte, zeros_at + sizeof(flow::BehaviourReport) + copied_octets> octets{};
    octets[10] = std::byte{0xFF};
    octets[11] = std::byte{0xFF};
    return octets;
}();
constexpr std::size_t mapped_octets = 12;
static_assert(sizeof(flow::TcpReport) <= constant_octets.size() - zeros_at &&
              sizeof(flow::TunnelReport) <= constant_octets.size() - zeros_at);

constexpr std::array<std::size_t, bases> base_octets{
    sizeof(FlowRecord),         sizeof(fields::DerivedValues), sizeof(flow::TcpReport),
    sizeof(flow::TunnelReport), sizeof(flow::BehaviourReport), sizeof(OwnValues),
    constant_octets.size()};

constexpr ClickHouseColumn domain_column{"odid", "UInt32", "Observation Domain of the interface"};
constexpr ClickHouseColumn insert_column{
    "insert_id", "UInt64", "the same for all rows that tapmeter wrote into one block"};
constexpr std::array text_columns{
    ClickHouseColumn{"app", "LowCardinality(String)",
                     "application, as nDPI calls it: TLS.Google; empty: not inspected"},
    ClickHouseColumn{"host", "String",
                     "HTTP Host, else TLS server name, else DNS name asked for, as it was sent"},
};

bool is_text(const Field& field) noexcept {
    return field.place.source == Source::interface_name;
}

// How many octets RowBinary has for a value of a fixed type of ours.
std::size_t octets_of(std::string_view type) noexcept {
    return type == "UInt8"    ? 1
           : type == "UInt16" ? 2
           : type == "UInt32" ? 4
           : type == "IPv6"   ? 16
                              : 8;
}

// Each column of the table once: addresses have a row for IPv4 and one for IPv6.
std::vector<const Field*> columned_fields(bool texts) {
    std::vector<const Field*> columns;
    for (const Field& field : all_fields) {
        const bool known = std::ranges::any_of(
            columns, [&field](const Field* other) { return other->column == field.column; });
        if (!field.column.empty() && is_text(field) == texts && !known) {
            columns.push_back(&field);
        }
    }
    return columns;
}

Base base_of(Source source) noexcept {
    switch (source) {
        case Source::derived:
            return in_derived;
        case Source::tcp:
            return in_tcp;
        case Source::tunnel:
            return in_tunnel;
        case Source::behaviour:
            return in_behaviour;
        default:
            return in_record;
    }
}

// Where a record has the value of a field. A DateTime64(9) is nanoseconds since 1970, which no
// Information Element is and a record has.
fields::Place place_of(const Field& field) noexcept {
    constexpr std::size_t start = offsetof(fields::DerivedValues, start_nanoseconds);
    constexpr std::size_t end = offsetof(fields::DerivedValues, end_nanoseconds);
    if (field.place.source == Source::derived && field.place.offset == start) {
        return {Source::record, offsetof(FlowRecord, start), 8, false, 0};
    }
    if (field.place.source == Source::derived && field.place.offset == end) {
        return {Source::record, offsetof(FlowRecord, end), 8, false, 0};
    }
    return field.place;
}

template <class Report>
const std::byte* octets_of(const Report* report) noexcept {
    return report == nullptr ? constant_octets.data() + zeros_at
                             : std::as_bytes(std::span{report, 1}).data();
}

// Length in LEB128, then the octets; below 16,384 of them.
std::byte* write_text(std::byte* to, std::string_view text) noexcept {
    constexpr std::size_t low = 0x7F;
    if (text.size() > low) {
        *to++ = static_cast<std::byte>((text.size() & low) | 0x80U);
        *to++ = static_cast<std::byte>(text.size() >> 7U);
    } else {
        *to++ = static_cast<std::byte>(text.size());
    }
    return std::ranges::copy(std::as_bytes(std::span{text}), to).out;
}
constexpr std::size_t text_octets_max = 16'383;

std::string_view host_of(const inspect::Metadata* metadata) noexcept {
    if (metadata == nullptr) {
        return {};
    }
    const auto* const known = !metadata->http.host.empty() ? &metadata->http.host
                              : !metadata->tls.sni.empty() ? &metadata->tls.sni
                                                           : &metadata->dns.query;
    return metadata->view(*known);
}

std::byte* write_application(std::byte* to, const flow::Application& application,
                             const inspect::ApplicationNames* names) noexcept {
    std::array<char, inspect::ApplicationNames::label_octets_max> label{};
    const char* end = label.data();
    if (names != nullptr && application.inspection != flow::Inspection::off) {
        end = write_label(label.data(), application, *names);
    }
    return write_text(to, {label.data(), static_cast<std::size_t>(end - label.data())});
}

}  // namespace

const std::vector<ClickHouseColumn>& clickhouse_columns() {
    static const std::vector<ClickHouseColumn> columns = [] {
        std::vector<ClickHouseColumn> all;
        for (const Field* field : columned_fields(false)) {
            // Of both families: "IPv4 address of the source" is its first row alone.
            const bool family = field->help.starts_with("IPv4 ");
            all.push_back({field->column, field->column_type, field->help.substr(family ? 5 : 0)});
        }
        all.push_back(domain_column);
        all.push_back(insert_column);
        for (const Field* field : columned_fields(true)) {
            all.push_back({field->column, field->column_type, field->help});
        }
        all.insert(all.end(), text_columns.begin(), text_columns.end());
        return all;
    }();
    return columns;
}

bool is_readable_as(std::string_view ours, std::string_view theirs) {
    const auto without = [](std::string_view type, std::string_view wrapper) {
        const bool wrapped = type.starts_with(wrapper) && type.ends_with(')');
        return wrapped ? type.substr(wrapper.size(), type.size() - wrapper.size() - 1) : type;
    };
    ours = without(ours, "LowCardinality(");
    theirs = without(theirs, "LowCardinality(");
    if (ours == theirs) {
        return true;
    }
    if (ours.starts_with("DateTime64(9")) {
        return theirs == "Int64" || theirs == "UInt64" || theirs == "DateTime64(9)" ||
               theirs.starts_with("DateTime64(9,");
    }
    if (ours == "IPv6") {
        return theirs == "FixedString(16)";
    }
    return (ours == "UInt8" && theirs.starts_with("Enum8(")) ||
           (ours == "UInt16" && theirs.starts_with("Enum16(")) ||
           (ours.starts_with("UInt") && theirs == ours.substr(1));
}

ClickHouseRows::ClickHouseRows(const Interfaces& interfaces, const inspect::ApplicationNames* names)
    : names_(names) {
    for (std::size_t kind = 0; kind < fields::flow_kinds; ++kind) {
        plans_[kind] = plan_for(fields::all_flow_kinds[kind]);
    }
    std::size_t longest = 0;
    for (const Interface& one : interfaces) {
        const std::string_view name = std::string_view(one.name).substr(0, text_octets_max);
        std::vector<std::byte> text(name.size() + 2);
        text.resize(static_cast<std::size_t>(write_text(text.data(), name) - text.data()));
        longest = std::max(longest, text.size());
        points_.push_back({std::move(text), number_of(one.observation_domain_id)});
    }
    std::size_t fixed = 0;
    for (const Copy& copy : plans_.front()) {
        fixed += copy.octets;
    }
    row_octets_max_ = fixed + longest + 1 + inspect::ApplicationNames::label_octets_max + 2 +
                      inspect::text_max::name + copied_octets;
}

ClickHouseRows::Plan ClickHouseRows::plan_for(const fields::FlowKind& kind) {
    Plan plan;
    const auto add = [&plan](Base base, std::size_t offset, std::size_t octets) {
        const bool joins = !plan.empty() && plan.back().base == base &&
                           std::size_t{plan.back().offset} + plan.back().octets == offset &&
                           plan.back().octets + octets <= copied_octets;
        if (joins) {
            plan.back().octets = static_cast<std::uint8_t>(plan.back().octets + octets);
            return;
        }
        plan.push_back({base, static_cast<std::uint8_t>(octets), static_cast<std::uint16_t>(offset),
                        offset + copied_octets > base_octets[base]});
    };
    for (const Field* column : columned_fields(false)) {
        const std::size_t octets = octets_of(column->column_type);
        const auto field = std::ranges::find_if(all_fields, [&](const Field& one) {
            return one.column == column->column && has(one.presence, kind);
        });
        if (field == all_fields.end()) {
            add(in_constants, zeros_at, octets);
            continue;
        }
        const fields::Place place = place_of(*field);
        const bool mapped = place.network && place.octets < octets;
        expects(mapped ? place.octets + mapped_octets == octets : place.octets == octets);
        if (mapped) {
            add(in_constants, 0, mapped_octets);
        }
        add(base_of(place.source), place.offset, place.octets);
        need_ |= place.need;
    }
    add(in_own, offsetof(OwnValues, observation_domain_id), sizeof(std::uint32_t));
    add(in_own, offsetof(OwnValues, insert_id), sizeof(std::uint64_t));
    return plan;
}

std::size_t ClickHouseRows::write(std::byte* to, const FlowRecord& record,
                                  const RecordRing::Parts& beside,
                                  std::uint64_t insert_id) const noexcept {
    expects(record.observation_point < points_.size());
    const Point& point = points_[record.observation_point];
    fields::DerivedValues computed;
    fields::derive(record, need_, computed);
    const OwnValues values{insert_id, point.observation_domain_id, {}};
    const std::array<const std::byte*, bases> from{
        std::as_bytes(std::span{&record, 1}).data(),
        std::as_bytes(std::span{&computed, 1}).data(),
        octets_of(std::get<const flow::TcpReport*>(beside)),
        octets_of(std::get<const flow::TunnelReport*>(beside)),
        octets_of(std::get<const flow::BehaviourReport*>(beside)),
        std::as_bytes(std::span{&values, 1}).data(),
        constant_octets.data()};
    const std::byte* const begin = to;
    for (const Copy& copy : plans_[fields::kind_of(record)]) {
        std::memcpy(to, from[copy.base] + copy.offset, copy.exact ? copy.octets : copied_octets);
        to += copy.octets;
    }
    to = std::ranges::copy(point.name, to).out;
    to = write_application(to, record.application, names_);
    to = write_text(to, host_of(std::get<const inspect::Metadata*>(beside)));
    return static_cast<std::size_t>(to - begin);
}

}  // namespace tapmeter::exporting
