#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "src/fields/plan.h"
#include "src/fields/time_unit.h"

namespace tapmeter::fields {

// What a list is made for. ICMP flows have templates of their own: collectors such as nfdump keep
// ICMP type and code where they keep the destination port, so the two never stand in one record.
// So have records that stand for more than one flow: aggregates, and flows of which only some were
// metered. They say so in four elements more, which all others are spared.
struct FlowKind {
    std::uint8_t ip_version = 4;
    bool icmp = false;
    bool stands_for_others = false;
};
inline constexpr std::size_t flow_kinds = 8;
inline constexpr std::array<FlowKind, flow_kinds> all_flow_kinds{
    FlowKind{4, false, false}, FlowKind{6, false, false}, FlowKind{4, true, false},
    FlowKind{6, true, false},  FlowKind{4, false, true},  FlowKind{6, false, true},
    FlowKind{4, true, true},   FlowKind{6, true, true}};

// Whether a field of that presence has a meaning in records of that kind.
bool has(Presence presence, const FlowKind& kind) noexcept;

// Index into all_flow_kinds.
inline std::size_t kind_of(const FlowRecord& record) noexcept {
    const bool ipv6 = record.ip_version == 6;
    const bool icmp = record.protocol == (ipv6 ? 58 : 1);
    const bool stands_for_others = record.aggregated || record.sampling_exponent != 0;
    return (stands_for_others ? std::size_t{4} : 0) + (icmp ? std::size_t{2} : 0) +
           (ipv6 ? std::size_t{1} : 0);
}

// Most words of one template: its definition then fits a message of 512 octets.
inline constexpr std::size_t words_max = 55;

// A word of a template list that means nothing, and what it must be instead.
struct WordFault {
    std::size_t word = 0;
    std::string must;
};

// The fields that a list of words names, in its order.
//
// words   names of all_fields; "NAME/N": a counter in N octets, 1 to 8 (RFC 7011 section 6.2),
//         where the record's counters are small enough, and whole where they are not;
//         "sourceAddress", "destinationAddress", "icmpTypeCode": the elements for IPv4 and IPv6;
//         "default": what is sent where no list is given
// errors  an unknown word, a field named twice, too many, a kind of flow that none is for
tl::expected<std::vector<Item>, WordFault> parse_words(const std::vector<std::string>& words,
                                                       TimeUnit unit);

// The fields of one such word.
// errors  what the word must be instead
tl::expected<std::vector<Item>, std::string> items_of_word(std::string_view word, TimeUnit unit);

// The list that is sent where none is given; `quirk_nfdump` leaves the reverse flags out, `biflow`
// false leaves out all that speaks of the reverse direction.
std::vector<Item> default_items(TimeUnit unit, bool quirk_nfdump, bool biflow);

// Those that flows of this kind have. Records that stand for others get the fields that say so,
// named or not.
std::vector<Item> items_for(const FlowKind& kind, const std::vector<Item>& items);

// The same without reduced sizes.
std::vector<Item> in_full(std::vector<Item> items);

// Without the fields of the reverse direction, for Collectors that are sent two records a flow.
std::vector<Item> forward_only(const std::vector<Item>& items);

}  // namespace tapmeter::fields
