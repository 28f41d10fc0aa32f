#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect {

// What is scanned, each with databases of its own: payloads by transport, and every named buffer.
inline constexpr std::size_t slot_tcp = 0;
inline constexpr std::size_t slot_udp = 1;
inline constexpr std::size_t slot_other = 2;
inline constexpr std::size_t slot_buffers = 3;
inline constexpr std::size_t slots = slot_buffers + rules::buffers;

constexpr std::size_t slot_of(rules::Buffer buffer) noexcept {
    return slot_buffers + rules::index_of(buffer);
}

// The longest literal that the prefilter looks for. Streams are scanned again from this far before
// what is new, less one, so that a literal across two packets is found without any stream state.
inline constexpr std::size_t literal_octets_max = 64;

// What one slot is scanned for, and which rules each finding makes worth a closer look.
struct SlotPlan {
    struct Literal {
        std::string octets;
        bool nocase = false;
        std::vector<std::uint32_t> rules{};
    };
    // One octet, so many times: where a packet is full of it, as of zeros, Hyperscan would ask at
    // each octet anew. In the order of octets, then lengths.
    struct Run {
        std::byte octet{};
        std::size_t length = 0;  // 1 and more
        std::vector<std::uint32_t> rules{};
    };
    // The rule's regular expressions stand in for a content that it does not have.
    struct Expression {
        rules::Regex regex;
        std::uint32_t rule = 0;
    };
    std::vector<Literal> literals;
    std::vector<Run> runs;
    std::vector<Expression> expressions;
    // Rules that nothing announces: looked at whenever the buffer is there (named buffers only).
    std::vector<std::uint32_t> always;
};

// What all slots are scanned for; and the rules that are looked at for every packet that fits their
// protocol and ports.
struct ScanPlan {
    std::vector<SlotPlan> by_slot = std::vector<SlotPlan>(slots);
    std::vector<std::uint32_t> every_packet;
    std::array<bool, rules::buffers> looked_at{};  // some rule has conditions on the buffer
    std::size_t literals = 0;                      // different ones, over all slots
    std::size_t expressions = 0;
};

// For each rule one thing to look for: the content that its author chose with fast_pattern, else
// the one that is rarest and longest; in a buffer that comes before others of the same message,
// because a message's head is gone when its body comes.
ScanPlan plan_scans(const std::vector<rules::Rule>& rules);

// A rule without a literal whose regular expression Hyperscan could not take either.
void look_always(ScanPlan& plan, std::size_t slot, std::uint32_t rule);

// How unlikely a literal is by chance; long ones of rare octets score high.
unsigned rarity_of(const std::string& octets) noexcept;

}  // namespace tapmeter::inspect
