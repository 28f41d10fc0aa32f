#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "pipeline/base/bytes.h"

namespace tapmeter::inspect::extract {

// What a flow record tells of an X.509 certificate (RFC 5280 §4.1), as views into its DER.
struct Certificate {
    Bytes serial{};  // big-endian, without the zero octet that only says "positive"
    Bytes issuer{};  // content of the Name, for write_name()
    Bytes subject{};
    std::int64_t not_before = 0;  // seconds since 1970-01-01 UTC; 0 where the text is no time
    std::int64_t not_after = 0;
    bool whole = false;  // everything above was there
};

// Reads DER; no recursion. What comes before the first fault is in the result.
Certificate read_certificate(Bytes der) noexcept;

// Writes a Name as "C=US, O=Example, CN=example.com" in the order of the certificate and returns
// its length. Attributes that have no short name are written by number: "2.5.4.97=...". What
// `text` has no room for is left out. Octets of the values stay as they are.
std::size_t write_name(Bytes name, std::span<std::byte> text) noexcept;

// "0A:BC:..." or "0a:bc:...": as many octets as `text` has room for.
std::size_t write_octets(Bytes octets, bool upper_case, std::span<std::byte> text) noexcept;

}  // namespace tapmeter::inspect::extract
