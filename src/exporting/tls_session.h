#pragma once

#include <memory>
#include <string>

#include "pipeline/base/result.h"
#include "src/exporting/tcp_session.h"

namespace tapmeter::exporting {

// What TLS to one Collector needs (RFC 7011 section 11): who we are, whom we believe, and by which
// name the Collector proves itself.
struct TlsFiles {
    std::string certificate;  // ours, PEM; empty: the Collector is not told who we are
    std::string key;
    std::string authorities;  // PEM; empty: those that the system trusts
    std::string name;         // DNS name or address in the Collector's certificate; empty: the host
};

// TLS over TCP: 1.2 at least, 1.3 preferred. The Collector's certificate and name are verified
// before anything is exported; no export to whom we cannot verify.
class TlsSession final : public TcpSession {
public:
    // errors  invalid_config  a file that cannot be read or does not hold what it must
    static Result<std::unique_ptr<StreamSession>> make(const std::string& host, std::uint16_t port,
                                                       const TlsFiles& files);
    ~TlsSession() override;

    void close() override;

protected:
    Progress greet() override;
    std::ptrdiff_t transmit(Bytes octets) override;
    std::ptrdiff_t receive(std::span<std::byte> room) override;
    bool wants_to_read() const override;
    void part() override;

private:
    struct Library;  // what GnuTLS keeps for us

    TlsSession(const std::string& host, std::uint16_t port, std::string name,
               std::unique_ptr<Library> library);
    Progress begin();
    std::string why(int error) const;

    std::string name_;
    std::unique_ptr<Library> library_;
};

}  // namespace tapmeter::exporting
