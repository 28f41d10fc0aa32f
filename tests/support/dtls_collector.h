#pragma once

#include <arpa/inet.h>
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/collector.h"

namespace tapmeter::test_support {

// A collector's end of DTLS 1.2 on loopback, by GnuTLS, one session at a time: serves in its
// caller's thread. Whoever it does not know has to bring a cookie first (RFC 6347 section 4.2.1),
// as with GnuTLS's own server.
class DtlsCollector {
public:
    struct Setup {
        bool insists = true;  // on a certificate of the other side
        std::uint16_t port = 0;
    };

    explicit DtlsCollector(const Certificates& files) : DtlsCollector(files, Setup{}) {}
    DtlsCollector(const Certificates& files, const Setup& setup)
        : insists_(setup.insists), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_in address = loopback(setup.port);
        socklen_t length = sizeof address;
        auto* const at = reinterpret_cast<sockaddr*>(&address);
        const int room = 4 << 20;
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
        must(::bind(socket_, at, length));
        must(::getsockname(socket_, at, &length));
        port_ = ntohs(address.sin_port);
        must(gnutls_key_generate(&cookie_key_, GNUTLS_COOKIE_KEY_SIZE));
        must(gnutls_certificate_allocate_credentials(&credentials_));
        must(gnutls_certificate_set_x509_trust_file(credentials_, files.pem("authority").c_str(),
                                                    GNUTLS_X509_FMT_PEM));
        must(gnutls_certificate_set_x509_key_file(credentials_, files.pem("collector").c_str(),
                                                  files.key("collector").c_str(),
                                                  GNUTLS_X509_FMT_PEM));
    }
    DtlsCollector(const DtlsCollector&) = delete;
    DtlsCollector& operator=(const DtlsCollector&) = delete;
    ~DtlsCollector() {
        forget();
        gnutls_certificate_free_credentials(credentials_);
        gnutls_free(cookie_key_.data);
        ::close(socket_);
    }

    std::uint16_t port() const { return port_; }
    bool is_open() const { return open_; }
    int sessions() const { return sessions_; }     // so many were opened
    bool was_ended() const { return was_ended_; }  // one of them, by the other side
    const std::vector<std::vector<std::byte>>& messages() const { return messages_; }
    std::size_t longest_datagram() const { return longest_datagram_; }

    // Datagrams that come, counted from 1, are lost: as if they had never arrived.
    void lose(std::set<std::size_t> numbers) { lost_ = std::move(numbers); }
    // Of others than the present session's it hears nothing any more.
    void go_deaf() { deaf_ = true; }
    // As a process that was killed and started again at once.
    void forget() {
        if (session_ != nullptr) {
            gnutls_deinit(session_);
            session_ = nullptr;
        }
        open_ = false;
    }

    // Waits for a datagram, and does what is to do with those that have come.
    void serve(std::chrono::milliseconds patience = std::chrono::milliseconds{1}) {
        pollfd waiting{socket_, POLLIN, 0};
        ::poll(&waiting, 1, static_cast<int>(patience.count()));
        for (;;) {
            std::vector<std::byte> datagram(65'536);
            sockaddr_in from{};
            socklen_t length = sizeof from;
            const auto got = ::recvfrom(socket_, datagram.data(), datagram.size(), 0,
                                        reinterpret_cast<sockaddr*>(&from), &length);
            if (got < 0) {
                return;
            }
            datagram.resize(static_cast<std::size_t>(got));
            longest_datagram_ = std::max(longest_datagram_, datagram.size());
            if (!lost_.contains(++datagrams_)) {
                take(std::move(datagram), from);
            }
        }
    }

    // Serves until `collector` has so many flow records.
    bool collect(Collector& collector, std::size_t records,
                 std::chrono::milliseconds patience = std::chrono::seconds{20}) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        do {
            for (; read_ < messages_.size(); ++read_) {
                collector.read(messages_[read_]);
            }
            if (collector.records().size() >= records) {
                return true;
            }
            serve();
        } while (std::chrono::steady_clock::now() < deadline);
        return false;
    }

    // Within the session: some octets, and its end.
    void say(std::size_t octets) {
        answer_to_ = peer_;
        const std::vector<std::byte> foreign(octets);
        gnutls_record_send(session_, foreign.data(), foreign.size());
    }
    void end() {
        answer_to_ = peer_;
        gnutls_bye(session_, GNUTLS_SHUT_WR);
    }
    // Outside of it, from its port, as it is.
    void send_in_clear(Bytes datagram) {
        ::sendto(socket_, datagram.data(), datagram.size(), 0,
                 reinterpret_cast<const sockaddr*>(&peer_), sizeof peer_);
    }
    // At which the other side has its end of the session.
    std::uint16_t port_of_peer() const { return ntohs(peer_.sin_port); }

    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return address;
    }

