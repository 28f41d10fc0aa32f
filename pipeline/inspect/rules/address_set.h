#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "pipeline/decode/headers.h"

namespace tapmeter::inspect::rules {

// What is wrong, in words; the caller knows the place.
using Refusal = std::string;
template <class T>
using Parsed = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> refused(std::string why) {
    return tl::unexpected<Refusal>(std::move(why));
}

// Named values of the configuration, without the '$': HOME_NET is "[10.0.0.0/8,!10.1.0.1]".
struct Variable {
    std::string name;
    std::string value;
};
using Variables = std::span<const Variable>;

// Nested groups and variables inside variables, at most this deep.
inline constexpr unsigned nesting_max = 16;
inline constexpr std::size_t ranges_max = 1'000'000;  // of one set

// Addresses as sorted ranges that do not touch. Both families share one order: IPv4 is looked up as
// ::ffff:a.b.c.d, where no IPv6 packet comes from.
class AddressSet {
public:
    struct Range {
        decode::Address first{};
        decode::Address last{};
        bool operator==(const Range&) const = default;
    };

    static AddressSet any() { return AddressSet{}; }
    // The ranges of `wanted`, or all where there is none, without those of `unwanted`.
    static AddressSet of(std::vector<Range> wanted, std::vector<Range> unwanted);

    bool is_any() const noexcept { return any_; }
    bool contains(const decode::Address& address, std::uint8_t ip_version) const noexcept;
    std::span<const Range> ranges() const noexcept { return ranges_; }
    bool operator==(const AddressSet&) const = default;

private:
    bool any_ = true;
    std::vector<Range> ranges_;
};

// "any", "10.0.0.0/8", "!10.1.2.3", "[$HOME_NET,!10.1.0.0/16,2001:db8::/32]", "10.0.0.1-10.0.0.9".
Parsed<AddressSet> parse_addresses(std::string_view text, Variables variables);

// One address or network; none where the text is neither.
Parsed<AddressSet::Range> parse_network(std::string_view text);

// Ports as sorted ranges.
class PortSet {
public:
    struct Range {
        std::uint16_t first = 0;
        std::uint16_t last = 0;
        bool operator==(const Range&) const = default;
    };

    static PortSet any() { return PortSet{}; }
    static PortSet of(std::span<const Range> wanted, std::span<const Range> unwanted);

    bool is_any() const noexcept { return any_; }
    bool contains(std::uint16_t port) const noexcept;
    std::span<const Range> ranges() const noexcept { return ranges_; }
    bool operator==(const PortSet&) const = default;

private:
    bool any_ = true;
    std::vector<Range> ranges_;
};

// "any", "80", "1024:", ":1023", "6661:6668", "!80", "[25,587]", "[80,!8080]", "$HTTP_PORTS".
Parsed<PortSet> parse_ports(std::string_view text, Variables variables);

}  // namespace tapmeter::inspect::rules
