#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "src/exporting/stream_session.h"

namespace tapmeter::exporting {

// What TLS or DTLS to one Collector needs (RFC 7011 section 11): who we are, whom we believe, and
// by which name the Collector proves itself.
struct TlsFiles {
    std::string certificate;  // ours, PEM; empty: the Collector is not told who we are
    std::string key;
    std::string authorities;  // PEM; empty: those that the system trusts
    std::string name;         // DNS name or address in the Collector's certificate
};

// Our end of TLS over a stream (1.2 at least, 1.3 preferred) or of DTLS 1.2 over datagrams, by
// GnuTLS: as a client that verifies the Collector's certificate and name before the handshake is
// done. The sealed octets are moved by its owner, who waits too. One thread.
class TlsChannel {
public:
    enum class Over : std::uint8_t { stream, datagrams };

    static constexpr std::ptrdiff_t not_now = StreamSession::not_now;  // again, the same octets
    static constexpr std::ptrdiff_t broken = StreamSession::broken;    // failure() says why

    // Moves sealed octets, or whole datagrams. Never waits.
    class Carrier {
    public:
        Carrier() = default;
        Carrier(const Carrier&) = delete;
        Carrier& operator=(const Carrier&) = delete;

        virtual std::ptrdiff_t carry_out(Bytes sealed) = 0;
        virtual std::ptrdiff_t carry_in(std::span<std::byte> room) = 0;
        // Of datagrams: whether carry_in() has one now.
        virtual bool has_input() { return true; }

    protected:
        ~Carrier() = default;
    };

    // carrier  outlives it
    // errors   invalid_config  a file that cannot be read or does not hold what it must
    static Result<std::unique_ptr<TlsChannel>> make(Over over, const TlsFiles& files,
                                                    Carrier& carrier);
    TlsChannel(const TlsChannel&) = delete;
    TlsChannel& operator=(const TlsChannel&) = delete;
    ~TlsChannel();

    // Begins the handshake, or goes on with it: 0 once it is done; else not_now or broken.
    std::ptrdiff_t shake_hands();
    bool is_begun() const noexcept;
    // Over a stream, what it waits for after not_now: the other side, or room to write.
    bool wants_to_read() const noexcept;

    std::ptrdiff_t send(Bytes octets);
    std::ptrdiff_t receive(std::span<std::byte> room);

    // Says goodbye, where there is a session; and forgets it.
    void part();
    void end() noexcept;

    // In words to act on, after `broken`.
    const std::string& failure() const noexcept { return failure_; }

    // Of DTLS: in so long shake_hands() has something to send again (RFC 6347 section 4.2.4).
    std::chrono::milliseconds retransmits_in() const noexcept;

    // Of DTLS: no datagram is longer from now on, of the handshake neither. Where a session is
    // open, returns what is left of it for the octets of one send().
    std::size_t limit_datagrams(std::size_t octets) noexcept;
    // Of DTLS, open: lets one send() have so many octets all the same.
    void allow(std::size_t octets) noexcept;

private:
    struct Library;  // what GnuTLS keeps for us

    TlsChannel(Over over, std::string name, Carrier& carrier);
    std::ptrdiff_t begin();
    void set_carrier();
    std::ptrdiff_t fail(int error);
    std::string why(int error) const;

    Over over_;
    std::string name_;
    Carrier& carrier_;
    std::unique_ptr<Library> library_;
    std::size_t datagram_octets_ = 0;  // 0: as many as GnuTLS thinks well
    std::string failure_;
};

}  // namespace tapmeter::exporting
