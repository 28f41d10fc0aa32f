#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/base/result.h"
#include "src/exporting/message.h"
#include "src/exporting/stream_session.h"
#include "src/exporting/tls_channel.h"
#include "src/exporting/udp_session.h"

namespace tapmeter::exporting {

// A DTLS record has 16,384 octets at most (RFC 6347 section 4.1); GnuTLS wants its headers to fit
// in those.
inline constexpr std::size_t dtls_message_octets_max = 16'000;

// DTLS 1.2 over UDP to one Collector (RFC 7011 section 11, RFC 6347): a message is a record, a
// record a datagram. Each session has a socket and so a port of its own; it is a Transport Session
// of its own too. The Collector's certificate and name are verified before anything is exported.
//
// Nobody tells that a Collector has lost a session, as one does that was restarted: what is sent is
// thrown away. ICMP may say that nobody listens, and a close_notify or an alert under the session's
// keys that it is over; both end it. Else a session is renewed in time, by a new handshake, which
// finds out; and soon where the Collector answers in clear, as those do that know no session. Such
// an answer proves nothing, so it never costs more than a handshake each ten seconds.
class DtlsSession final : public StreamSession, private TlsChannel::Carrier {
public:
    using Clock = std::chrono::steady_clock;

    // Before so long an answer in clear is one of the handshake that came late.
    static constexpr std::chrono::seconds renewal_min{10};

    struct Setup {
        std::string host;  // name, IPv4 or IPv6 address; resolved for each session anew
        std::uint16_t port = 4740;
        TlsFiles files{};                 // an empty name is the host's
        bool may_fragment = false;        // messages may be longer than what the path carries
        std::chrono::seconds renew{300};  // so long a session lasts
        Clock::time_point (*now)() = Clock::now;
    };
    // errors  invalid_config  a file that cannot be read or does not hold what it must
    static Result<std::unique_ptr<StreamSession>> make(const Setup& setup);

    Progress open(std::chrono::milliseconds patience) override;
    Progress write(Bytes message) override;
    Progress wait(bool for_room, std::chrono::milliseconds patience) override;
    std::uint64_t written() const override { return written_; }
    std::uint64_t delivered() const override { return written_; }
    bool may_lose() const noexcept override { return true; }
    std::size_t message_octets_max() const noexcept override { return message_octets_; }
    void close() override;
    const std::string& peer() const override { return peer_; }
    const std::string& failure() const override { return failure_; }

private:
    explicit DtlsSession(const Setup& setup);

    std::ptrdiff_t carry_out(Bytes sealed) override;
    std::ptrdiff_t carry_in(std::span<std::byte> room) override;
    bool has_input() override;
    Progress connect();
    Progress look();
    Progress hear();
    void learn_path();
    bool must_renew() const;
    std::ptrdiff_t refused(int error);
    Progress fail(std::string why);
    Progress broke();

    Setup setup_;
    std::unique_ptr<TlsChannel> channel_;
    std::string peer_;
    std::string failure_;
    std::string last_address_;          // of the host, when it was resolved
    std::optional<UdpSession> socket_;  // none: no session
    std::optional<UdpSession> before_;  // of the session before: its last packets may be late
    bool open_ = false;
    bool disowned_ = false;  // the Collector answers as if it knew no session
    bool starved_ = false;   // the kernel has no buffers: waiting for the socket is of no use
    int socket_error_ = 0;   // errno that broke the session; 0: something else did
    Clock::time_point opened_at_{};
    Clock::time_point looked_at_{};
    Clock::time_point path_at_{};
    std::size_t message_octets_ = message_octets_unknown_path;
    std::uint64_t written_ = 0;
    std::size_t foreign_octets_ = 0;
};

}  // namespace tapmeter::exporting
