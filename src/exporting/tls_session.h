#pragma once

#include <memory>
#include <string>

#include "pipeline/base/result.h"
#include "src/exporting/tcp_session.h"
#include "src/exporting/tls_channel.h"

namespace tapmeter::exporting {

// TLS over TCP: 1.2 at least, 1.3 preferred. The Collector's certificate and name are verified
// before anything is exported; no export to whom we cannot verify.
class TlsSession final : public TcpSession, private TlsChannel::Carrier {
public:
    // errors  invalid_config  a file that cannot be read or does not hold what it must
    static Result<std::unique_ptr<StreamSession>> make(const std::string& host, std::uint16_t port,
                                                       const TlsFiles& files);

    void close() override;

protected:
    Progress greet() override;
    std::ptrdiff_t transmit(Bytes octets) override;
    std::ptrdiff_t receive(std::span<std::byte> room) override;
    bool wants_to_read() const override { return channel_->wants_to_read(); }
    void part() override { channel_->part(); }

private:
    TlsSession(const std::string& host, std::uint16_t port) : TcpSession(host, port, "tls") {}

    std::ptrdiff_t carry_out(Bytes sealed) override { return send_octets(sealed); }
    std::ptrdiff_t carry_in(std::span<std::byte> room) override { return receive_octets(room); }
    std::ptrdiff_t told(std::ptrdiff_t octets);

    std::unique_ptr<TlsChannel> channel_;
};

}  // namespace tapmeter::exporting
