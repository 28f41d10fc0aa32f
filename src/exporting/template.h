#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "src/exporting/flow_fields.h"

namespace tapmeter::exporting {

// One IPFIX Template (RFC 7011 section 3.4.1) with the encoder of its Data Records.
struct Template {
    std::uint16_t id = 0;  // 256 and more, the same in every Observation Domain
    std::uint16_t record_octets = 0;
    Bytes definition{};  // the Template Record as it stands in a Template Set; static storage
    // Writes one Data Record of record_octets octets at the start of `to`.
    void (*encode)(const FlowRecord& record, std::span<std::byte> to) noexcept = nullptr;
};

// IPv4 and IPv6, with ports and with ICMP type and code, each for flows and for what stands for
// several: one Template for each of all_flow_kinds.
using Templates = std::array<Template, flow_kinds>;

// Static storage, valid for ever.
const Templates& biflow_templates(TimeUnit unit, bool quirk_nfdump) noexcept;

// Packs the Template Records into Template Sets, headers included, of at most `octets_max` octets
// each. `octets_max` holds the longest Template: 260 and more.
std::vector<std::vector<std::byte>> template_sets(const Templates& templates,
                                                  std::size_t octets_max);

}  // namespace tapmeter::exporting
