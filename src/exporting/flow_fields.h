#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>

#include "pipeline/flow/flow_record.h"
#include "src/config/config.h"
#include "src/fields/selection.h"
#include "src/fields/table.h"

// The fields that every Collector is sent unless its block says otherwise, as lists that the
// compiler turns into straight stores. What each field is, and where a Flow Record has it, stands
// in src/fields/table.h. Template, encoder and the flat JSON format are all made from the lists
// below, so they cannot disagree about order, length or name.
namespace tapmeter::exporting {

using fields::InformationElement;
using fields::ipfix_time;
using fields::reverse_enterprise_number;
using flow::FlowRecord;
using TimeUnit = Config::TimeUnit;

// Writes an unsigned integer in network byte order.
template <class Integer>
inline void store_be(std::span<std::byte, sizeof(Integer)> to, Integer value) noexcept {
    static_assert(std::is_unsigned_v<Integer>);
    if constexpr (std::endian::native == std::endian::little && sizeof(Integer) == 2) {
        value = __builtin_bswap16(value);
    } else if constexpr (std::endian::native == std::endian::little && sizeof(Integer) == 4) {
        value = __builtin_bswap32(value);
    } else if constexpr (std::endian::native == std::endian::little && sizeof(Integer) == 8) {
        value = __builtin_bswap64(value);
    }
    std::memcpy(to.data(), &value, sizeof(Integer));
}

// Addresses are in network byte order already.
template <std::size_t octets>
inline void store_be(std::span<std::byte, octets> to,
                     const std::array<std::uint8_t, octets>& address) noexcept {
    std::memcpy(to.data(), address.data(), octets);
}

template <std::size_t octets>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
    using Type = std::uint8_t;
};
template <>
struct UnsignedOf<2> {
    using Type = std::uint16_t;
};
template <>
struct UnsignedOf<4> {
    using Type = std::uint32_t;
};
template <>
struct UnsignedOf<8> {
    using Type = std::uint64_t;
};

// One row of the table at compile time.
template <std::size_t index>
struct Field {
    static constexpr const fields::Field& row = fields::all_fields[index];
    static constexpr fields::Place place = row.place;
    static constexpr InformationElement element = row.element;
    static constexpr bool reverse = row.reverse;
    static constexpr std::size_t octets = element.octets;
    static constexpr std::size_t specifier_octets = reverse ? 8 : 4;  // RFC 7011 section 3.2
    static_assert(octets != fields::variable_length && !element.own);

    // An unsigned integer, or an address as octets.
    static auto value(const FlowRecord& record) noexcept {
        if constexpr (place.source == fields::Source::derived) {
            fields::DerivedValues derived;
            fields::derive(record, place.need, derived);
            return value_in(derived);
        } else {
            return value_in(record);
        }
    }
    static void store(const FlowRecord& record, std::span<std::byte, octets> to) noexcept {
        store_be(to, value(record));
    }

private:
    template <class Holder>
    static auto value_in(const Holder& holder) noexcept {
        const auto from = std::as_bytes(std::span{&holder, 1}).subspan(place.offset, octets);
        if constexpr (place.network && octets != 2) {
            std::array<std::uint8_t, octets> address{};
            std::memcpy(address.data(), from.data(), octets);
            return address;
        } else {
            typename UnsignedOf<octets>::Type number = 0;
            std::memcpy(&number, from.data(), octets);
            if constexpr (place.network && std::endian::native == std::endian::little) {
                number = __builtin_bswap16(number);
            }
            return number;
        }
    }
};

// Stands where a list leaves a field out.
struct Absent {
    static constexpr std::size_t octets = 0;
    static constexpr std::size_t specifier_octets = 0;
    static void store(const FlowRecord& /*record*/, std::span<std::byte, 0> /*to*/) noexcept {}
};

template <class... Fields>
struct FieldList {
    static constexpr std::size_t record_octets = (Fields::octets + ...);
    static constexpr std::size_t specifier_octets = (Fields::specifier_octets + ...);
    static constexpr std::uint16_t count =
        (std::uint16_t{0} + ... + std::uint16_t{Fields::octets == 0 ? 0 : 1});

    // Straight stores at offsets known while compiling. `to` has record_octets octets or more.
    static void encode(const FlowRecord& record, std::span<std::byte> to) noexcept {
        encode_at(record, to.template first<record_octets>(),
                  std::make_index_sequence<sizeof...(Fields)>{});
    }

    // Calls visit.template operator()<Field>() for each field present, in the order on the wire.
    template <class Visit>
    static constexpr void for_each(Visit&& visit) {
        const auto unless_absent = [&visit]<class F>() {
            if constexpr (F::octets != 0) {
                visit.template operator()<F>();
            }
        };
        (unless_absent.template operator()<Fields>(), ...);
    }

private:
    static constexpr std::array<std::size_t, sizeof...(Fields)> offsets = [] {
        std::array<std::size_t, sizeof...(Fields)> result{};
        std::size_t next = 0;
        std::size_t index = 0;
        ((result[index++] = std::exchange(next, next + Fields::octets)), ...);
        return result;
    }();

