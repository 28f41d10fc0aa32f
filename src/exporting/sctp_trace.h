#pragma once

#include <cstdint>

#include "pipeline/base/bytes.h"

namespace tapmeter::exporting {

// Counts the DATA chunks of one SCTP association that the other side has confirmed, from the
// packets that pass: the library that makes them does not tell. Where no message is cut into
// chunks (SCTP_DISABLE_FRAGMENTS), that is how many messages have arrived.
// source  RFC 9260 sections 3.1, 3.3.2 (INIT), 3.3.4 (SACK), 3.3.8 (SHUTDOWN)
class SctpTrace {
public:
    // A packet of ours leaves. The first with an INIT gives tag and numbers of the association.
    void sent(Bytes packet) noexcept;
    // A packet came; one without the tag of the association is not of it.
    void received(Bytes packet) noexcept;

    std::uint64_t confirmed() const noexcept { return confirmed_; }

private:
    void confirm(std::uint32_t newest) noexcept;

    bool begun_ = false;
    std::uint32_t tag_ = 0;     // that the other side has to write into its packets
    std::uint32_t newest_ = 0;  // TSN; all up to this one are confirmed
    std::uint64_t confirmed_ = 0;
};

}  // namespace tapmeter::exporting
