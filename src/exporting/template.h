#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "src/exporting/flow_fields.h"
#include "src/fields/plan.h"

namespace tapmeter::exporting {

// One IPFIX Template (RFC 7011 section 3.4.1) with the encoder of its Data Records.
struct Template {
    std::uint16_t id = 0;  // 256 and more, the same in every Observation Domain
    std::uint16_t record_octets = 0;
    Bytes definition{};  // the Template Record as it stands in a Template Set; static storage
    // Writes one Data Record of record_octets octets at the start of `to`. Null: `plan` does.
    void (*encode)(const FlowRecord& record, std::span<std::byte> to) noexcept = nullptr;
    // For fields that a configuration chose; record_octets is then the length without texts.
    const fields::RecordPlan* plan = nullptr;

    // Longest Data Record.
    std::size_t octets_max(const fields::Texts& texts) const noexcept {
        return record_octets + (plan == nullptr ? 0 : plan->texts_octets_max(texts));
    }
    // Shortest one: a text has one octet at least, its length.
    std::size_t octets_min() const noexcept {
        return record_octets + (plan == nullptr ? 0 : plan->texts());
    }
    // Writes one Data Record at `to`, where octets_max() and slack_octets more are free; returns
    // its length.
    std::size_t write(const FlowRecord& record, const fields::Texts& texts, std::span<std::byte> to,
                      const fields::Beside& beside = {}) const noexcept {
        if (encode != nullptr) {
            encode(record, to);
            return record_octets;
        }
        return plan->write(record, &texts, to.data(), beside);
    }
};

// IPv4 and IPv6, with ports and with ICMP type and code, each for flows and for what stands for
// several: one Template for each of all_flow_kinds.
using Templates = std::array<Template, flow_kinds>;

// Static storage, valid for ever.
const Templates& biflow_templates(TimeUnit unit, bool quirk_nfdump) noexcept;

// Packs the Template Records into Template Sets, headers included, of at most `octets_max` octets
// each. `octets_max` holds the longest Template: 260 and more.
// set_id  of Template Sets: 2; in NetFlow 0
inline constexpr std::uint16_t template_set_id = 2;  // RFC 7011 section 3.3.2
std::vector<std::vector<std::byte>> template_sets(std::span<const Template> templates,
                                                  std::size_t octets_max,
                                                  std::uint16_t set_id = template_set_id);

// The Template Set, header included, that withdraws them (RFC 7011 section 8.1).
std::vector<std::byte> template_withdrawal(std::span<const Template> templates);

inline constexpr std::uint16_t options_template_set_id = 3;
inline constexpr std::uint16_t template_id_first = 256;  // RFC 7011 section 3.4.1
inline constexpr std::uint16_t enterprise_bit = 0x8000;

}  // namespace tapmeter::exporting
