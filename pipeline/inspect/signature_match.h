#pragma once

#include "pipeline/inspect/inspected.h"
#include "pipeline/inspect/signature_set.h"

// The cheap questions of a rule: protocol, ends, flow, flowbits. Pure functions.
namespace tapmeter::inspect {

// The protocol of the packet, by family too.
bool transport_meets(const rules::Rule& rule, const decode::Headers& headers) noexcept;
// Protocol, application, addresses, ports and the flow's state.
bool ends_meet(const rules::Rule& rule, const Inspected& packet) noexcept;

bool flowbits_meet(const Signature& signature, const SignatureMemory* memory) noexcept;
void apply_flowbits(const Signature& signature, SignatureMemory* memory) noexcept;

// Notes a match for the flow's record: each sid once.
void note_sid(SignatureMemory& memory, std::uint32_t sid) noexcept;

// True the first time that a rule matches in this direction's stream. A full list says true: an
// alert too many is better than one too few.
bool fires_first(SignatureMemory* memory, std::uint32_t rule, bool to_server) noexcept;
// True where fires_first() would not be.
bool has_fired(const SignatureMemory* memory, std::uint32_t rule, bool to_server) noexcept;

}  // namespace tapmeter::inspect
