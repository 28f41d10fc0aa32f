#include "src/exporting/own_socket.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

#include "src/exporting/descriptor.h"

namespace tapmeter::exporting {
namespace {

constexpr std::uint8_t tcp = 6;

LocalEnd end_of(const sockaddr_storage& storage) noexcept {
    LocalEnd end;
    constexpr std::size_t ipv4_at = 12;  // in the 16 octets of an address
    if (storage.ss_family == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, &storage, sizeof address);
        std::memcpy(std::span{end.endpoint.address}.subspan(ipv4_at).data(), &address.sin_addr,
                    sizeof address.sin_addr);
        end.endpoint.port = ntohs(address.sin_port);
        end.ip_version = 4;
    } else if (storage.ss_family == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, &storage, sizeof address);
        std::memcpy(end.endpoint.address.data(), &address.sin6_addr, sizeof address.sin6_addr);
        end.endpoint.port = ntohs(address.sin6_port);
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&address.sin6_addr) != 0;
        end.ip_version = mapped ? 4 : 6;
        if (mapped) {
            std::ranges::fill(std::span{end.endpoint.address}.first(ipv4_at), 0);
        }
    }
    return end;
}

// NOLINTBEGIN(*-reinterpret-cast): the way of socket(7)
std::optional<sockaddr_storage> name_of(int socket) noexcept {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    const bool told = ::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &length) == 0;
    return told ? std::optional(name) : std::nullopt;
}

std::optional<sockaddr_storage> peer_of(int socket) noexcept {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    const bool told = ::getpeername(socket, reinterpret_cast<sockaddr*>(&name), &length) == 0;
    return told ? std::optional(name) : std::nullopt;
}

// The address from which packets leave to `to`, with port 0: a UDP socket tells without sending.
std::optional<sockaddr_storage> local_address_to(const sockaddr* to, socklen_t length) noexcept {
    const Descriptor probe(::socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!probe.is_open() || ::connect(probe.number(), to, length) != 0) {
        return std::nullopt;
    }
    auto name = name_of(probe.number());
    if (name && name->ss_family == AF_INET) {
        reinterpret_cast<sockaddr_in*>(&*name)->sin_port = 0;
    } else if (name && name->ss_family == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(&*name)->sin6_port = 0;
    }
    return name;
}

void note(flow::OwnSession& session, const sockaddr_storage& local, const sockaddr_storage& remote,
          std::uint8_t protocol) noexcept {
    const LocalEnd ours = end_of(local);
    const LocalEnd theirs = end_of(remote);
    if (ours.ip_version != 0 && ours.ip_version == theirs.ip_version) {
        session.begin(ours.endpoint, theirs.endpoint, protocol, ours.ip_version);
    }
}

}  // namespace

LocalEnd local_end_of(int socket) noexcept {
    const auto local = name_of(socket);
    return local ? end_of(*local) : LocalEnd{};
}

void note_own(flow::OwnSession& session, int socket, std::uint8_t protocol) noexcept {
    const auto local = name_of(socket);
    const auto remote = peer_of(socket);
    if (local && remote) {
        note(session, *local, *remote, protocol);
    }
}

void note_own_ports(flow::OwnSession& session, int socket, std::uint8_t protocol,
                    std::pair<std::uint16_t, std::uint16_t> ports) noexcept {
    const auto local = name_of(socket);
    const auto remote = peer_of(socket);
    if (!local || !remote) {
        return;
    }
    LocalEnd ours = end_of(*local);
    LocalEnd theirs = end_of(*remote);
    ours.endpoint.port = ports.first;
    theirs.endpoint.port = ports.second;
    if (ours.ip_version != 0 && ours.ip_version == theirs.ip_version) {
        session.begin(ours.endpoint, theirs.endpoint, protocol, ours.ip_version);
    }
}

void note_own_before(flow::OwnSession& session, int socket, const sockaddr* to,
                     socklen_t length) noexcept {
    sockaddr_storage remote{};
    if (to->sa_family == AF_UNIX || length > sizeof remote) {
        return;
    }
    std::memcpy(&remote, to, length);
    const auto address = local_address_to(to, length);
    if (address && ::bind(socket, reinterpret_cast<const sockaddr*>(&*address), length) == 0) {
        if (const auto local = name_of(socket)) {
            note(session, *local, remote, tcp);
        }
    }
}
// NOLINTEND(*-reinterpret-cast)

}  // namespace tapmeter::exporting
