#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tapmeter {

// Writes numbers in network byte order, one after the other, into octets of somebody else. For
// frames that the program makes itself; beyond the end it is our own bug.
class OctetWriter {
public:
    explicit OctetWriter(std::span<std::byte> octets) noexcept : octets_(octets) {}

    OctetWriter& be8(std::uint64_t value) noexcept { return number<1>(value); }
    OctetWriter& be16(std::uint64_t value) noexcept { return number<2>(value); }
    OctetWriter& be32(std::uint64_t value) noexcept { return number<4>(value); }
    OctetWriter& be64(std::uint64_t value) noexcept { return number<8>(value); }
    std::size_t written() const noexcept { return at_; }

private:
    template <unsigned octets>
    OctetWriter& number(std::uint64_t value) noexcept {
        for (unsigned octet = octets; octet-- > 0;) {
            octets_[at_++] = static_cast<std::byte>(value >> (8U * octet));
        }
        return *this;
    }

    std::span<std::byte> octets_;
    std::size_t at_ = 0;
};

}  // namespace tapmeter
