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
#include "src/exporting/information_element.h"
#include "src/exporting/ipfix_time.h"

// Every exported field once: which Information Element it is, and where a Flow Record has it.
// Template, encoder and the flat JSON format are all made from the lists below, so they cannot
// disagree about order, length or name.
namespace tapmeter::exporting {

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

// read      gives the field's value of a Flow Record: an unsigned integer or an address, exactly as
//           long as the element; a pointer to a member or to a function
// reversed  the element of the destination's direction (RFC 5103)
template <std::uint16_t element_id, auto read, bool reversed = false>
struct Field {
    static constexpr InformationElement element =
        *std::ranges::find(information_elements, element_id, &InformationElement::id);
    static constexpr bool reverse = reversed;
    static constexpr std::size_t octets = element.octets;
    static constexpr std::size_t specifier_octets = reversed ? 8 : 4;  // RFC 7011 section 3.2

    static auto value(const FlowRecord& record) noexcept { return std::invoke(read, record); }
    static void store(const FlowRecord& record, std::span<std::byte, octets> to) noexcept {
        static_assert(sizeof(value(record)) == octets, "the element's length is the value's");
        store_be(to, value(record));
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

using Ipv4Address = std::array<std::uint8_t, 4>;

inline Ipv4Address ipv4_part(const decode::Address& address) noexcept {
    return {address[12], address[13], address[14], address[15]};
}
inline Ipv4Address source_ipv4(const FlowRecord& r) noexcept {
    return ipv4_part(r.source);
}
inline Ipv4Address destination_ipv4(const FlowRecord& r) noexcept {
    return ipv4_part(r.destination);
}
inline std::uint16_t icmp_type_code(const FlowRecord& r) noexcept {
    return static_cast<std::uint16_t>((unsigned{r.icmp_type} << 8U) | r.icmp_code);
}
inline std::uint64_t packets(const FlowRecord& r) noexcept {
    return r.forward.packets.value;
}
inline std::uint64_t octets(const FlowRecord& r) noexcept {
    return r.forward.octets.value;
}
inline std::uint64_t layer2_octets(const FlowRecord& r) noexcept {
    return r.forward.layer2_octets.value;
}
inline std::uint64_t reverse_packets(const FlowRecord& r) noexcept {
    return r.reverse.packets.value;
}
inline std::uint64_t reverse_octets(const FlowRecord& r) noexcept {
    return r.reverse.octets.value;
}
inline std::uint64_t reverse_layer2_octets(const FlowRecord& r) noexcept {
    return r.reverse.layer2_octets.value;
}
// Value 4 of flowSelectorAlgorithm (RFC 7014 section 9.1.2): uniform probabilistic sampling, here
// by a keyed hash of the flow key.
inline std::uint16_t flow_selector_algorithm(const FlowRecord& /*record*/) noexcept {
    return 4;
}
// With which probability a flow like this one was metered: 2^-k.
inline double probability(const FlowRecord& r) noexcept {
    return 1.0 / static_cast<double>(std::uint64_t{1} << r.sampling_exponent);
}
inline std::uint64_t sampling_probability(const FlowRecord& r) noexcept {
    return std::bit_cast<std::uint64_t>(
        probability(r));  // IEEE 754, as RFC 7011 section 6.1.3 says
}
inline std::uint8_t end_reason(const FlowRecord& r) noexcept {
    return static_cast<std::uint8_t>(r.end_reason);
}
// 0 means "no interface" to many readers, so the first Observation Point is 1.
inline std::uint32_t ingress_interface(const FlowRecord& r) noexcept {
    return std::uint32_t{r.observation_point} + 1;
}
template <TimeUnit unit>
std::uint64_t start(const FlowRecord& r) noexcept {
    return ipfix_time<unit>(r.start);
}
template <TimeUnit unit>
std::uint64_t end(const FlowRecord& r) noexcept {
    return ipfix_time<unit>(r.end);
}

}  // namespace read

consteval std::uint16_t id_of(std::string_view name) {
    return element(name).id;
}

consteval std::uint16_t start_id(TimeUnit unit) {
    return unit == TimeUnit::milliseconds   ? id_of("flowStartMilliseconds")
           : unit == TimeUnit::microseconds ? id_of("flowStartMicroseconds")
                                            : id_of("flowStartNanoseconds");
}
consteval std::uint16_t end_id(TimeUnit unit) {
    return unit == TimeUnit::milliseconds   ? id_of("flowEndMilliseconds")
           : unit == TimeUnit::microseconds ? id_of("flowEndMicroseconds")
                                            : id_of("flowEndNanoseconds");
}

// What a list is made for. ICMP flows have templates of their own: collectors such as nfdump keep
// ICMP type and code where they keep the destination port, so the two never stand in one record.
// So have records that stand for more than one flow: aggregates, and flows of which only some were
// metered. They say so in four elements more, which all others are spared.
struct FlowKind {
    std::uint8_t ip_version = 4;
    bool icmp = false;
    bool stands_for_others = false;
};
inline constexpr std::size_t flow_kinds = 8;
inline constexpr std::array<FlowKind, flow_kinds> all_flow_kinds{
    FlowKind{4, false, false}, FlowKind{6, false, false}, FlowKind{4, true, false},
    FlowKind{6, true, false},  FlowKind{4, false, true},  FlowKind{6, false, true},
    FlowKind{4, true, true},   FlowKind{6, true, true}};

// Index into all_flow_kinds.
inline std::size_t kind_of(const FlowRecord& record) noexcept {
    const bool ipv6 = record.ip_version == 6;
    const bool icmp = record.protocol == (ipv6 ? 58 : 1);
    const bool stands_for_others = record.aggregated || record.sampling_exponent != 0;
    return (stands_for_others ? std::size_t{4} : 0) + (icmp ? std::size_t{2} : 0) +
           (ipv6 ? std::size_t{1} : 0);
}

// clang 14 takes no class type as a template argument, so the kind comes as two values.
template <TimeUnit unit, std::uint8_t ip_version, bool icmp, bool quirk_nfdump, bool others>
struct BiflowFields {
    template <bool present, class F>
    using If = std::conditional_t<present, F, Absent>;
    static constexpr bool v4 = ip_version == 4;

