#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/base/result.h"
#include "pipeline/base/units.h"
#include "pipeline/flow/flow_key.h"

namespace tapmeter::flow {

// 128 secret bits: without them nobody can aim flows at one bucket. Drawn once per start.
using HashKey = std::array<std::uint64_t, 2>;

// errors  io, where the kernel gives no random octets
Result<HashKey> random_hash_key();

// Keyed hash of whole flow keys: rounds of AES where the CPU has them, SipHash-2-4 elsewhere.
// Never CRC32C nor the NIC's hash: both are linear, so collisions can be written down for every
// seed (65,536 flows with one value took a few milliseconds to make).
class FlowHasher {
public:
    enum class Method : std::uint8_t { automatic, aes, siphash };

    explicit FlowHasher(const HashKey& key, Method method = Method::automatic) noexcept;

    // Hashes keys[i] into hashes[i]; one indirect call a burst. hashes.size() >= keys.size().
    void hash(std::span<const FlowKey> keys, std::span<FlowHash> hashes) const noexcept {
        hash_burst_(key_, keys, hashes);
    }

    // "AES" or "SipHash-2-4".
    std::string_view method() const noexcept { return method_; }

private:
    using HashBurst = void (*)(const HashKey&, std::span<const FlowKey>,
                               std::span<FlowHash>) noexcept;
    HashKey key_;
    HashBurst hash_burst_;
    std::string_view method_;
};

}  // namespace tapmeter::flow
