#include "pipeline/flow/flow_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <set>
#include <vector>

#include "tests/support/flows.h"

namespace tapmeter::flow {
namespace {

using testing::key_number;

std::uint64_t hash_of(const FlowHasher& hasher, const FlowKey& key) {
    FlowHash hash{};
    hasher.hash({&key, 1}, {&hash, 1});
    return number_of(hash);
}

class EveryMethod : public ::testing::TestWithParam<FlowHasher::Method> {};

// A change of any one bit of the key or of the secret changes about half of the hash.
TEST_P(EveryMethod, stirs_every_bit_of_key_and_secret) {
    const HashKey secret{0x0123'4567'89ab'cdef, 0xfedc'ba98'7654'3210};
    const FlowHasher hasher(secret, GetParam());
    const FlowKey key = key_number(77);
    const std::uint64_t hash = hash_of(hasher, key);
    for (std::size_t bit = 0; bit < sizeof(FlowKey) * 8; ++bit) {
        auto octets = std::bit_cast<std::array<std::uint8_t, sizeof(FlowKey)>>(key);
        octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] ^ (1U << (bit % 8)));
        const int changed = std::popcount(hash ^ hash_of(hasher, std::bit_cast<FlowKey>(octets)));
        EXPECT_GT(changed, 12) << "key bit " << bit;
        EXPECT_LT(changed, 52) << "key bit " << bit;
    }
    for (unsigned bit = 0; bit < 128; ++bit) {
        HashKey other = secret;
        other[bit / 64] ^= std::uint64_t{1} << (bit % 64);
        const FlowHasher other_hasher(other, GetParam());
        const int changed = std::popcount(hash ^ hash_of(other_hasher, key));
        EXPECT_GT(changed, 12) << "secret bit " << bit;
        EXPECT_LT(changed, 52) << "secret bit " << bit;
    }
}

TEST_P(EveryMethod, hashes_a_burst_as_it_hashes_one) {
    const FlowHasher hasher({1, 2}, GetParam());
    std::vector<FlowKey> keys;
    for (std::uint32_t number = 0; number < 64; ++number) {
        keys.push_back(key_number(number));
    }
    std::vector<FlowHash> hashes(keys.size());
    hasher.hash(keys, hashes);
    std::set<std::uint64_t> distinct;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        EXPECT_EQ(number_of(hashes[i]), hash_of(hasher, keys[i]));
        distinct.insert(number_of(hashes[i]));
    }
    EXPECT_EQ(distinct.size(), keys.size());
}

// Flows that all share one CRC32C, whatever its seed, because CRC32C is linear: keys that differ
// by the polynomial's multiples. A keyed hash must not see anything special in them.
std::vector<FlowKey> crc_collisions(std::size_t count) {
    // 33 bits of x^32 + CRC32C's polynomial, reflected, laid over the octets of the low address:
    // adding any shift of it leaves every CRC32C as it is.
    constexpr std::uint64_t polynomial = 0x1'05ec'76f1;
    std::vector<FlowKey> keys;
    for (std::size_t number = 0; number < count; ++number) {
        FlowKey key = key_number(1);
        std::uint64_t delta = 0;
        for (unsigned shift = 0; shift < 16; ++shift) {
            delta ^= ((number >> shift) & 1U) != 0 ? polynomial << shift : 0;
        }
        std::uint64_t word = 0;
        std::memcpy(&word, &key.low, sizeof(word));
        word ^= delta;
        std::memcpy(&key.low, &word, sizeof(word));
        keys.push_back(key);
    }
    return keys;
}

std::uint32_t crc32c(const FlowKey& key) {
    std::uint32_t remainder = 0xffff'ffff;
    for (const std::uint8_t octet : std::bit_cast<std::array<std::uint8_t, sizeof(FlowKey)>>(key)) {
        remainder ^= octet;
        for (int bit = 0; bit < 8; ++bit) {
            remainder = (remainder >> 1U) ^ ((remainder & 1U) != 0 ? 0x82f6'3b78U : 0U);
        }
    }
    return ~remainder;
}

TEST_P(EveryMethod, crafted_collisions_of_crc_spread_like_random_flows) {
    constexpr std::size_t flows = 65'536;
    constexpr std::size_t buckets = 4'096;
    const FlowHasher hasher({3, 4}, GetParam());
    const auto fullest = [&](auto key_at) {
        std::vector<unsigned> load(buckets);
        for (std::size_t number = 0; number < flows; ++number) {
            ++load[hash_of(hasher, key_at(number)) % buckets];
        }
        return *std::max_element(load.begin(), load.end());
    };
    const auto crafted = crc_collisions(flows);
    for (std::size_t number = 0; number < flows; number += 4'095) {
        ASSERT_EQ(crc32c(crafted[number]), crc32c(crafted[0])) << "crafted as said";
    }
    const unsigned of_crafted = fullest([&](std::size_t n) { return crafted[n]; });
    EXPECT_LT(of_crafted, 50U) << "16 flows a bucket on average";
}

INSTANTIATE_TEST_SUITE_P(, EveryMethod,
                         ::testing::Values(FlowHasher::Method::automatic,
                                           FlowHasher::Method::siphash));

TEST(FlowHasher, two_starts_draw_two_secrets) {
    const auto first = random_hash_key();
    const auto second = random_hash_key();
    ASSERT_TRUE(first && second);
    EXPECT_NE(*first, *second);
}

}  // namespace
}  // namespace tapmeter::flow
