#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "pipeline/flow/flow_record.h"
#include "src/fields/ipfix_time.h"

namespace tapmeter::fields {

using flow::FlowRecord;

// An applicationId (RFC 6759 section 4) of engine 20, "PANA-L7-PEN": layer 7 as the holder of a
// Private Enterprise Number counts it, here ntop, by the numbers that nDPI gives to protocols.
inline constexpr std::size_t application_id_octets = 7;
inline constexpr std::uint8_t application_engine = 20;
inline constexpr std::uint32_t ntop_enterprise_number = 35'632;
constexpr std::array<std::uint8_t, application_id_octets> application_id(
    std::uint16_t protocol) noexcept {
    const auto octet = [](std::uint32_t number, unsigned bits) {
        return static_cast<std::uint8_t>(number >> bits & 0xFFU);
    };
    constexpr std::uint32_t ntop = ntop_enterprise_number;
    return {application_engine, octet(ntop, 24),    octet(ntop, 16),   octet(ntop, 8),
            octet(ntop, 0),     octet(protocol, 8), octet(protocol, 0)};
}

// nDPI's number of what is carried, else of what carries it; 0: not known.
constexpr std::uint16_t protocol_of(const flow::Application& application) noexcept {
    return application.application != 0 ? application.application : application.master;
}

// The values that are computed of a Flow Record, in the byte order of this machine. What one
// template needs of them is filled in by derive(), nothing more: a division a time, and octets that
// nobody reads, are what an encoder can feel.
struct alignas(16) DerivedValues {
    std::uint64_t start_milliseconds;
    std::uint64_t end_milliseconds;
    std::uint64_t start_microseconds;
    std::uint64_t end_microseconds;
    std::uint64_t start_nanoseconds;
    std::uint64_t end_nanoseconds;
    std::uint32_t start_seconds;
    std::uint32_t end_seconds;
    std::uint32_t duration_milliseconds;
    std::uint32_t duration_microseconds;
    std::uint64_t begin_milliseconds;
    double sampling_probability;
    std::uint64_t observation_point;
    std::uint32_t ingress_interface;
    std::uint32_t sampling_population;
    std::uint16_t flow_selector_algorithm;
    std::uint8_t aggregated;
    std::array<std::uint8_t, application_id_octets> application_id;  // as it is exported
    std::array<std::uint8_t, 6> unused;  // so that sixteen octets can be read anywhere
};
static_assert(sizeof(DerivedValues) % 16 == 0 && std::is_standard_layout_v<DerivedValues>);

// Which of them a template needs.
namespace needs {
inline constexpr unsigned milliseconds = 1;
inline constexpr unsigned microseconds = 2;
inline constexpr unsigned nanoseconds = 4;
inline constexpr unsigned seconds = 8;
inline constexpr unsigned durations = 16;
inline constexpr unsigned begin = 32;
inline constexpr unsigned observation_point = 64;
inline constexpr unsigned sampling = 128;  // and aggregation
inline constexpr unsigned application = 256;
inline constexpr unsigned all = 511;
}  // namespace needs

// Value 4 of flowSelectorAlgorithm (RFC 7014 section 9.1.2): uniform probabilistic sampling, here
// by a keyed hash of the flow key.
inline constexpr std::uint16_t uniform_probabilistic = 4;

// With which probability a flow like this one was metered: 2^-k.
inline double probability(const FlowRecord& record) noexcept {
    return 1.0 / static_cast<double>(std::uint64_t{1} << record.sampling_exponent);
}

// 0 means "no interface" to many readers, so the first Observation Point is 1.
inline std::uint32_t ingress_interface(const FlowRecord& record) noexcept {
    return std::uint32_t{record.observation_point} + 1;
}

// A duration that its element cannot hold is written as the most that it can.
inline std::uint32_t duration(const FlowRecord& record, std::int64_t unit_nanoseconds) noexcept {
    if (record.end < record.start) {
        return 0;
    }
    // As unsigned numbers: between a time before 1970 and one far behind there may be 2^64 of them.
    const std::uint64_t nanoseconds =
        static_cast<std::uint64_t>(record.end.time_since_epoch().count()) -
        static_cast<std::uint64_t>(record.start.time_since_epoch().count());
    const std::uint64_t units = nanoseconds / static_cast<std::uint64_t>(unit_nanoseconds);
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(units, std::numeric_limits<std::uint32_t>::max()));
}

// Fills in what `need` names. The branches are the same for every record of a template.
inline void derive(const FlowRecord& r, unsigned need, DerivedValues& v) noexcept {
    using Unit = TimeUnit;
    const auto needed = [need](unsigned group) { return (need & group) != 0; };
    if (needed(needs::milliseconds)) {
        v.start_milliseconds = ipfix_time<Unit::milliseconds>(r.start);
        v.end_milliseconds = ipfix_time<Unit::milliseconds>(r.end);
    }
    if (needed(needs::microseconds)) {
        v.start_microseconds = ipfix_time<Unit::microseconds>(r.start);
        v.end_microseconds = ipfix_time<Unit::microseconds>(r.end);
    }
    if (needed(needs::nanoseconds)) {
        v.start_nanoseconds = ipfix_time<Unit::nanoseconds>(r.start);
        v.end_nanoseconds = ipfix_time<Unit::nanoseconds>(r.end);
    }
    if (needed(needs::seconds)) {
        constexpr std::uint64_t second = 1'000;
        v.start_seconds =
            static_cast<std::uint32_t>(ipfix_time<Unit::milliseconds>(r.start) / second);
        v.end_seconds = static_cast<std::uint32_t>(ipfix_time<Unit::milliseconds>(r.end) / second);
    }
    if (needed(needs::durations)) {
        v.duration_milliseconds = duration(r, 1'000'000);
        v.duration_microseconds = duration(r, 1'000);
    }
    if (needed(needs::begin)) {
        v.begin_milliseconds = ipfix_time<Unit::milliseconds>(r.flow_start);
    }
    if (needed(needs::observation_point)) {
        v.observation_point = ingress_interface(r);
        v.ingress_interface = ingress_interface(r);
    }
    if (needed(needs::sampling)) {
        v.flow_selector_algorithm = uniform_probabilistic;
        v.sampling_probability = probability(r);
        v.sampling_population = std::uint32_t{1} << std::min<unsigned>(r.sampling_exponent, 31U);
        v.aggregated = r.aggregated ? 1 : 2;  // RFC 7011 section 6.1.5: 1 true, 2 false
    }
    if (needed(needs::application)) {
        v.application_id = application_id(protocol_of(r.application));
    }
}

}  // namespace tapmeter::fields
