#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <utility>

#include "pipeline/flow/own_sessions.h"

namespace tapmeter::exporting {

// Our end of a connected socket.
struct LocalEnd {
    flow::Endpoint endpoint;
    std::uint8_t ip_version = 0;  // 4 or 6; 0: no address of IP
};
LocalEnd local_end_of(int socket) noexcept;

// Notes that a connected socket's packets are our own. Nothing where they are of no IP.
// protocol  6 TCP, 17 UDP
void note_own(flow::OwnSession& session, int socket, std::uint8_t protocol) noexcept;

// The same for a protocol whose ports the kernel does not know, ours first.
void note_own_ports(flow::OwnSession& session, int socket, std::uint8_t protocol,
                    std::pair<std::uint16_t, std::uint16_t> ports) noexcept;

// The same before connect(): gives the socket the address and the port that it would have, so that
// not even its first packet is metered. Where that cannot be done the socket stays as it is; it
// can hardly connect then.
void note_own_before(flow::OwnSession& session, int socket, const sockaddr* to,
                     socklen_t length) noexcept;

}  // namespace tapmeter::exporting
