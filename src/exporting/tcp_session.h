#pragma once

#include <string>

#include "pipeline/flow/own_sessions.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/stream_session.h"

namespace tapmeter::exporting {

// Octets that a Collector may send us, who expects none (RFC 7011 section 10.4.1), before the
// session is given up.
inline constexpr std::size_t foreign_octets_max = 4'096;
// Why, in words.
std::string too_much_said();

// A TCP connection to one Collector; through a unix socket where the host is a path. The name is
// resolved for each session anew; where that fails and a session worked before, its address is
// taken once more.
class TcpSession : public StreamSession {
public:
    TcpSession(std::string host, std::uint16_t port, std::string scheme = "tcp");

    Progress open(std::chrono::milliseconds patience) override;
    Progress write(Bytes message) override;
    Progress wait(bool for_room, std::chrono::milliseconds patience) override;
    std::uint64_t written() const override { return written_; }
    std::uint64_t delivered() const override;
    void close() override;
    const std::string& peer() const override { return peer_; }
    const std::string& failure() const override { return failure_; }

protected:
    // After connect(); TLS shakes hands here. Never waits.
    virtual Progress greet() { return Progress::done; }
    // Where they are `broken`, failure_ says why.
    virtual std::ptrdiff_t transmit(Bytes octets);
    virtual std::ptrdiff_t receive(std::span<std::byte> room);
    virtual bool wants_to_read() const { return false; }  // to go on with greet()
    virtual void part() {}                                // a last word before the end

    // The socket itself, counted: what transmit() ends in.
    std::ptrdiff_t send_octets(Bytes octets);
    std::ptrdiff_t receive_octets(std::span<std::byte> room);
    Progress fail(std::string why);
    const std::string& host() const { return host_; }

    std::string failure_;

private:
    enum class Phase : std::uint8_t { closed, connecting, greeting, open };

    Progress connect();
    Progress look();

    std::string host_;
    std::uint16_t port_;
    std::string scheme_;
    std::string peer_;
    std::string last_address_;  // a sockaddr that worked, as octets
    Descriptor socket_;
    flow::OwnSession own_;
    Phase phase_ = Phase::closed;
    std::size_t message_written_ = 0;  // of the message in progress
    std::uint64_t written_ = 0;
    std::size_t foreign_octets_ = 0;
};

}  // namespace tapmeter::exporting
