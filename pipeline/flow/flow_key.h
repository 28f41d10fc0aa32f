#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"

namespace tapmeter::flow {

// The fields that make two packets the same Flow (RFC 7011 section 2, Flow Key). Both directions
// of a flow have the same key: of its two endpoints (address, port) the smaller one stands first.
// One layout, one comparison and one hash serve both address families.
struct alignas(16) FlowKey {
    decode::Address low{};
    decode::Address high{};
    std::uint16_t low_port = 0;
    std::uint16_t high_port = 0;
    std::uint16_t vlan = 0;
    std::uint16_t customer_vlan = 0;
    std::uint8_t protocol = 0;
    std::uint8_t ip_version = 0;
    std::uint8_t aggregate = 0;      // 0: a flow; else see pipeline/flow/aggregate.h
    std::uint8_t prefix_length = 0;  // of an aggregate's network
    // No part of the key, but of the flow that it stands in, which has no other room in its first
    // line: what is attached to that flow (pipeline/inspect/inspector.h). Zero in the key of a
    // packet, which is hashed as 48 octets; passed over where keys are compared.
    std::uint32_t attached = 0;

    bool operator==(const FlowKey& other) const noexcept {
#if defined(__SSE2__)
        // One decision instead of the three that compilers make of memcmp().
        const __m128i passed_over = _mm_set_epi32(-1, 0, 0, 0);
        const auto same = [&](std::size_t octets) noexcept {
            __m128i ours;    // NOLINT(*-init-variables): written whole by the next lines
            __m128i theirs;  // NOLINT(*-init-variables)
            std::memcpy(&ours, std::as_bytes(std::span{this, 1}).subspan(octets).data(), 16);
            std::memcpy(&theirs, std::as_bytes(std::span{&other, 1}).subspan(octets).data(), 16);
            return _mm_cmpeq_epi8(ours, theirs);
        };
        return _mm_movemask_epi8(_mm_and_si128(_mm_and_si128(same(0), same(16)),
                                               _mm_or_si128(same(32), passed_over))) == 0xffff;
#else
        return std::memcmp(this, &other, offsetof(FlowKey, attached)) == 0;
#endif
    }
};
static_assert(sizeof(FlowKey) == 48);
static_assert(offsetof(FlowKey, attached) == 44);
static_assert(std::has_unique_object_representations_v<FlowKey>, "hashed as octets: no padding");

// The key alone, as the key of a packet: for hashing.
constexpr FlowKey bare(FlowKey key) noexcept {
    key.attached = 0;
    return key;
}

// Which of the key's endpoints sent a packet. Also the index of that endpoint's counters.
enum class Sender : std::uint8_t { low = 0, high = 1 };

constexpr Sender other(Sender sender) noexcept {
    return sender == Sender::low ? Sender::high : Sender::low;
}

namespace detail {
// Addresses as two big-endian numbers compare like their octets.
inline std::array<std::uint64_t, 2> numbers_of(const decode::Address& address) noexcept {
    auto words = std::bit_cast<std::array<std::uint64_t, 2>>(address);
    if constexpr (std::endian::native == std::endian::little) {
        words = {__builtin_bswap64(words[0]), __builtin_bswap64(words[1])};
    }
    return words;
}
}  // namespace detail

// Writes the key of a decoded packet (headers.ip_version is 4 or 6) and tells which of its ends
// sent it. Written in place, field by field: a key made on the stack and copied would wait for its
// small fields to reach the cache, 15 ns a packet.
// vlan_in_key  false: packets of one flow on different VLANs belong to one flow
inline Sender write_key(const decode::Headers& headers, bool vlan_in_key, FlowKey& key) noexcept {
    const auto source = detail::numbers_of(headers.source);
    const auto destination = detail::numbers_of(headers.destination);
    const bool source_is_low = source != destination
                                   ? source < destination
                                   : headers.source_port <= headers.destination_port;
    const decode::Address& low = source_is_low ? headers.source : headers.destination;
    const decode::Address& high = source_is_low ? headers.destination : headers.source;
    key.low = low;
    key.high = high;
    key.low_port = source_is_low ? headers.source_port : headers.destination_port;
    key.high_port = source_is_low ? headers.destination_port : headers.source_port;
    key.vlan = vlan_in_key ? headers.vlan : std::uint16_t{0};
    key.customer_vlan = vlan_in_key ? headers.customer_vlan : std::uint16_t{0};
    key.protocol = headers.protocol;
    key.ip_version = headers.ip_version;
    key.aggregate = 0;
    key.prefix_length = 0;
    key.attached = 0;
    return source_is_low ? Sender::low : Sender::high;
}

}  // namespace tapmeter::flow
