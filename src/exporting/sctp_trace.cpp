#include "src/exporting/sctp_trace.h"

#include <algorithm>

namespace tapmeter::exporting {
namespace {

//   octet  0           2           4                  8          12
//         +-----------+-----------+------------------+----------+- - - -
//         | from port | to port   | verification tag | CRC32c   | chunks
//         +-----------+-----------+------------------+----------+- - - -
constexpr std::size_t common_header_octets = 12;
constexpr std::size_t chunk_header_octets = 4;
constexpr std::uint8_t chunk_init = 1;
constexpr std::uint8_t chunk_sack = 3;
constexpr std::uint8_t chunk_shutdown = 7;
constexpr std::size_t init_octets = 20;           // without parameters
constexpr std::size_t cumulative_octets_min = 8;  // of a SACK or SHUTDOWN, as far as we read

}  // namespace

void SctpTrace::sent(Bytes packet) noexcept {
    if (begun_ || packet.size() < common_header_octets + init_octets) {
        return;
    }
    const Bytes chunk = packet.subspan(common_header_octets);
    if (load_be8(chunk.first<1>()) == chunk_init) {
        tag_ = load_be32(chunk.subspan<4, 4>());
        newest_ = load_be32(chunk.subspan<16, 4>()) - 1;
        begun_ = true;
    }
}

void SctpTrace::received(Bytes packet) noexcept {
    if (!begun_ || packet.size() < common_header_octets ||
        load_be32(packet.subspan<4, 4>()) != tag_) {
        return;
    }
    Bytes rest = packet.subspan(common_header_octets);
    while (rest.size() >= chunk_header_octets) {
        const std::uint8_t type = load_be8(rest.first<1>());
        const std::size_t octets = load_be16(rest.subspan<2, 2>());
        if (octets < chunk_header_octets || octets > rest.size()) {
            return;
        }
        if ((type == chunk_sack || type == chunk_shutdown) && octets >= cumulative_octets_min) {
            confirm(load_be32(rest.subspan<4, 4>()));
        }
        const std::size_t padded = (octets + 3) & ~std::size_t{3};
        rest = rest.subspan(std::min(padded, rest.size()));
    }
}

// TSNs wrap (RFC 9260 section 1.6); an older one says nothing new.
void SctpTrace::confirm(std::uint32_t newest) noexcept {
    const auto more = static_cast<std::int32_t>(newest - newest_);
    if (more > 0) {
        confirmed_ += static_cast<std::uint64_t>(more);
        newest_ = newest;
    }
}

}  // namespace tapmeter::exporting
