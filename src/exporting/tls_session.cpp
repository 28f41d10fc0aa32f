#include "src/exporting/tls_session.h"

#include <fmt/format.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <cerrno>

namespace tapmeter::exporting {

struct TlsSession::Library {
    gnutls_certificate_credentials_t credentials = nullptr;
    gnutls_session_t session = nullptr;

    Library() = default;
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
        end_session();
        if (credentials != nullptr) {
            gnutls_certificate_free_credentials(credentials);
        }
    }
    void end_session() noexcept {
        if (session != nullptr) {
            gnutls_deinit(session);
            session = nullptr;
        }
    }
};

namespace {

constexpr const char* priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

Error bad_file(const std::string& what, const std::string& file, int error) {
    return {Error::Kind::invalid_config,
            fmt::format("{} '{}': {}; it must be a PEM file that this process can read", what, file,
                        gnutls_strerror(error))};
}

Result<void> load(gnutls_certificate_credentials_t credentials, const TlsFiles& files) {
    const int trusted = files.authorities.empty()
                            ? gnutls_certificate_set_x509_system_trust(credentials)
                            : gnutls_certificate_set_x509_trust_file(
                                  credentials, files.authorities.c_str(), GNUTLS_X509_FMT_PEM);
    if (trusted < 0 || (trusted == 0 && !files.authorities.empty())) {
        return tl::unexpected<Error>(bad_file("tls_ca", files.authorities, trusted));
    }
    if (files.certificate.empty()) {
        return {};
    }
    const int ours = gnutls_certificate_set_x509_key_file(credentials, files.certificate.c_str(),
                                                          files.key.c_str(), GNUTLS_X509_FMT_PEM);
    if (ours < 0) {
        return tl::unexpected<Error>(bad_file("tls_certificate or tls_key",
                                              files.certificate + "' and '" + files.key, ours));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<StreamSession>> TlsSession::make(const std::string& host, std::uint16_t port,
                                                        const TlsFiles& files) {
    auto library = std::make_unique<Library>();
    if (const int error = gnutls_certificate_allocate_credentials(&library->credentials);
        error != 0) {
        return failed(Error::Kind::no_memory,
                      fmt::format("no TLS credentials: {}", gnutls_strerror(error)));
    }
    if (auto loaded = load(library->credentials, files); !loaded) {
        return tl::unexpected<Error>(std::move(loaded.error()));
    }
    const std::string& name = files.name.empty() ? host : files.name;
    return std::unique_ptr<TlsSession>(new TlsSession(host, port, name, std::move(library)));
}

TlsSession::TlsSession(const std::string& host, std::uint16_t port, std::string name,
                       std::unique_ptr<Library> library)
    : TcpSession(host, port, "tls"), name_(std::move(name)), library_(std::move(library)) {}

TlsSession::~TlsSession() = default;

StreamSession::Progress TlsSession::begin() {
    int error = gnutls_init(&library_->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
    if (error == 0) {
        error = gnutls_priority_set_direct(library_->session, priorities, nullptr);
    }
    if (error == 0) {
        error = gnutls_credentials_set(library_->session, GNUTLS_CRD_CERTIFICATE,
                                       library_->credentials);
    }
    if (error != 0) {
        return fail(fmt::format("no TLS session: {}", gnutls_strerror(error)));
    }
    gnutls_server_name_set(library_->session, GNUTLS_NAME_DNS, name_.data(), name_.size());
    gnutls_session_set_verify_cert(library_->session, name_.c_str(), 0);
    // Our own functions below move the octets, so that they are counted as TCP confirms them.
    gnutls_transport_set_ptr(library_->session, this);
    gnutls_transport_set_push_function(
        library_->session,
        [](gnutls_transport_ptr_t self, const void* data, std::size_t size) -> ssize_t {
            auto& session = *static_cast<TlsSession*>(self);
            const auto sent = session.send_octets({static_cast<const std::byte*>(data), size});
            if (sent < 0) {
                gnutls_transport_set_errno(session.library_->session,
                                           sent == not_now ? EAGAIN : ECONNRESET);
            }
            return sent < 0 ? -1 : sent;
        });
    gnutls_transport_set_pull_function(
        library_->session,
        [](gnutls_transport_ptr_t self, void* data, std::size_t size) -> ssize_t {
            auto& session = *static_cast<TlsSession*>(self);
            const auto got = session.receive_octets({static_cast<std::byte*>(data), size});
            if (got < 0) {
                gnutls_transport_set_errno(session.library_->session,
                                           got == not_now ? EAGAIN : ECONNRESET);
            }
            return got < 0 ? -1 : got;
        });
    return Progress::done;
}

StreamSession::Progress TlsSession::greet() {
    if (library_->session == nullptr) {
        if (const Progress begun = begin(); begun != Progress::done) {
            return begun;
        }
    }
    const int error = gnutls_handshake(library_->session);
    if (error == 0) {
        return Progress::done;
    }
    if (gnutls_error_is_fatal(error) == 0) {
        return Progress::pending;
    }
    return fail(why(error));
}

// In words: which of the many ways a handshake can fail.
std::string TlsSession::why(int error) const {
    if (error == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) {
        gnutls_datum_t text{};
        const unsigned status = gnutls_session_get_verify_cert_status(library_->session);
        const auto type = gnutls_certificate_type_get(library_->session);
        std::string words = "it cannot be verified";
        if (gnutls_certificate_verification_status_print(status, type, &text, 0) == 0) {
            // NOLINTNEXTLINE(*-reinterpret-cast): the library's octets are characters
            words = reinterpret_cast<const char*>(text.data);
            gnutls_free(text.data);
        }
        return fmt::format("the collector's certificate is refused for the name '{}': {}", name_,
                           words);
    }
    if (error == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        return fmt::format(
            "the collector refuses TLS: alert '{}'; see whether it knows the authority of "
            "tls_certificate",
            gnutls_alert_get_name(gnutls_alert_get(library_->session)));
    }
    return fmt::format("TLS failed: {}", gnutls_strerror(error));
}

bool TlsSession::wants_to_read() const {
    return library_->session != nullptr && gnutls_record_get_direction(library_->session) == 0;
}

std::ptrdiff_t TlsSession::transmit(Bytes octets) {
    const ssize_t sent = gnutls_record_send(library_->session, octets.data(), octets.size());
    if (sent >= 0) {
        return sent;
    }
    if (gnutls_error_is_fatal(static_cast<int>(sent)) == 0) {
        return not_now;
    }
    failure_ = why(static_cast<int>(sent));
    return broken;
}

std::ptrdiff_t TlsSession::receive(std::span<std::byte> room) {
    const ssize_t got = gnutls_record_recv(library_->session, room.data(), room.size());
    if (got >= 0) {
        return got;
    }
    if (gnutls_error_is_fatal(static_cast<int>(got)) == 0) {
        return not_now;
    }
    failure_ = why(static_cast<int>(got));
    return broken;
}

void TlsSession::part() {
    gnutls_bye(library_->session, GNUTLS_SHUT_WR);
}

void TlsSession::close() {
    TcpSession::close();
    library_->end_session();
}

}  // namespace tapmeter::exporting
