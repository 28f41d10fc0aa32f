#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "pipeline/filter/packet_filter.h"

namespace tapmeter::filters {

inline constexpr std::size_t expression_octets_max = 16'384;

// How an expression meets VLAN tags, MPLS labels and PPPoE.
enum class Tags : std::uint8_t {
    through,  // it is asked of the frame without them, unless it speaks of them itself
    raw,      // as tcpdump: `udp` does not find UDP behind a tag
};

// Compiles an expression of pcap-filter(7). Cold: takes memory, may ask the resolver for names.
//
// error   what the expression must be instead, as behind "must be": names libpcap's complaint
tl::expected<std::unique_ptr<const filter::PacketFilter>, std::string> compile(
    const std::string& expression, Tags tags);

}  // namespace tapmeter::filters
