#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace tapmeter::flow {

// What an application label rests on, in rising order.
enum class Confidence : std::uint8_t {
    unknown,    // no label
    port,       // only its ports: a guess
    address,    // only an address known to belong to it: a guess
    cache,      // an earlier flow told what this one would be
    dissected,  // its packets
    count,
};
inline constexpr std::size_t confidences = static_cast<std::size_t>(Confidence::count);
inline constexpr std::array<std::string_view, confidences> confidence_names{"unknown", "port", "ip",
                                                                            "cache", "dpi"};

// How the inspection of a flow went. Every flow that was met with inspection on ends as exactly
// one of those behind `undecided`; the books add them up.
enum class Inspection : std::uint8_t {
    off,          // not inspected: inspection is off, or the record is an aggregate
    undecided,    // goes on
    decided,      // its packets told the application
    guessed,      // they did not: the label is from ports, address or an earlier flow
    unknown,      // and those told nothing either
    no_state,     // all states of inspection were in use when it began
    shed,         // the worker had no cycles left for it
    quarantined,  // left alone because its dissection ended the program before
    interrupted,  // undecided when the program was ended by another one
    count,
};
inline constexpr std::size_t inspections = static_cast<std::size_t>(Inspection::count);
inline constexpr std::array<std::string_view, inspections> inspection_names{
    "off",      "undecided", "decided",     "guessed",    "unknown",
    "no_state", "shed",      "quarantined", "interrupted"};

// The application of one flow, in numbers; pipeline/inspect/application_names.h has their names.
// Plain octets inside of the flow record.
struct Application {
    std::uint64_t risks = 0;        // bit r: risk r of application_names.h was met
    std::uint16_t master = 0;       // the protocol that carries the application, TLS; 0: none
    std::uint16_t application = 0;  // what is carried, or the protocol itself; 0: not known
    std::uint16_t category = 0;
    std::uint16_t risk_score = 0;  // the sum of the risks' weights
    Confidence confidence = Confidence::unknown;
    Inspection inspection = Inspection::off;
    std::uint8_t packets = 0;  // of this flow that were inspected
    std::uint8_t unused = 0;
    std::uint32_t metadata = 0;  // of the worker that met the flow; no matter to anyone else

    constexpr bool known() const noexcept { return master != 0 || application != 0; }
    bool operator==(const Application&) const = default;
};
static_assert(sizeof(Application) == 24);
static_assert(std::is_trivially_copyable_v<Application>, "crosses the ring as octets");

}  // namespace tapmeter::flow
