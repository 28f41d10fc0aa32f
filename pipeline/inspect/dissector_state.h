#pragma once

#include "pipeline/inspect/application.h"
#include "pipeline/inspect/dns_opening.h"
#include "pipeline/inspect/held_packets.h"

namespace tapmeter::inspect {

// How a flow came to what is known of it.
enum class Way : std::uint8_t {
    held,     // nothing is known; its packets stand where nDPI's state would
    by_name,  // likewise, and KnownNames knows the name that it asks for
    asked,    // nDPI has seen every packet
};

// What is known of a flow so far. Behind it stands nDPI's own state, or, until nDPI is asked, what
// waits for that.
struct Kept {
    Told told{};
    Way way = Way::held;
    std::uint8_t transport = 0;  // protocol above IP, as nDPI reads it; 0: no packet has one yet
};

// A flow that nDPI has not seen yet, and behind it its packets.
struct Waiting {
    std::uint64_t name_hash = 0;  // of the name that is asked for
    DnsOpening opening{};
    std::uint16_t circumstances = 0;  // AskedName
    std::uint16_t held_octets = 0;    // of packets
    std::uint8_t queries = 0;         // that are held, by name
};

template <class Part>
Part& part_of(Dissector::State state, std::size_t offset) noexcept {
    void* const octets = state.subspan(offset, sizeof(Part)).data();
    return *static_cast<Part*>(octets);
}
inline Kept& kept_in(Dissector::State state) noexcept {
    return part_of<Kept>(state, 0);
}
inline Waiting& waiting_in(Dissector::State state) noexcept {
    return part_of<Waiting>(state, sizeof(Kept));
}
inline HeldPackets packets_held(Dissector::State state) noexcept {
    return {state.subspan(sizeof(Kept) + sizeof(Waiting)), waiting_in(state).held_octets};
}

}  // namespace tapmeter::inspect
