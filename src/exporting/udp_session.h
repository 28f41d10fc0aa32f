#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/flow/own_sessions.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/own_socket.h"

namespace tapmeter::exporting {

// Most messages that leave with one system call.
inline constexpr std::size_t messages_per_send_max = 64;

// Of an errno: the other side's host says no, or nobody knows a way to it. More messages would go
// the same way.
bool is_unreachable(int error) noexcept;

// A connected UDP socket to one Collector (RFC 7011 section 10.3). Never blocks, except in the two
// waits, and then no longer than told. One thread.
class UdpSession {
public:
    // host  a name, an IPv4 or an IPv6 address; a name is resolved here, once
    // Errors: invalid_config (the name means nothing), io (no route, no sockets left).
    static Result<UdpSession> open(const std::string& host, std::uint16_t port);

    struct Sent {
        std::size_t messages = 0;  // the first ones, accepted by the socket
        int error = 0;             // errno that stopped it before the next one; 0: all accepted
    };
    // At most messages_per_send_max are tried. An error may be news about an earlier message
    // (ICMP): the one it stopped at was not sent, and trying it again is sensible.
    Sent send(std::span<const Bytes> messages) noexcept;

    struct Received {
        std::size_t octets = 0;  // 0: none came
        int error = 0;           // news of a failure, such as a refusal by ICMP; 0: none
    };
    // The next datagram of the Collector, cut to the length of `room`; empty ones are passed over.
    Received receive(std::span<std::byte> room) noexcept;

    // Waits until a datagram has come, there is news of a failure, or, where `for_room`, the socket
    // may take more. Whether it is so.
    bool wait(bool for_room, std::chrono::milliseconds patience) const noexcept;

    // Waits until the socket may take more.
    void wait_writable(std::chrono::milliseconds patience) noexcept;

    // Waits for news of a failure, such as a refusal by ICMP. Returns its errno, 0: none came.
    int wait_error(std::chrono::milliseconds patience) noexcept;

    // Octets of UDP payload that the path carries in one piece, as far as the kernel knows now;
    // 0: unknown.
    std::size_t path_octets() const noexcept;

    // Where the path became narrower than messages that were built before: lets the kernel cut
    // them into fragments instead of refusing them (EMSGSIZE).
    void allow_fragments(bool allowed) noexcept;

    // The address from which it sends.
    LocalEnd local() const noexcept { return local_end_of(socket_.number()); }

    // "203.0.113.7", "2001:db8::7": what the name meant
    std::string address() const;

    // "203.0.113.7:4739", "[2001:db8::7]:4739"
    const std::string& peer() const noexcept { return peer_; }

private:
    UdpSession(Descriptor socket, bool ipv6, std::string peer) noexcept;
    int take_error() noexcept;

    Descriptor socket_;
    flow::OwnSession own_;
    bool ipv6_;
    std::string peer_;
};

}  // namespace tapmeter::exporting