private:
    static void must(int error) {
        if (error < 0) {
            std::abort();  // a test without its collector tests nothing
        }
    }

    void take(std::vector<std::byte> datagram, const sockaddr_in& from) {
        answer_to_ = from;
        const bool known = session_ != nullptr && from.sin_port == peer_.sin_port;
        if (!known && (deaf_ || !begin(datagram, from))) {
            return;
        }
        inbox_ = std::move(datagram);
        if (!open_) {
            const int error = gnutls_handshake(session_);
            open_ = error == 0;
            sessions_ += open_ ? 1 : 0;
            if (gnutls_error_is_fatal(error) != 0) {
                gnutls_alert_send_appropriate(session_, error);
            }
        }
        while (open_) {
            std::vector<std::byte> message(65'536);
            const auto got = gnutls_record_recv(session_, message.data(), message.size());
            if (got <= 0) {
                was_ended_ = was_ended_ || got == 0;
                return;
            }
            message.resize(static_cast<std::size_t>(got));
            messages_.push_back(std::move(message));
        }
    }

    // True: it has brought its cookie, and has the session from now on.
    bool begin(std::vector<std::byte>& datagram, const sockaddr_in& from) {
        gnutls_dtls_prestate_st prestate{};
        sockaddr_in client = from;
        if (gnutls_dtls_cookie_verify(&cookie_key_, &client.sin_port, sizeof client.sin_port,
                                      datagram.data(), datagram.size(), &prestate) < 0) {
            gnutls_dtls_cookie_send(&cookie_key_, &client.sin_port, sizeof client.sin_port,
                                    &prestate, this, push);
            return false;
        }
        forget();
        peer_ = from;
        must(gnutls_init(&session_, GNUTLS_SERVER | GNUTLS_DATAGRAM | GNUTLS_NONBLOCK));
        must(gnutls_priority_set_direct(session_, "NORMAL:-VERS-ALL:+VERS-DTLS1.2", nullptr));
        must(gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_));
        gnutls_certificate_server_set_request(session_,
                                              insists_ ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
        if (insists_) {
            gnutls_session_set_verify_cert(session_, nullptr, 0);
        }
        gnutls_dtls_prestate_set(session_, &prestate);
        gnutls_transport_set_ptr(session_, this);
        gnutls_transport_set_push_function(session_, push);
        gnutls_transport_set_pull_function(session_, pull);
        gnutls_transport_set_pull_timeout_function(
            session_, [](gnutls_transport_ptr_t self, unsigned) {
                return static_cast<DtlsCollector*>(self)->inbox_.empty() ? 0 : 1;
            });
        return true;
    }

    static ssize_t push(gnutls_transport_ptr_t self, const void* data, std::size_t size) {
        const auto& collector = *static_cast<DtlsCollector*>(self);
        return ::sendto(collector.socket_, data, size, 0,
                        reinterpret_cast<const sockaddr*>(&collector.answer_to_),
                        sizeof collector.answer_to_);
    }
    static ssize_t pull(gnutls_transport_ptr_t self, void* data, std::size_t size) {
        auto& collector = *static_cast<DtlsCollector*>(self);
        if (collector.inbox_.empty()) {
            gnutls_transport_set_errno(collector.session_, EAGAIN);
            return -1;
        }
        const std::size_t octets = std::min(size, collector.inbox_.size());
        std::memcpy(data, collector.inbox_.data(), octets);
        collector.inbox_.clear();
        return static_cast<ssize_t>(octets);
    }

    bool insists_;
    int socket_;
    std::uint16_t port_ = 0;
    gnutls_datum_t cookie_key_{};
    gnutls_certificate_credentials_t credentials_ = nullptr;
    gnutls_session_t session_ = nullptr;
    bool open_ = false;
    bool deaf_ = false;
    int sessions_ = 0;
    bool was_ended_ = false;
    sockaddr_in peer_{};
    sockaddr_in answer_to_{};
    std::vector<std::byte> inbox_;
    std::vector<std::vector<std::byte>> messages_;
    std::size_t read_ = 0;
    std::size_t datagrams_ = 0;
    std::size_t longest_datagram_ = 0;
    std::set<std::size_t> lost_;
};

}  // namespace tapmeter::test_support
