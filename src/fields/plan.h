#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "src/fields/table.h"

namespace tapmeter::fields {

// One field of a template that was chosen at start.
struct Item {
    std::size_t field = no_field;  // index into all_fields
    std::uint16_t octets = 0;      // as encoded: of a number, as many low-order octets or all
                                   // (RFC 7011 section 6.2); variable_length

    bool operator==(const Item&) const = default;
};

// Of a name as a text, with the octet of its length.
inline constexpr std::size_t application_name_octets_max = 64;

// Texts that records refer to, as they stand in a Data Record: length first (RFC 7011 section 7).
struct Texts {
    std::vector<std::vector<std::byte>> interface_names;  // by Observation Point
    std::size_t longest = 0;                              // octets of the longest
    // By nDPI's number, of application_name_octets_max at most; those that are missing are empty.
    std::vector<std::vector<std::byte>> application_names;
    std::uint32_t enterprise_number = 0;  // of the elements in lists
};
// A text as a variable-length field; what is beyond 65,535 octets is cut.
std::vector<std::byte> as_variable_length(Bytes text);

// The reports that travel beside a Flow Record; null: it has none, and its fields are 0.
struct Beside {
    const flow::TcpReport* tcp = nullptr;
    const flow::TunnelReport* tunnel = nullptr;
    const flow::BehaviourReport* behaviour = nullptr;
    const flow::PayloadReport* payload = nullptr;
    const flow::SignatureHits* signatures = nullptr;
};

// What stands in one Data Record, compiled into a flat list of copies: sixteen octets are fetched,
// put in order and stored at a time, whatever fields they belong to. No call and no branch a field.
class RecordPlan {
public:
    // How far write() may write beyond the end of the record that it reports.
    static constexpr std::size_t slack_octets = 15;

    explicit RecordPlan(std::span<const Item> items);

    // Longest record, without what is of variable length.
    std::size_t octets() const noexcept { return octets_; }
    std::size_t texts() const noexcept { return segments_.size() - 1; }  // of those in each record
    std::size_t texts_octets_max(const Texts& texts) const noexcept {
        return interface_names_ * texts.longest + other_texts_octets_;
    }

    // Writes one Data Record at `to`, where octets() + texts_octets_max() + slack_octets are free;
    // returns its length. Where texts() is 0, no Texts are asked for.
    std::size_t write(const FlowRecord& record, const Texts* texts, std::byte* to,
                      const Beside& beside = {}) const noexcept;

private:
    // Sixteen octets of the source, and where each goes: 0x80 and more leaves zero.
    struct Step {
        alignas(16) std::array<std::uint8_t, 16> order;
        std::uint16_t base;    // index into plan.cpp's `sources_of_octets`
        std::uint16_t offset;  // there
        bool joins;            // belongs to the same sixteen octets as the step before
    };
    // Fields of fixed length; each but the last is followed by one of variable length.
    struct Segment {
        std::uint32_t blocks = 0;
        std::uint32_t octets = 0;
        Source text{};
    };

    void compile_segment(std::span<const Item> items);
    void follow_with(Source text);
    void compile_block(std::span<const Place> sources, std::span<const std::size_t> offsets);

    std::vector<Step> steps_;
    std::vector<Segment> segments_;
    unsigned need_;  // of the derived values
    std::size_t octets_ = 0;
    std::size_t interface_names_ = 0;     // in each record
    std::size_t other_texts_octets_ = 0;  // of all others, at most
};

}  // namespace tapmeter::fields