    template <std::size_t... index>
    static void encode_at(const FlowRecord& record, std::span<std::byte, record_octets> to,
                          std::index_sequence<index...> /*order*/) noexcept {
        (Fields::store(record, to.template subspan<offsets[index], Fields::octets>()), ...);
    }
};

namespace read {
using fields::probability;
}  // namespace read

using fields::id_of;

consteval std::size_t start_field(TimeUnit unit) {
    return unit == TimeUnit::milliseconds   ? fields::field("flowStartMilliseconds")
           : unit == TimeUnit::microseconds ? fields::field("flowStartMicroseconds")
                                            : fields::field("flowStartNanoseconds");
}
consteval std::size_t end_field(TimeUnit unit) {
    return unit == TimeUnit::milliseconds   ? fields::field("flowEndMilliseconds")
           : unit == TimeUnit::microseconds ? fields::field("flowEndMicroseconds")
                                            : fields::field("flowEndNanoseconds");
}
consteval std::uint16_t start_id(TimeUnit unit) {
    return fields::all_fields[start_field(unit)].element.id;
}
consteval std::uint16_t end_id(TimeUnit unit) {
    return fields::all_fields[end_field(unit)].element.id;
}

using fields::all_flow_kinds;
using fields::flow_kinds;
using fields::FlowKind;
using fields::kind_of;

// clang 14 takes no class type as a template argument, so the kind comes as two values.
template <TimeUnit unit, std::uint8_t ip_version, bool icmp, bool quirk_nfdump, bool others>
struct BiflowFields {
    template <bool present, class F>
    using If = std::conditional_t<present, F, Absent>;
    static constexpr bool v4 = ip_version == 4;

    using Type = FieldList<
        Field<start_field(unit)>, Field<end_field(unit)>, Field<fields::field("octetDeltaCount")>,
        Field<fields::field("packetDeltaCount")>, Field<fields::field("reverseOctetDeltaCount")>,
        Field<fields::field("reversePacketDeltaCount")>,
        Field<fields::field("layer2OctetDeltaCount")>,
        Field<fields::field("reverseLayer2OctetDeltaCount")>, Field<fields::field("flowId")>,
        If<v4, Field<fields::field("sourceIPv4Address")>>,
        If<v4, Field<fields::field("destinationIPv4Address")>>,
        If<!v4, Field<fields::field("sourceIPv6Address")>>,
        If<!v4, Field<fields::field("destinationIPv6Address")>>,
        Field<fields::field("ingressInterface")>,
        If<!icmp, Field<fields::field("sourceTransportPort")>>,
        If<!icmp, Field<fields::field("destinationTransportPort")>>,
        If<icmp && v4, Field<fields::field("icmpTypeCodeIPv4")>>,
        If<icmp && !v4, Field<fields::field("icmpTypeCodeIPv6")>>,
        If<!icmp, Field<fields::field("tcpControlBits")>>,
        If<!icmp && !quirk_nfdump, Field<fields::field("reverseTcpControlBits")>>,
        Field<fields::field("dot1qVlanId")>, Field<fields::field("dot1qCustomerVlanId")>,
        Field<fields::field("protocolIdentifier")>, Field<fields::field("ipClassOfService")>,
        Field<fields::field("reverseIpClassOfService")>, Field<fields::field("minimumTTL")>,
        Field<fields::field("reverseMinimumTTL")>, Field<fields::field("flowEndReason")>,
        Field<fields::field("biflowDirection")>,
        If<others && v4, Field<fields::field("sourceIPv4PrefixLength")>>,
        If<others && v4, Field<fields::field("destinationIPv4PrefixLength")>>,
        If<others && !v4, Field<fields::field("sourceIPv6PrefixLength")>>,
        If<others && !v4, Field<fields::field("destinationIPv6PrefixLength")>>,
        If<others, Field<fields::field("flowSelectorAlgorithm")>>,
        If<others, Field<fields::field("samplingProbability")>>>;
};

template <TimeUnit unit, std::uint8_t ip_version, bool icmp, bool quirk_nfdump = false,
          bool stands_for_others = false>
using BiflowFieldList =
    typename BiflowFields<unit, ip_version, icmp, quirk_nfdump, stands_for_others>::Type;

static_assert(BiflowFieldList<TimeUnit::milliseconds, 4, false>::record_octets == 103);
static_assert(BiflowFieldList<TimeUnit::milliseconds, 4, false>::count == 25);
static_assert(BiflowFieldList<TimeUnit::milliseconds, 4, false, true>::record_octets == 101);
static_assert(BiflowFieldList<TimeUnit::nanoseconds, 6, false>::record_octets == 127);
static_assert(BiflowFieldList<TimeUnit::milliseconds, 4, true>::record_octets == 97);
static_assert(BiflowFieldList<TimeUnit::milliseconds, 4, false, false, true>::record_octets == 115);
static_assert(BiflowFieldList<TimeUnit::milliseconds, 6, true>::record_octets == 121);

}  // namespace tapmeter::exporting
