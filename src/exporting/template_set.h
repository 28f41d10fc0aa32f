#pragma once

#include <compare>
#include <deque>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "src/exporting/template.h"

namespace tapmeter::exporting {

// What makes the Templates of one Collector different from another's.
struct TemplateChoice {
    TimeUnit time_unit = TimeUnit::milliseconds;
    bool quirk_nfdump = false;
    bool biflow = true;                   // RFC 5103; false: one record a direction
    std::uint32_t enterprise_number = 0;  // for our own elements; 0: there are none
    std::vector<std::string> fields;      // words (src/fields/selection.h); empty: the default
    bool netflow = false;                 // for version 9 of NetFlow: biflow is false then
    // The lowest Template ID. Within a session no id ever has another definition (RFC 7011 section
    // 8), so what comes after a change has ids of its own.
    std::uint16_t first_id = template_id_first;

    auto operator<=>(const TemplateChoice&) const = default;
};

// Where the ids of the Templates go on after a change: beyond those of options, and there anew
// after 4,032 changes. By then nobody uses the first any more.
constexpr std::uint16_t next_first_id(std::uint16_t first_id) noexcept {
    constexpr std::uint16_t first_changed = 1'024;
    constexpr std::uint16_t ids_of_a_set = 2 * flow_kinds;
    return first_id < first_changed || first_id > 0xFFFF - 2 * ids_of_a_set + 1
               ? first_changed
               : static_cast<std::uint16_t>(first_id + ids_of_a_set);
}

// The Templates of a choice, one for each kind of flow; where counters may be shortened, two: the
// second for records whose counters are too large for that.
class TemplateSet {
public:
    // The same set for the same choice, however many Collectors have it: compiled once, static
    // storage, valid for ever. Any thread.
    // errors  invalid_config  a word that means nothing, an element of ours without a number
    static Result<const TemplateSet*> of(const TemplateChoice& choice);

    explicit TemplateSet(const TemplateChoice& choice);

    const TemplateChoice& choice() const noexcept { return choice_; }
    std::span<const Template> all() const noexcept { return templates_; }

    const Template& for_record(const FlowRecord& record) const noexcept {
        const bool large = narrow_limit_ != 0 && largest_counter(record) >= narrow_limit_;
        return templates_[kind_of(record) + (large ? flow_kinds : 0)];
    }

    // Own elements among the fields, and in their lists, for RFC 5610 records; without repetition.
    const std::vector<std::size_t>& own_fields() const noexcept { return own_fields_; }
    std::uint32_t enterprise_number() const noexcept { return choice_.enterprise_number; }
    bool biflow() const noexcept { return choice_.biflow; }
    // Whether records have an applicationId, which is a number until a table names it.
    bool has_applications() const noexcept { return has_applications_; }

    // flowKeyIndicator (173) of Template `index`: bit k is field k (RFC 7011 section 4.4).
    std::uint64_t flow_key(std::size_t index) const noexcept { return flow_keys_[index]; }

private:
    static std::uint64_t largest_counter(const FlowRecord& record) noexcept {
        // Or-ed: no smaller than the largest, and less than the next power of two.
        return record.forward.packets.value | record.forward.octets.value |
               record.forward.layer2_octets.value | record.reverse.packets.value |
               record.reverse.octets.value | record.reverse.layer2_octets.value;
    }
    void note_own(const fields::Item& item);
    void take_default();
    void compile(const std::vector<fields::Item>& items);
    void add(const FlowKind& kind, const std::vector<fields::Item>& items);
    std::vector<std::byte> define(std::uint16_t id, const std::vector<fields::Item>& items) const;

    TemplateChoice choice_;
    std::vector<Template> templates_;
    std::deque<fields::RecordPlan> plans_;  // templates_ point into both
    std::deque<std::vector<std::byte>> definitions_;
    std::vector<std::uint64_t> flow_keys_;
    std::vector<std::size_t> own_fields_;
    bool has_applications_ = false;
    std::uint64_t narrow_limit_ = 0;  // from here on a counter is large; 0: none may be shortened
};

}  // namespace tapmeter::exporting
