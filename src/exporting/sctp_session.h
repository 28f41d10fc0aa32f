#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "pipeline/flow/own_sessions.h"
#include "src/exporting/descriptor.h"
#include "src/exporting/sctp_stack.h"
#include "src/exporting/sctp_trace.h"
#include "src/exporting/stream_session.h"

struct socket;  // of usrsctp

namespace tapmeter::exporting {

// An SCTP association to one Collector (RFC 7011 section 10.2): one stream, in order, reliable, a
// message at a time. Inside of UDP (RFC 6951), or as packets of their own; for those the process
// needs CAP_NET_RAW, and a kernel that has no SCTP itself: that would abort what it does not know.
class SctpSession final : public StreamSession, private SctpStack::End {
public:
    // udp_port  at which the Collector takes SCTP inside of UDP; 0: it takes SCTP
    SctpSession(std::string host, std::uint16_t port, std::uint16_t udp_port);
    ~SctpSession() override;

    Progress open(std::chrono::milliseconds patience) override;
    Progress write(Bytes message) override;
    Progress wait(bool for_room, std::chrono::milliseconds patience) override;
    std::uint64_t written() const override { return written_; }
    std::uint64_t delivered() const override { return delivered_; }
    void close() override;
    const std::string& peer() const override { return peer_; }
    const std::string& failure() const override { return failure_; }

private:
    enum class Phase : std::uint8_t { closed, opening, open, ended };

    void transmit(Bytes packet) noexcept override;
    Progress fail(std::string why);
    Progress begin();
    Progress connect_carrier();
    Progress associate();
    void set_options();
    Progress pump(std::chrono::milliseconds patience);
    Progress drain();
    Progress hear();
    Progress hear_change(Bytes notification);
    void settle();
    bool is_ours(Bytes packet) const noexcept;

    std::string host_;
    std::uint16_t port_;
    std::uint16_t udp_port_;
    std::vector<std::byte> room_;  // for one packet that comes
    std::string peer_;
    std::string failure_;
    Descriptor carrier_;  // what the packets go through: UDP, or IP
    flow::OwnSession own_;
    struct socket* association_ = nullptr;
    Phase phase_ = Phase::closed;
    bool ipv6_ = false;
    std::uint16_t local_port_ = 0;
    SctpTrace trace_;
    std::deque<std::size_t> on_the_way_;  // octets of messages that are not confirmed
    std::uint64_t settled_ = 0;           // messages that are
    std::uint64_t written_ = 0;
    std::uint64_t delivered_ = 0;
    std::size_t foreign_octets_ = 0;
};

}  // namespace tapmeter::exporting