    using Type = FieldList<
        Field<start_id(unit), read::start<unit>>, Field<end_id(unit), read::end<unit>>,
        Field<id_of("octetDeltaCount"), read::octets>,
        Field<id_of("packetDeltaCount"), read::packets>,
        Field<id_of("octetDeltaCount"), read::reverse_octets, true>,
        Field<id_of("packetDeltaCount"), read::reverse_packets, true>,
        Field<id_of("layer2OctetDeltaCount"), read::layer2_octets>,
        Field<id_of("layer2OctetDeltaCount"), read::reverse_layer2_octets, true>,
        Field<id_of("flowId"), &FlowRecord::flow_id>,
        If<v4, Field<id_of("sourceIPv4Address"), read::source_ipv4>>,
        If<v4, Field<id_of("destinationIPv4Address"), read::destination_ipv4>>,
        If<!v4, Field<id_of("sourceIPv6Address"), &FlowRecord::source>>,
        If<!v4, Field<id_of("destinationIPv6Address"), &FlowRecord::destination>>,
        Field<id_of("ingressInterface"), read::ingress_interface>,
        If<!icmp, Field<id_of("sourceTransportPort"), &FlowRecord::source_port>>,
        If<!icmp, Field<id_of("destinationTransportPort"), &FlowRecord::destination_port>>,
        If<icmp && v4, Field<id_of("icmpTypeCodeIPv4"), read::icmp_type_code>>,
        If<icmp && !v4, Field<id_of("icmpTypeCodeIPv6"), read::icmp_type_code>>,
        If<!icmp, Field<id_of("tcpControlBits"), &FlowRecord::forward_tcp_control_bits>>,
        If<!icmp && !quirk_nfdump,
           Field<id_of("tcpControlBits"), &FlowRecord::reverse_tcp_control_bits, true>>,
        Field<id_of("dot1qVlanId"), &FlowRecord::vlan>,
        Field<id_of("dot1qCustomerVlanId"), &FlowRecord::customer_vlan>,
        Field<id_of("protocolIdentifier"), &FlowRecord::protocol>,
        Field<id_of("ipClassOfService"), &FlowRecord::forward_type_of_service>,
        Field<id_of("ipClassOfService"), &FlowRecord::reverse_type_of_service, true>,
        Field<id_of("minimumTTL"), &FlowRecord::forward_ttl_min>,
        Field<id_of("minimumTTL"), &FlowRecord::reverse_ttl_min, true>,
        Field<id_of("flowEndReason"), read::end_reason>,
        Field<id_of("biflowDirection"), &FlowRecord::biflow_direction>,
        If<others && v4, Field<id_of("sourceIPv4PrefixLength"), &FlowRecord::source_prefix_length>>,
        If<others && v4,
           Field<id_of("destinationIPv4PrefixLength"), &FlowRecord::destination_prefix_length>>,
        If<others && !v4,
           Field<id_of("sourceIPv6PrefixLength"), &FlowRecord::source_prefix_length>>,
        If<others && !v4,
           Field<id_of("destinationIPv6PrefixLength"), &FlowRecord::destination_prefix_length>>,
        If<others, Field<id_of("flowSelectorAlgorithm"), read::flow_selector_algorithm>>,
        If<others, Field<id_of("samplingProbability"), read::sampling_probability>>>;
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
