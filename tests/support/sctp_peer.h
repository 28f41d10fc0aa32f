#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <usrsctp.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <vector>

#include "src/exporting/descriptor.h"
#include "src/exporting/sctp_stack.h"

namespace tapmeter::test_support {

// A Collector over SCTP inside of UDP, on loopback, in the stack of this process: it works when
// serve() is called.
class SctpPeer final : private exporting::SctpStack::End {
public:
    static constexpr std::uint16_t port = 4'739;

    SctpPeer()
        : udp_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
          udp_port_(bind_udp(udp_.number())) {
        const auto lock = exporting::SctpStack::enter();
        exporting::SctpStack::put_in(*this);
        listener_ =
            ::usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
        ::usrsctp_set_non_blocking(listener_, 1);
        sockaddr_conn at{};
        at.sconn_family = AF_CONN;
        at.sconn_port = htons(port);
        exporting::SctpStack::End* const end = this;
        at.sconn_addr = end;
        ::usrsctp_bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
        ::usrsctp_listen(listener_, 1);
    }
    ~SctpPeer() {
        const auto lock = exporting::SctpStack::enter();
        abort();
        ::usrsctp_close(listener_);
        exporting::SctpStack::take_out(*this);
    }
    SctpPeer(const SctpPeer&) = delete;
    SctpPeer& operator=(const SctpPeer&) = delete;

    std::uint16_t udp_port() const { return udp_port_; }
    const std::vector<std::string>& messages() const { return messages_; }

    void serve() {
        const auto lock = exporting::SctpStack::enter();
        take_packets();
        exporting::SctpStack::run_timers();
        if (association_ == nullptr) {
            association_ = ::usrsctp_accept(listener_, nullptr, nullptr);
        }
        if (association_ != nullptr) {
            ::usrsctp_set_non_blocking(association_, 1);
            take_messages();
        }
    }
    void say(const std::string& words) {
        const auto lock = exporting::SctpStack::enter();
        ::usrsctp_sendv(association_, words.data(), words.size(), nullptr, 0, nullptr, 0,
                        SCTP_SENDV_NOINFO, 0);
    }
    // Ends the association in order.
    void end() {
        const auto lock = exporting::SctpStack::enter();
        ::usrsctp_close(std::exchange(association_, nullptr));
    }

private:
    static std::uint16_t bind_udp(int socket) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t octets = sizeof at;
        ::bind(socket, reinterpret_cast<const sockaddr*>(&at), octets);
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &octets);
        return ntohs(at.sin_port);
    }

    void transmit(Bytes packet) noexcept override {
        ::sendto(udp_.number(), packet.data(), packet.size(), MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&other_), sizeof other_);
    }
    void take_packets() {
        for (;;) {
            std::array<std::byte, 2'048> room{};
            sockaddr_in from{};
            socklen_t from_octets = sizeof from;
            const auto octets = ::recvfrom(udp_.number(), room.data(), room.size(), 0,
                                           reinterpret_cast<sockaddr*>(&from), &from_octets);
            if (octets < 0) {
                return;
            }
            other_ = from;
            exporting::SctpStack::End* const end = this;
            ::usrsctp_conninput(end, room.data(), static_cast<std::size_t>(octets), 0);
        }
    }
    void take_messages() {
        for (;;) {
            std::array<char, 2'048> room{};
            int flags = 0;
            socklen_t from_octets = 0;
            socklen_t info_octets = 0;
            unsigned int info = 0;
            const auto octets = ::usrsctp_recvv(association_, room.data(), room.size(), nullptr,
                                                &from_octets, nullptr, &info_octets, &info, &flags);
            if (octets <= 0) {
                return;
            }
            messages_.emplace_back(room.data(), static_cast<std::size_t>(octets));
        }
    }
    void abort() {
        if (association_ != nullptr) {
            const linger at_once{.l_onoff = 1, .l_linger = 0};
            ::usrsctp_setsockopt(association_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            ::usrsctp_close(association_);
        }
    }

    exporting::Descriptor udp_;
    std::uint16_t udp_port_;
    sockaddr_in other_{};
    struct socket* listener_ = nullptr;
    struct socket* association_ = nullptr;
    std::vector<std::string> messages_;
};

}  // namespace tapmeter::test_support
