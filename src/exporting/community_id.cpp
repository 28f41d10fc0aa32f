#include "src/exporting/community_id.h"

#include <gnutls/crypto.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "pipeline/base/expects.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t sha1_octets = 20;
constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t icmpv6 = 58;
constexpr std::uint8_t sctp = 132;

using Pair = std::pair<std::uint8_t, std::uint8_t>;

// ICMP types that ask and answer each other. The answer's type stands for the other side's port.
constexpr std::array icmp_pairs{Pair{0, 8}, Pair{9, 10}, Pair{13, 14}, Pair{15, 16}, Pair{17, 18}};
constexpr std::array icmpv6_pairs{Pair{128, 129}, Pair{130, 131}, Pair{133, 134},
                                  Pair{135, 136}, Pair{139, 140}, Pair{144, 145}};

template <std::size_t count>
std::optional<std::uint8_t> counterpart(const std::array<Pair, count>& pairs, std::uint8_t type) {
    for (const auto& [one, other] : pairs) {
        if (type == one) {
            return other;
        }
        if (type == other) {
            return one;
        }
    }
    return std::nullopt;
}

struct Endpoints {
    Bytes source;
    Bytes destination;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    bool has_ports = false;
    bool ordered = true;  // the smaller endpoint goes first; else as they stand
};

Endpoints endpoints_of(const FlowRecord& record) noexcept {
    const std::size_t skipped = record.ip_version == 6 ? 0 : 12;
    Endpoints ends;
    ends.source = std::as_bytes(std::span{record.source}).subspan(skipped);
    ends.destination = std::as_bytes(std::span{record.destination}).subspan(skipped);
    ends.has_ports = true;
    if (record.protocol == icmp || record.protocol == icmpv6) {
        const auto answer = record.protocol == icmp ? counterpart(icmp_pairs, record.icmp_type)
                                                    : counterpart(icmpv6_pairs, record.icmp_type);
        ends.source_port = record.icmp_type;
        ends.destination_port = answer.value_or(record.icmp_code);
        ends.ordered = answer.has_value();
    } else if (record.protocol == tcp || record.protocol == udp || record.protocol == sctp) {
        ends.source_port = record.source_port;
        ends.destination_port = record.destination_port;
    } else {
        ends.has_ports = false;
    }
    return ends;
}

void put_smaller_first(Endpoints& ends) noexcept {
    const auto less = [](std::byte a, std::byte b) { return a < b; };
    const bool greater = std::ranges::lexicographical_compare(ends.destination, ends.source, less);
    const bool same = std::ranges::equal(ends.source, ends.destination);
    if (ends.ordered && (greater || (same && ends.destination_port < ends.source_port))) {
        std::swap(ends.source, ends.destination);
        std::swap(ends.source_port, ends.destination_port);
    }
}

void append_base64(std::span<const std::uint8_t, sha1_octets> digest, char* to) noexcept {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // 20 octets are six groups of three, and two more.
    for (std::size_t at = 0; at < sha1_octets; at += 3) {
        const bool whole = at + 2 < sha1_octets;
        const unsigned group = (unsigned{digest[at]} << 16U) | (unsigned{digest[at + 1]} << 8U) |
                               (whole ? unsigned{digest[at + 2]} : 0U);
        *to++ = alphabet[group >> 18U];
        *to++ = alphabet[(group >> 12U) & 63U];
        *to++ = alphabet[(group >> 6U) & 63U];
        *to++ = whole ? alphabet[group & 63U] : '=';
    }
}

}  // namespace

CommunityId community_id(const FlowRecord& record) noexcept {
    Endpoints ends = endpoints_of(record);
    put_smaller_first(ends);

    // seed 2 · addresses · protocol 1 · zero 1 · ports 2 + 2
    std::array<std::byte, 2 + 16 + 16 + 2 + 4> hashed{};
    std::size_t used = 2;
    for (const Bytes part : {ends.source, ends.destination}) {
        std::ranges::copy(part, hashed.begin() + static_cast<std::ptrdiff_t>(used));
        used += part.size();
    }
    hashed[used] = static_cast<std::byte>(record.protocol);
    used += 2;
    if (ends.has_ports) {
        store_be(std::span{hashed}.subspan(used).first<2>(), ends.source_port);
        store_be(std::span{hashed}.subspan(used + 2).first<2>(), ends.destination_port);
        used += 4;
    }

    std::array<std::uint8_t, sha1_octets> digest{};
    const int failure = gnutls_hash_fast(GNUTLS_DIG_SHA1, hashed.data(), used, digest.data());
    expects(failure == 0);
    CommunityId id{'1', ':'};
    append_base64(digest, &id[2]);
    return id;
}

}  // namespace tapmeter::exporting
