#pragma once

#include <cstring>
#include <vector>

#include "pipeline/flow/flow_hash.h"
#include "pipeline/flow/flow_key.h"
#include "src/bench/random.h"

namespace tapmeter::bench {

// IPv4 keys that are all different, the same on every machine.
inline std::vector<flow::FlowKey> keys_from(std::uint64_t first, std::size_t count) {
    std::vector<flow::FlowKey> keys(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t bits = stirred(first + i);
        flow::FlowKey& key = keys[i];
        std::memcpy(&key.low[12], &bits, 4);
        std::memcpy(&key.high[12], reinterpret_cast<const char*>(&bits) + 4, 4);
        key.low_port = static_cast<std::uint16_t>(first + i);
        key.high_port = 53;
        key.protocol = 17;
        key.ip_version = 4;
    }
    return keys;
}

inline std::vector<FlowHash> hashes_of(const std::vector<flow::FlowKey>& keys) {
    std::vector<FlowHash> hashes(keys.size());
    flow::FlowHasher({1, 2}).hash(keys, hashes);
    return hashes;
}

}  // namespace tapmeter::bench
