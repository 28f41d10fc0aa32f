#include "pipeline/flow/flow_hash.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tapmeter::flow {

namespace {

constexpr std::size_t key_words = sizeof(FlowKey) / sizeof(std::uint64_t);

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    constexpr void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
};

// SipHash-2-4 (Aumasson, Bernstein 2012) of the key's 48 octets.
FlowHash siphash(const HashKey& secret, const FlowKey& key) noexcept {
    SipState state{secret[0] ^ 0x736f'6d65'7073'6575, secret[1] ^ 0x646f'7261'6e64'6f6d,
                   secret[0] ^ 0x6c79'6765'6e65'7261, secret[1] ^ 0x7465'6462'7974'6573};
    const auto absorb = [&state](std::uint64_t word) noexcept {
        state.v3 ^= word;
        state.round();
        state.round();
        state.v0 ^= word;
    };
    for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, key_words>>(key)) {
        absorb(word);
    }
    absorb(std::uint64_t{sizeof(FlowKey)} << 56U);
    state.v2 ^= 0xff;
    for (int finalization = 0; finalization < 4; ++finalization) {
        state.round();
    }
    return FlowHash{state.v0 ^ state.v1 ^ state.v2 ^ state.v3};
}

void siphash_burst(const HashKey& secret, std::span<const FlowKey> keys,
                   std::span<FlowHash> hashes) noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        hashes[i] = siphash(secret, keys[i]);
    }
}

#if defined(__x86_64__)
// Each 16-octet block is mixed in under the secret and stirred by two AES rounds, the end by two
// more: every output bit depends on every bit of the key and of the secret.
[[gnu::target("aes,sse4.1")]] void aes_burst(const HashKey& secret, std::span<const FlowKey> keys,
                                             std::span<FlowHash> hashes) noexcept {
    const __m128i round_key =
        _mm_set_epi64x(static_cast<long long>(secret[1]), static_cast<long long>(secret[0]));
    const __m128i other_key = _mm_aesenc_si128(round_key, _mm_set1_epi64x(0x1e37'79b9'7f4a'7c15));
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto octets = std::as_bytes(keys.subspan(i, 1));
        __m128i state = round_key;
        for (std::size_t at = 0; at < sizeof(FlowKey); at += sizeof(__m128i)) {
            __m128i block;  // NOLINT(*-init-variables): written whole by the next line
            std::memcpy(&block, octets.subspan(at).data(), sizeof(block));
            state = _mm_xor_si128(state, block);
            state = _mm_aesenc_si128(state, round_key);
            state = _mm_aesenc_si128(state, other_key);
        }
        state = _mm_aesenc_si128(state, round_key);
        state = _mm_aesenc_si128(state, other_key);
        hashes[i] = FlowHash{static_cast<std::uint64_t>(_mm_cvtsi128_si64(state))};
    }
}

bool cpu_has_aes() noexcept {
    return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("sse4.1") != 0;
}
#else
bool cpu_has_aes() noexcept {
    return false;
}
const auto aes_burst = siphash_burst;
#endif

}  // namespace

Result<HashKey> random_hash_key() {
    HashKey key{};
    if (::getrandom(key.data(), sizeof(key), 0) != static_cast<ssize_t>(sizeof(key))) {
        return failed(Error::Kind::io, std::string("the kernel gives no random octets for the "
                                                   "flow hash: ") +
                                           std::strerror(errno));
    }
    return key;
}

FlowHasher::FlowHasher(const HashKey& key, Method method) noexcept
    : key_(key), hash_burst_(siphash_burst), method_("SipHash-2-4") {
    if (method != Method::siphash && cpu_has_aes()) {
        hash_burst_ = aes_burst;
        method_ = "AES";
    }
}

}  // namespace tapmeter::flow
