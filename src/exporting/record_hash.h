#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "pipeline/flow/flow_record.h"
#include "src/exporting/spread.h"

namespace tapmeter::exporting {

inline std::uint64_t endpoint_hash(const decode::Address& address, std::uint16_t port) noexcept {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(address);
    return spread(words[0] ^ spread(words[1] ^ port));
}

// Of the flow's key: the same for both directions, for every record of the flow and on every
// machine. Who sends can aim it, so nothing that must stay even rests on it.
inline std::uint64_t record_hash(const flow::FlowRecord& record) noexcept {
    return spread(endpoint_hash(record.source, record.source_port) +
                  endpoint_hash(record.destination, record.destination_port) + record.protocol);
}

}  // namespace tapmeter::exporting
