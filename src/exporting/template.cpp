#include "src/exporting/template.h"

#include <algorithm>

#include "pipeline/base/expects.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t set_header_octets = 4;
constexpr std::size_t template_header_octets = 4;

template <class Fields>
constexpr std::size_t definition_octets = template_header_octets + Fields::specifier_octets;

// Appends integers in network byte order to an array while compiling.
template <std::size_t octets>
struct Octets {
    std::array<std::byte, octets> value{};
    std::size_t used = 0;

    constexpr void append(std::uint16_t number) {
        value[used++] = static_cast<std::byte>(number >> 8U);
        value[used++] = static_cast<std::byte>(number & 0xFFU);
    }
};

template <class Fields>
consteval std::array<std::byte, definition_octets<Fields>> definition(std::uint16_t id) {
    Octets<definition_octets<Fields>> octets;
    octets.append(id);
    octets.append(Fields::count);
    Fields::for_each([&octets]<class F>() {
        octets.append(
            static_cast<std::uint16_t>(F::element.id | (F::reverse ? enterprise_bit : 0U)));
        octets.append(F::element.octets);
        if constexpr (F::reverse) {
            octets.append(reverse_enterprise_number >> 16U);
            octets.append(reverse_enterprise_number & 0xFFFFU);
        }
    });
    return octets.value;
}

template <TimeUnit unit, bool quirk_nfdump, std::size_t kind>
struct One {
    static constexpr FlowKind of = all_flow_kinds[kind];
    using Fields =
        BiflowFieldList<unit, of.ip_version, of.icmp, quirk_nfdump, of.stands_for_others>;
    static constexpr std::uint16_t id = template_id_first + kind;
    static constexpr auto octets = definition<Fields>(id);
    static constexpr Template made{id, Fields::record_octets, octets, &Fields::encode};
};

template <TimeUnit unit, bool quirk_nfdump>
constexpr Templates templates_of = []<std::size_t... kind>(std::index_sequence<kind...>) {
    return Templates{One<unit, quirk_nfdump, kind>::made...};
}
(std::make_index_sequence<flow_kinds>{});

template <TimeUnit unit>
const Templates& with_quirk(bool quirk_nfdump) noexcept {
    return quirk_nfdump ? templates_of<unit, true> : templates_of<unit, false>;
}

}  // namespace

const Templates& biflow_templates(TimeUnit unit, bool quirk_nfdump) noexcept {
    switch (unit) {
        case TimeUnit::microseconds:
            return with_quirk<TimeUnit::microseconds>(quirk_nfdump);
        case TimeUnit::nanoseconds:
            return with_quirk<TimeUnit::nanoseconds>(quirk_nfdump);
        case TimeUnit::milliseconds:
            break;
    }
    return with_quirk<TimeUnit::milliseconds>(quirk_nfdump);
}

std::vector<std::vector<std::byte>> template_sets(std::span<const Template> templates,
                                                  std::size_t octets_max, std::uint16_t set_id) {
    std::vector<std::vector<std::byte>> sets;
    for (const Template& one : templates) {
        expects(set_header_octets + one.definition.size() <= octets_max);
        if (sets.empty() || sets.back().size() + one.definition.size() > octets_max) {
            sets.emplace_back(set_header_octets);
        }
        sets.back().insert(sets.back().end(), one.definition.begin(), one.definition.end());
    }
    for (std::vector<std::byte>& set : sets) {
        // Specifiers are whole words, so a Template Set ends at a multiple of four by itself.
        store_be(std::span{set}.subspan<0, 2>(), set_id);
        store_be(std::span{set}.subspan<2, 2>(), static_cast<std::uint16_t>(set.size()));
    }
    return sets;
}

std::vector<std::byte> template_withdrawal(std::span<const Template> templates) {
    std::vector<std::byte> set(set_header_octets + templates.size() * template_header_octets);
    store_be(std::span{set}.subspan<0, 2>(), template_set_id);
    store_be(std::span{set}.subspan<2, 2>(), static_cast<std::uint16_t>(set.size()));
    auto record = std::span{set}.subspan(set_header_octets);
    for (const Template& one : templates) {
        store_be(record.first<2>(), one.id);  // behind it stands that it has 0 fields
        record = record.subspan(template_header_octets);
    }
    return set;
}

}  // namespace tapmeter::exporting
