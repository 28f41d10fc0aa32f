#include "pipeline/flow/entropy.h"

#include <gtest/gtest.h>

#include <vector>

namespace tapmeter::flow {
namespace {

using Octets = std::vector<std::byte>;

// So many octets that go through `values` values in turn.
Octets cycle(std::size_t octets, unsigned values) {
    Octets made;
    for (std::size_t i = 0; i < octets; ++i) {
        made.push_back(static_cast<std::byte>(i % values));
    }
    return made;
}

std::uint16_t of(const Octets& octets) {
    Entropy entropy;
    entropy.add(octets);
    return entropy.millibits();
}

TEST(Entropy, is_shannons) {
    EXPECT_EQ(of({}), 0);
    EXPECT_EQ(of(cycle(1, 1)), 0);
    EXPECT_EQ(of(cycle(4'096, 1)), 0);
    EXPECT_EQ(of(cycle(4'096, 2)), 1'000);
    EXPECT_EQ(of(cycle(4'096, 16)), 4'000);
    EXPECT_EQ(of(cycle(4'096, 256)), 8'000);
    EXPECT_EQ(of(cycle(8, 8)), 3'000) << "of few octets it is low whatever they are";
    EXPECT_EQ(of(cycle(3, 3)), 1'585) << "log2(3)";
    Octets uneven = cycle(3, 1);
    uneven.push_back(std::byte{1});
    EXPECT_EQ(of(uneven), 811) << "3/4 and 1/4";
}

// However the octets come, and not one behind the last that counts.
TEST(Entropy, is_that_of_the_first_octets) {
    const Octets all = cycle(Entropy::octets_max, 7);
    Entropy parts;
    for (std::size_t at = 0; at < all.size(); at += 100) {
        EXPECT_FALSE(parts.is_full());
        parts.add(Bytes(all).subspan(at, std::min<std::size_t>(100, all.size() - at)));
    }
    EXPECT_TRUE(parts.is_full());
    EXPECT_EQ(parts.octets(), Entropy::octets_max);
    EXPECT_EQ(parts.millibits(), of(all));
    parts.add(cycle(100, 100));
    EXPECT_EQ(parts.millibits(), of(all));
    EXPECT_EQ(parts.octets(), Entropy::octets_max);

    Octets longer = all;
    longer.push_back(std::byte{200});
    EXPECT_EQ(of(longer), of(all));
}

}  // namespace
}  // namespace tapmeter::flow
