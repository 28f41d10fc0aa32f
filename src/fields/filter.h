#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "pipeline/flow/flow_record.h"

namespace tapmeter::fields {

using flow::FlowRecord;

// Which flow records are meant, in a subset of nfdump's language (tapmeter-filter(7)):
//
//     src ip 10.0.0.1 · dst net 10.0.0.0/8 · ip in [10.0.0.1, 2001:db8::/32]
//     port 443 · src port > 1023 · dst port in [80, 443]
//     proto tcp · tcp · icmp · ipv6 · vlan 120 · if 1 · tos 40 · flags SA · end 3 · flowid 7
//     bytes > 1m · out packets < 3 · duration > 1000 · pps > 1k · bps > 1g · bpp < 100 · any
//     not … · … and … · … or … · ( … )
//
// "bytes" and "packets" are the source's, "out" those of the destination. Without "src" or "dst"
// either side will do. k, m, g and t are powers of 1,000; a duration is in milliseconds.
//
// Compiled when it is parsed: what is left for a record is a list of comparisons and of steps that
// join their answers, in the order in which they are carried out.
class Filter {
public:
    // An empty one means every record.
    bool matches(const FlowRecord& record) const noexcept;
    bool empty() const noexcept { return steps_.empty(); }

private:
    friend class FilterParser;

    enum class Quantity : std::uint8_t {
        any,
        source_port,
        destination_port,
        protocol,
        ip_version,
        vlan,
        interface,
        type_of_service,
        tcp_flags,
        end_reason,
        flow_id,
        octets,
        packets,
        reverse_octets,
        reverse_packets,
        duration,
        packets_per_second,
        bits_per_second,
        octets_per_packet,
        source,
        destination,
    };
    enum class Comparison : std::uint8_t { equal, less, greater, all_bits };
    struct Test {
        Quantity quantity{};
        Comparison comparison{};
        std::uint64_t value = 0;
        std::size_t network = 0;  // index, of source and destination
    };
    struct Network {
        std::uint8_t ip_version = 0;
        std::array<std::uint64_t, 2> address{};  // as octets of a decode::Address
        std::array<std::uint64_t, 2> mask{};
    };
    enum class Operation : std::uint8_t { test, negate, both, either };
    struct Step {
        Operation operation{};
        std::uint32_t test = 0;
    };

    bool passes(const Test& test, const FlowRecord& record) const noexcept;
    bool is_inside(const Network& network, const FlowRecord& record, bool source) const noexcept;
    static std::uint64_t value_of(Quantity quantity, const FlowRecord& record) noexcept;

    std::vector<Step> steps_;
    std::vector<Test> tests_;
    std::vector<Network> networks_;
};

// Most comparisons of one filter, and most that wait for each other: parentheses in each other.
inline constexpr std::size_t filter_tests_max = 1'024;
inline constexpr std::size_t filter_depth_max = 64;

// errors  at which character, what stands there, and what must
tl::expected<Filter, std::string> parse_filter(std::string_view text);

}  // namespace tapmeter::fields
