#include "pipeline/decode/ipv4.h"

#include <algorithm>
#include <cstring>

#include "pipeline/decode/extension_headers.h"

namespace tapmeter::decode {

namespace {

constexpr std::size_t octets_per_word = 4;  // IHL counts 32-bit words
constexpr std::size_t address_octets = 4;
constexpr std::uint16_t more_fragments_flag = 0x2000;
constexpr std::uint16_t fragment_offset_mask = 0x1fff;

constexpr Fragment fragment_of(std::uint16_t flags_and_offset) noexcept {
    if ((flags_and_offset & (more_fragments_flag | fragment_offset_mask)) == 0) [[likely]] {
        return Fragment::none;
    }
    return (flags_and_offset & fragment_offset_mask) == 0 ? Fragment::first : Fragment::later;
}

// IPv4 addresses fill the end of an Address; the octets before them are zero already.
void copy_address(std::span<const std::byte, address_octets> from, Address& to) noexcept {
    std::memcpy(&to[to.size() - address_octets], from.data(), address_octets);
}

}  // namespace

Decoded<void> read_ipv4(Cursor& rest, Headers& headers) noexcept {
    const std::size_t wire_octets = rest.wire_octets();
    // The only bounds check for the fixed part: from here every offset is checked by the compiler.
    const auto header = rest.take<ipv4_header_octets_min>();
    if (!header) {
        return malformed(Undecoded::truncated);
    }
    const std::uint8_t version_ihl = load_be8(header->subspan<0, 1>());
    if (version_ihl >> 4U != 4) {
        return malformed(Undecoded::bad_version);
    }
    const std::size_t header_octets = (version_ihl & 0x0fU) * octets_per_word;
    if (header_octets < ipv4_header_octets_min) {
        return malformed(Undecoded::bad_header_length);
    }
    const std::size_t total_octets = load_be16(header->subspan<2, 2>());
    if (total_octets < header_octets && total_octets != 0) {
        return malformed(Undecoded::bad_total_length);
    }

    const std::size_t ip_octets =
        total_octets == 0 ? wire_octets : std::min(total_octets, wire_octets);
    // Ethernet pads short frames to 60 octets; without this cut the padding would be payload.
    rest.cut_to(ip_octets - ipv4_header_octets_min);
    if (!rest.skip(header_octets - ipv4_header_octets_min)) {
        return malformed(Undecoded::truncated);
    }

    headers.ip_version = 4;
    headers.ip_octets = static_cast<std::uint32_t>(ip_octets);
    headers.type_of_service = load_be8(header->subspan<1, 1>());
    headers.fragment = fragment_of(load_be16(header->subspan<6, 2>()));
    headers.time_to_live = load_be8(header->subspan<8, 1>());
    headers.protocol = load_be8(header->subspan<9, 1>());
    copy_address(header->subspan<12, address_octets>(), headers.source);
    copy_address(header->subspan<16, address_octets>(), headers.destination);
    if (headers.protocol == authentication_header) [[unlikely]] {
        return read_authentication_headers(rest, headers);
    }
    return {};
}

}  // namespace tapmeter::decode
