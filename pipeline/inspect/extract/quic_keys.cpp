#include "pipeline/inspect/extract/quic_keys.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>

#include <algorithm>
#include <string_view>

namespace tapmeter::inspect::extract {

namespace {

using Salt = std::array<std::uint8_t, 20>;
using Secret = std::array<std::uint8_t, SHA256_DIGEST_SIZE>;

constexpr Salt salt_v1{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                       0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
constexpr Salt salt_v2{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                       0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
constexpr Salt salt_draft_29{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                             0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
constexpr Salt salt_draft_23{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                             0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};
constexpr Salt salt_draft_22{0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
                             0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a};
constexpr Salt salt_q050{0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
                         0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45};
constexpr Salt salt_t050{0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
                         0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10};
constexpr Salt salt_t051{0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
                         0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d};

constexpr std::size_t tag_octets = 16;
constexpr std::size_t sample_octets = 16;
constexpr std::size_t number_octets_max = 4;

const std::uint8_t* raw(Bytes octets) noexcept {
    // NOLINTNEXTLINE(*-reinterpret-cast): nettle takes octets
    return reinterpret_cast<const std::uint8_t*>(octets.data());
}
std::uint8_t* raw(std::span<std::byte> octets) noexcept {
    // NOLINTNEXTLINE(*-reinterpret-cast): nettle takes octets
    return reinterpret_cast<std::uint8_t*>(octets.data());
}

// HMAC-SHA256; HKDF-Extract is one (RFC 5869 §2.2).
Secret hmac(std::span<const std::uint8_t> key, Bytes text) noexcept {
    hmac_sha256_ctx context;  // NOLINT(*-init-variables): the next line does
    hmac_sha256_set_key(&context, key.size(), key.data());
    hmac_sha256_update(&context, text.size(), raw(text));
    Secret digest{};
    hmac_sha256_digest(&context, digest.size(), digest.data());
    return digest;
}

// HKDF-Expand-Label (RFC 8446 §7.1) with an empty context; at most one block of output.
template <std::size_t octets>
std::array<std::uint8_t, octets> expand(const Secret& secret, std::string_view label) noexcept {
    static_assert(octets <= SHA256_DIGEST_SIZE);
    constexpr std::string_view prefix = "tls13 ";
    std::array<std::byte, 32> info{};
    std::size_t used = 0;
    const auto put = [&](std::size_t value) { info[used++] = static_cast<std::byte>(value); };
    put(0);
    put(octets);
    put(prefix.size() + label.size());
    for (const std::string_view part : {prefix, label}) {
        for (const char c : part) {
            put(static_cast<unsigned char>(c));
        }
    }
    put(0);
    put(1);  // the number of the block
    const Secret block = hmac(secret, Bytes{info}.first(used));
    std::array<std::uint8_t, octets> expanded{};
    std::copy_n(block.begin(), octets, expanded.begin());
    return expanded;
}

}  // namespace

std::optional<QuicVersion> quic_version_of(std::uint32_t version) noexcept {
    switch (version) {
        case quic_v1:
            return QuicVersion{.salt = salt_v1};
        case quic_v2:
            return QuicVersion{.salt = salt_v2, .is_v2 = true};
        case 0xfaceb001:
            return QuicVersion{.salt = salt_draft_22};
        case 0xfaceb002:
        case 0xfaceb00e:
            return QuicVersion{.salt = salt_draft_23};
        case 0x5130'3530:
            return QuicVersion{.salt = salt_q050, .is_google = true};
        case 0x5430'3530:
            return QuicVersion{.salt = salt_t050, .is_google = true};
        case 0x5430'3531:
            return QuicVersion{.salt = salt_t051, .is_google = true};
        default:
            break;
    }
    constexpr std::uint32_t draft = 0xff00'0000;
    if (version == draft + 22) {
        return QuicVersion{.salt = salt_draft_22};
    }
    if (version >= draft + 23 && version <= draft + 28) {
        return QuicVersion{.salt = salt_draft_23};
    }
    if (version >= draft + 29 && version <= draft + 32) {
        return QuicVersion{.salt = salt_draft_29};
    }
    if (version >= draft + 33 && version <= draft + 34) {
        return QuicVersion{.salt = salt_v1};
    }
    return std::nullopt;
}

QuicKeys initial_keys(const QuicVersion& version, Bytes connection_id, bool from_client) noexcept {
    const Secret initial = hmac(version.salt, connection_id);
    const auto secret =
        expand<SHA256_DIGEST_SIZE>(initial, from_client ? "client in" : "server in");
    return {.key = expand<16>(secret, version.is_v2 ? "quicv2 key" : "quic key"),
            .iv = expand<12>(secret, version.is_v2 ? "quicv2 iv" : "quic iv"),
            .header = expand<16>(secret, version.is_v2 ? "quicv2 hp" : "quic hp")};
}

std::optional<Bytes> open_packet(const QuicKeys& keys, Bytes packet, std::size_t number_at,
                                 std::span<std::byte> room) noexcept {
    const std::size_t sample_at = number_at + number_octets_max;
    if (packet.size() < sample_at + sample_octets || room.size() < packet.size()) {
        return std::nullopt;
    }
    aes128_ctx header_cipher;  // NOLINT(*-init-variables): the next line does
    aes128_set_encrypt_key(&header_cipher, keys.header.data());
    std::array<std::uint8_t, sample_octets> mask{};
    aes128_encrypt(&header_cipher, mask.size(), mask.data(),
                   raw(packet.subspan(sample_at, sample_octets)));

    const auto opened = room.first(packet.size());
    std::ranges::copy(packet.first(sample_at), opened.begin());
    opened[0] ^= static_cast<std::byte>(mask[0] & 0x0fU);
    const std::size_t number_octets = std::to_integer<std::size_t>(opened[0] & std::byte{3}) + 1;
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < number_octets; ++i) {
        auto& octet = opened[number_at + i];
        octet ^= static_cast<std::byte>(mask[1 + i]);
        number = (number << 8U) | std::to_integer<std::uint32_t>(octet);
    }
    // The nonce is the iv with the packet number in its last octets (RFC 9001 §5.3). The numbers
    // of Initial packets are small: the octets that the packet leaves out are zero.
    auto nonce = keys.iv;
    for (unsigned i = 0; i < number_octets_max; ++i) {
        nonce[nonce.size() - 1 - i] ^= static_cast<std::uint8_t>(number >> (8U * i));
    }

    const std::size_t payload_at = number_at + number_octets;
    const std::size_t payload_octets = packet.size() - payload_at - tag_octets;
    gcm_aes128_ctx cipher;  // NOLINT(*-init-variables): the next line does
    gcm_aes128_set_key(&cipher, keys.key.data());
    gcm_aes128_set_iv(&cipher, nonce.size(), nonce.data());
    gcm_aes128_update(&cipher, payload_at, raw(Bytes{opened}.first(payload_at)));
    gcm_aes128_decrypt(&cipher, payload_octets, raw(opened.subspan(payload_at)),
                       raw(packet.subspan(payload_at)));
    std::array<std::uint8_t, tag_octets> tag{};
    gcm_aes128_digest(&cipher, tag.size(), tag.data());
    if (memeql_sec(tag.data(), raw(packet.last(tag_octets)), tag.size()) == 0) {
        return std::nullopt;
    }
    return Bytes{opened}.subspan(payload_at, payload_octets);
}

}  // namespace tapmeter::inspect::extract
