#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/inspected.h"
#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect {

// The headers of a packet as octets: what decode::Headers does not keep. Cut once a packet, and
// only when a rule asks.
class PacketHeaders {
public:
    explicit PacketHeaders(const Inspected& packet) noexcept;

    // Empty where the packet has no such header, or it is not whole.
    Bytes of(rules::Buffer buffer) const noexcept;
    Bytes ip() const noexcept { return ip_; }
    Bytes transport() const noexcept { return transport_; }

private:
    std::uint8_t version_ = 0;
    std::uint8_t protocol_ = 0;
    Bytes ip_{};         // with IPv4 options
    Bytes transport_{};  // TCP with options, UDP 8, ICMP up to the packet's end
};

// The field's value; none where the packet has none, and then no test of it holds.
std::optional<std::uint64_t> value_of(rules::Field field, const Inspected& packet,
                                      const PacketHeaders& headers) noexcept;

// All that a rule asks of the packet's headers, apart from addresses and ports.
bool headers_meet(const rules::Rule& rule, const Inspected& packet,
                  const PacketHeaders& headers) noexcept;

}  // namespace tapmeter::inspect
