#include "src/exporting/tls_channel.h"

#include <fmt/format.h>
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <cerrno>

namespace tapmeter::exporting {

struct TlsChannel::Library {
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

constexpr const char* stream_priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
// 1.0 is not to be used any more (RFC 8996), and GnuTLS has no 1.3 of it yet.
constexpr const char* datagram_priorities = "NORMAL:-VERS-ALL:+VERS-DTLS1.2";
// The first repetition is due after a second (RFC 6347 section 4.2.4.1). Who waits for an answer
// gives up long before the second one is over.
constexpr unsigned retransmission_milliseconds = 1'000;
constexpr unsigned handshake_milliseconds_max = 60'000;

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

// What a carrier says, as GnuTLS wants to hear it.
ssize_t told(gnutls_session_t session, std::ptrdiff_t octets) {
    if (octets >= 0) {
        return octets;
    }
    gnutls_transport_set_errno(session, octets == TlsChannel::not_now ? EAGAIN : ECONNRESET);
    return -1;
}

}  // namespace

Result<std::unique_ptr<TlsChannel>> TlsChannel::make(Over over, const TlsFiles& files,
                                                     Carrier& carrier) {
    auto library = std::make_unique<Library>();
    if (const int error = gnutls_certificate_allocate_credentials(&library->credentials);
        error != 0) {
        return failed(Error::Kind::no_memory,
                      fmt::format("no TLS credentials: {}", gnutls_strerror(error)));
    }
    if (auto loaded = load(library->credentials, files); !loaded) {
        return tl::unexpected<Error>(std::move(loaded.error()));
    }
    std::unique_ptr<TlsChannel> channel(new TlsChannel(over, files.name, carrier));
    channel->library_ = std::move(library);
    return channel;
}

TlsChannel::TlsChannel(Over over, std::string name, Carrier& carrier)
    : over_(over), name_(std::move(name)), carrier_(carrier) {}

TlsChannel::~TlsChannel() = default;

bool TlsChannel::is_begun() const noexcept {
    return library_->session != nullptr;
}

std::ptrdiff_t TlsChannel::begin() {
    const bool datagrams = over_ == Over::datagrams;
    const unsigned flags = GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    int error = gnutls_init(&library_->session, datagrams ? flags | GNUTLS_DATAGRAM : flags);
    if (error == 0) {
        error = gnutls_priority_set_direct(
            library_->session, datagrams ? datagram_priorities : stream_priorities, nullptr);
    }
    if (error == 0) {
        error = gnutls_credentials_set(library_->session, GNUTLS_CRD_CERTIFICATE,
                                       library_->credentials);
    }
    if (error != 0) {
        failure_ = fmt::format("no TLS session: {}", gnutls_strerror(error));
        return broken;
    }
    gnutls_server_name_set(library_->session, GNUTLS_NAME_DNS, name_.data(), name_.size());
    gnutls_session_set_verify_cert(library_->session, name_.c_str(), 0);
    if (datagrams) {
        gnutls_dtls_set_timeouts(library_->session, retransmission_milliseconds,
                                 handshake_milliseconds_max);
        if (datagram_octets_ != 0) {
            limit_datagrams(datagram_octets_);
        }
    }
    set_carrier();
    return 0;
}

// Our own functions move the octets, so that they are counted as they are confirmed.
void TlsChannel::set_carrier() {
    gnutls_transport_set_ptr(library_->session, this);
    gnutls_transport_set_push_function(
        library_->session,
        [](gnutls_transport_ptr_t self, const void* data, std::size_t size) -> ssize_t {
            auto& channel = *static_cast<TlsChannel*>(self);
            return told(channel.library_->session,
                        channel.carrier_.carry_out({static_cast<const std::byte*>(data), size}));
        });
    gnutls_transport_set_pull_function(
        library_->session,
        [](gnutls_transport_ptr_t self, void* data, std::size_t size) -> ssize_t {
            auto& channel = *static_cast<TlsChannel*>(self);
            return told(channel.library_->session,
                        channel.carrier_.carry_in({static_cast<std::byte*>(data), size}));
        });
    if (over_ == Over::datagrams) {  // GnuTLS asks what came before it sends anything again
        gnutls_transport_set_pull_timeout_function(
            library_->session, [](gnutls_transport_ptr_t self, unsigned) {
                return static_cast<TlsChannel*>(self)->carrier_.has_input() ? 1 : 0;
            });
    }
}

std::ptrdiff_t TlsChannel::shake_hands() {
    if (library_->session == nullptr) {
        if (const std::ptrdiff_t begun = begin(); begun != 0) {
            return begun;
        }
    }
    const int error = gnutls_handshake(library_->session);
    if (error == 0) {
        return 0;
    }
    if (gnutls_error_is_fatal(error) == 0) {
        return not_now;
    }
    if (error == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR) {
        gnutls_alert_send_appropriate(library_->session, error);  // else it waits for us
    }
    return fail(error);
}

std::ptrdiff_t TlsChannel::fail(int error) {
    failure_ = why(error);
    return broken;
}

// In words: which of the many ways a handshake can fail.
std::string TlsChannel::why(int error) const {
    const std::string_view protocol = over_ == Over::datagrams ? "DTLS" : "TLS";
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
        const gnutls_alert_description_t alert = gnutls_alert_get(library_->session);
        return fmt::format("the collector refuses {}: alert '{}'; see whether it {}", protocol,
                           gnutls_alert_get_name(alert),
                           alert == GNUTLS_A_PROTOCOL_VERSION
                               ? "speaks version 1.2 or later"
                               : "knows the authority of tls_certificate");
    }
    return fmt::format("{} failed: {}", protocol, gnutls_strerror(error));
}

bool TlsChannel::wants_to_read() const noexcept {
    return library_->session != nullptr && gnutls_record_get_direction(library_->session) == 0;
}

std::ptrdiff_t TlsChannel::send(Bytes octets) {
    const ssize_t sent = gnutls_record_send(library_->session, octets.data(), octets.size());
    if (sent >= 0) {
        return sent;
    }
    const int error = static_cast<int>(sent);
    const bool never = error == GNUTLS_E_LARGE_PACKET;
    return gnutls_error_is_fatal(error) == 0 && !never ? not_now : fail(error);
}

std::ptrdiff_t TlsChannel::receive(std::span<std::byte> room) {
    const ssize_t got = gnutls_record_recv(library_->session, room.data(), room.size());
    if (got >= 0) {
        return got;
    }
    const int error = static_cast<int>(got);
    return gnutls_error_is_fatal(error) == 0 ? not_now : fail(error);
}

void TlsChannel::part() {
    if (library_->session != nullptr) {
        gnutls_bye(library_->session, GNUTLS_SHUT_WR);
    }
}

void TlsChannel::end() noexcept {
    library_->end_session();
}

std::chrono::milliseconds TlsChannel::retransmits_in() const noexcept {
    return std::chrono::milliseconds{
        library_->session == nullptr ? 0 : gnutls_dtls_get_timeout(library_->session)};
}

std::size_t TlsChannel::limit_datagrams(std::size_t octets) noexcept {
    datagram_octets_ = octets;
    if (library_->session == nullptr) {
        return 0;
    }
    gnutls_dtls_set_mtu(library_->session, static_cast<unsigned>(octets));
    return gnutls_dtls_get_data_mtu(library_->session);
}

void TlsChannel::allow(std::size_t octets) noexcept {
    gnutls_dtls_set_data_mtu(library_->session, static_cast<unsigned>(octets));
}

}  // namespace tapmeter::exporting
