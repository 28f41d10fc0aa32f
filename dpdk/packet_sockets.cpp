#include "dpdk/packet_sockets.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace tapmeter::dpdk {

namespace {

bool is_bound_to(int socket, unsigned interface) noexcept {
    int domain = 0;
    socklen_t octets = sizeof(domain);
    if (::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &octets) != 0 || domain != AF_PACKET) {
        return false;
    }
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    // The sockets interface wants sockaddr for every family: by void, not by a cast of types.
    void* const place = &storage;
    if (::getsockname(socket, static_cast<sockaddr*>(place), &length) != 0) {
        return false;
    }
    sockaddr_ll address{};
    std::memcpy(&address, &storage, sizeof(address));
    return static_cast<unsigned>(address.sll_ifindex) == interface;
}

}  // namespace

std::vector<int> PacketSockets::bound_to(const std::string& interface) {
    std::vector<int> sockets;
    const unsigned index = ::if_nametoindex(interface.c_str());
    if (index == 0) {
        return sockets;
    }
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const std::string name = entry.path().filename().string();
        int descriptor = -1;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), descriptor);
        if (parsed.ec == std::errc{} && is_bound_to(descriptor, index)) {
            sockets.push_back(descriptor);
        }
    }
    return sockets;
}

void PacketSockets::watch(const std::string& interface, const std::vector<int>& before) {
    for (const int socket : bound_to(interface)) {
        if (std::ranges::find(before, socket) == before.end()) {
            sockets_.push_back(socket);
        }
    }
}

std::uint64_t PacketSockets::dropped() noexcept {
    for (const int socket : sockets_) {
        tpacket_stats since_last_asked{};
        socklen_t octets = sizeof(since_last_asked);
        if (::getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, &since_last_asked, &octets) == 0) {
            dropped_ += since_last_asked.tp_drops;
        }
    }
    return dropped_;
}

}  // namespace tapmeter::dpdk
