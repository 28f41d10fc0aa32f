#pragma once

#include <nettle/aes.h>
#include <nettle/gcm.h>

#include <array>
#include <cstdint>
#include <span>

#include "pipeline/inspect/extract/quic_keys.h"
#include "tests/support/messages.h"

namespace tapmeter::inspect::extract::testing {

// The one of RFC 9001 appendix A.
inline Octets connection_id() {
    return Octets::of_hex("8394c8f03e515708");
}

struct Sealing {
    std::uint32_t version = quic_v1;
    bool from_client = true;
    unsigned number = 2;
};

inline std::uint8_t* raw(std::span<std::byte> octets) {
    return reinterpret_cast<std::uint8_t*>(octets.data());  // NOLINT(*-reinterpret-cast)
}

// One Initial packet around frames, sealed as its sender would (RFC 9001 §5).
inline Octets initial(const Octets& frames, const Sealing& sealing) {
    const auto version = *quic_version_of(sealing.version);
    const QuicKeys keys = initial_keys(version, connection_id().view(), sealing.from_client);
    constexpr std::size_t number_octets = 2;
    constexpr std::size_t tag_octets = 16;
    Octets packet;
    packet.put8((version.is_v2 ? 0xd0U : 0xc0U) | (number_octets - 1))
        .put32(sealing.version)
        .vector8(sealing.from_client ? connection_id() : Octets{"client"})
        .vector8(sealing.from_client ? Octets{"client"} : Octets{"srv"})
        .put8(0)
        .put16(0x4000U | static_cast<unsigned>(number_octets + frames.size() + tag_octets));
    const std::size_t number_at = packet.size();
    packet.put16(sealing.number);
    const std::size_t payload_at = packet.size();
    packet.put(frames).zeros(tag_octets);

    auto nonce = keys.iv;
    nonce[10] ^= static_cast<std::uint8_t>(sealing.number >> 8U);
    nonce[11] ^= static_cast<std::uint8_t>(sealing.number);
    gcm_aes128_ctx cipher{};
    gcm_aes128_set_key(&cipher, keys.key.data());
    gcm_aes128_set_iv(&cipher, nonce.size(), nonce.data());
    gcm_aes128_update(&cipher, payload_at, raw(packet.change()));
    const auto payload = packet.change().subspan(payload_at, frames.size());
    gcm_aes128_encrypt(&cipher, payload.size(), raw(payload), raw(payload));
    gcm_aes128_digest(&cipher, tag_octets, raw(packet.change().last(tag_octets)));

    aes128_ctx header{};
    aes128_set_encrypt_key(&header, keys.header.data());
    std::array<std::uint8_t, 16> mask{};
    aes128_encrypt(&header, 16, mask.data(), raw(packet.change().subspan(number_at + 4, 16)));
    packet.change()[0] ^= std::byte(mask[0] & 0x0fU);
    packet.change()[number_at] ^= std::byte{mask[1]};
    packet.change()[number_at + 1] ^= std::byte{mask[2]};
    return packet;
}

}  // namespace tapmeter::inspect::extract::testing
