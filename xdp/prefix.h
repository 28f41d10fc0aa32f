#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/result.h"

namespace tapmeter::xdp {

// Prefixes of one address family that may be excluded at the same time; a file holds no more.
inline constexpr std::size_t excluded_prefixes_max = 100'000;

// An IPv4 or IPv6 network. Octets beyond the address and bits beyond the length are zero.
struct Prefix {
    enum class Family : std::uint8_t { ipv4, ipv6 };

    Family family = Family::ipv4;
    std::uint8_t length = 0;                // bits: to 32 (IPv4) or 128 (IPv6)
    std::array<std::uint8_t, 16> octets{};  // network order; IPv4 uses the first four

    auto operator<=>(const Prefix&) const = default;  // NOLINT(*-use-nullptr): none is written
};

// Reads "10.0.0.0/8", "2001:db8::/32" or a bare address, which is a network of one.
// errors   invalid_config: no address, a length that is none, or host bits that are set; the
//          message quotes the text and names what would be right
Result<Prefix> parse_prefix(std::string_view text);

// The prefix as parse_prefix() reads it.
std::string to_text(const Prefix& prefix);

// Reads a file with one prefix a line. Blank lines and what follows a # are passed over.
// errors   invalid_config: "FILE:LINE:COLUMN: why"; io: the file cannot be read; both for more
//          than excluded_prefixes_max prefixes
Result<std::vector<Prefix>> read_prefix_file(const std::filesystem::path& path);

}  // namespace tapmeter::xdp
