#pragma once

#include <cstdint>

namespace tapmeter::decode {

// What the octets behind a link layer's headers are said to be.
enum class Network : std::uint8_t {
    ipv4,
    ipv6,
    ethernet,  // another Ethernet header: a pseudowire's, a provider backbone's
    none,      // no IP; Headers::non_ip says what
};

}  // namespace tapmeter::decode
