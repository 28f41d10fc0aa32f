#pragma once

#include <gtest/gtest.h>

#include "pipeline/base/bytes.h"

namespace tapmeter::test_support {

// Reads words of XDR (RFC 4506).
class Words {
public:
    explicit Words(Bytes octets) : rest_(octets) {}
    std::uint32_t next() {
        if (rest_.size() < 4) {
            ADD_FAILURE() << "the datagram ends too soon";
            return 0;
        }
        const std::uint32_t word = load_be32(rest_.first<4>());
        rest_ = rest_.subspan(4);
        return word;
    }
    std::uint64_t wide() {
        const std::uint64_t high = next();
        return (high << 32U) | next();
    }
    Bytes skip(std::size_t octets) {
        const std::size_t padded = (octets + 3) & ~std::size_t{3};
        if (rest_.size() < padded) {
            ADD_FAILURE() << "the datagram ends too soon";
            return {};
        }
        const Bytes skipped = rest_.first(octets);
        rest_ = rest_.subspan(padded);
        return skipped;
    }
    // So many words, all of them this one.
    void expect(std::size_t words, std::uint32_t word) {
        for (std::size_t i = 0; i < words; ++i) {
            EXPECT_EQ(next(), word);
        }
    }
    bool done() const { return rest_.empty(); }

private:
    Bytes rest_;
};

}  // namespace tapmeter::test_support
