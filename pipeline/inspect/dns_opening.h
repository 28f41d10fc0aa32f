#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/decode/headers.h"

namespace tapmeter::inspect {

inline constexpr std::size_t plain_name_octets_max = 96;
using PlainName = std::array<char, plain_name_octets_max>;

// How a flow begins that to a dissector is one plain DNS question and its answer (RFC 1035 section
// 4), as nearly all DNS is: by UDP, or by TCP behind a plain handshake. In such packets nothing is
// odd, so that all that could be found in them is the name.
//   ports       53 of the server; above 1023, and without a meaning to nDPI, of the client
//   packets     whole, as captured and as on the wire, no IP options nor extension headers; of TCP
//               in their order, none missing and none twice
//   message     512 octets at most, in one packet; of several in a packet of TCP the first counts
//   question    one; a query has no records but additional ones
//   name        labels of letters, digits, - and _; plain_name_octets_max in all
//   answers     16 at most; up to the first that is no CNAME, of kinds that everybody asks for
class DnsOpening {
public:
    enum class Part : std::uint8_t {
        odd,        // anything else; nothing behind it is looked at either
        handshake,  // of TCP
        query,      // by UDP also another one, which may be for another name
        response,   // with records in it
    };

    // Looks at the next packet of the flow.
    // room  gets the name of a query or response, in lower case and with dots
    // name  becomes that name
    Part take(const decode::Headers& headers, PlainName& room, std::string_view& name) noexcept;

private:
    enum class Stage : std::uint8_t { begins, syn, syn_ack, open, asked, odd };
    struct Segment;

    Part take_udp(const decode::Headers& headers, bool to_server, PlainName& room,
                  std::string_view& name) noexcept;
    Part take_tcp(const decode::Headers& headers, bool to_server, PlainName& room,
                  std::string_view& name) noexcept;
    bool goes_on(const Segment& segment) noexcept;

    std::uint32_t client_next_ = 0;  // sequence numbers of TCP
    std::uint32_t server_next_ = 0;
    Stage stage_ = Stage::begins;
};

}  // namespace tapmeter::inspect
