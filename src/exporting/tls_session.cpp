#include "src/exporting/tls_session.h"

namespace tapmeter::exporting {

Result<std::unique_ptr<StreamSession>> TlsSession::make(const std::string& host, std::uint16_t port,
                                                        const TlsFiles& files) {
    std::unique_ptr<TlsSession> session(new TlsSession(host, port));
    TlsFiles named = files;
    named.name = files.name.empty() ? host : files.name;
    auto channel = TlsChannel::make(TlsChannel::Over::stream, named, *session);
    if (!channel) {
        return tl::unexpected<Error>(std::move(channel.error()));
    }
    session->channel_ = std::move(*channel);
    return std::unique_ptr<StreamSession>(std::move(session));
}

StreamSession::Progress TlsSession::greet() {
    const std::ptrdiff_t shaken = told(channel_->shake_hands());
    if (shaken == not_now) {
        return Progress::pending;
    }
    return shaken == broken ? Progress::failed : Progress::done;
}

std::ptrdiff_t TlsSession::transmit(Bytes octets) {
    return told(channel_->send(octets));
}

std::ptrdiff_t TlsSession::receive(std::span<std::byte> room) {
    return told(channel_->receive(room));
}

// What the channel says, with its words.
std::ptrdiff_t TlsSession::told(std::ptrdiff_t octets) {
    if (octets == broken) {
        failure_ = channel_->failure();
    }
    return octets;
}

void TlsSession::close() {
    TcpSession::close();
    channel_->end();
}

}  // namespace tapmeter::exporting
