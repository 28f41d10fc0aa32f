#include "pipeline/inspect/extract/first_pass.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "pipeline/inspect/extract/dns.h"
#include "pipeline/inspect/extract/findings.h"
#include "pipeline/inspect/extract/http_head.h"
#include "pipeline/inspect/extract/quic.h"
#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::uint16_t port_ftp = 21;
constexpr std::uint16_t port_dns = 53;
constexpr std::uint16_t port_mdns = 5353;
constexpr std::uint16_t port_llmnr = 5355;
constexpr std::uint16_t port_ssdp = 1900;
constexpr std::array<std::uint16_t, 3> ports_smtp{25, 587, 2525};

constexpr Recognised none{};
constexpr Recognised more{.certainty = Recognised::Certainty::wants_more};
constexpr Recognised certainly(Protocol protocol) noexcept {
    return {.protocol = protocol, .certainty = Recognised::Certainty::certain};
}

// A handshake record that begins with a hello, or an alert in the clear.
Recognised as_tls(Bytes octets) noexcept {
    constexpr std::size_t octets_needed = 9;
    constexpr unsigned handshake_type = 22;
    constexpr unsigned alert_type = 21;
    Reader reader{octets};
    const unsigned type = reader.u8();
    const unsigned major = reader.u8();
    const unsigned minor = reader.u8();
    const unsigned record_octets = reader.u16();
    const unsigned message = reader.u8();
    const std::uint32_t message_octets = reader.u24();
    if ((type != handshake_type && type != alert_type) || (octets.size() >= 2 && major != 3) ||
        minor > 4) {
        return none;
    }
    if (octets.size() >= 7 && type == alert_type) {
        return record_octets == 2 ? certainly(Protocol::tls) : none;
    }
    if (octets.size() < octets_needed) {
        return more;
    }
    // A first record may be so short that the message's length is in the next.
    constexpr std::uint32_t hello_octets_min = 38;
    constexpr std::uint32_t hello_octets_max = 1U << 17U;
    constexpr unsigned message_header_octets = 4;
    const bool is_length =
        record_octets < message_header_octets ||
        (message_octets >= hello_octets_min && message_octets < hello_octets_max);
    const bool is_hello = (message == 1 || message == 2) && record_octets > 0 && is_length;
    return is_hello ? certainly(Protocol::tls) : none;
}

Recognised as_ssh(std::string_view text) noexcept {
    constexpr std::string_view prefix = "SSH-";
    if (text.starts_with(prefix)) {
        return certainly(Protocol::ssh);
    }
    return prefix.starts_with(text) ? more : none;
}

Recognised as_http(Bytes octets) noexcept {
    if (is_http(octets)) {
        return certainly(Protocol::http);
    }
    if (!begins_http(octets)) {
        return none;
    }
    return text_of(octets).find('\n') == std::string_view::npos ? more : none;
}

Recognised as_smb(Bytes octets) noexcept {
    constexpr std::uint32_t name = 0x53'4d42;  // "SMB"
    Reader reader{octets};
    const unsigned type = reader.u8();
    reader.u24();
    const unsigned mark = reader.u8();
    if (type != 0 || (octets.size() > 4 && mark != 0xff && mark != 0xfe)) {
        return none;
    }
    if (octets.size() < 8) {
        return more;
    }
    return reader.u24() == name ? certainly(Protocol::smb) : none;
}

Recognised as_dns_stream(Bytes octets, Ports ports) noexcept {
    constexpr std::size_t length_octets = 2;
    if (!ports.have(port_dns)) {
        return none;
    }
    if (octets.size() < length_octets + dns_header_octets) {
        return more;
    }
    const std::size_t octets_told = load_be16(octets.first<length_octets>());
    if (octets_told < dns_header_octets) {
        return none;
    }
    const Bytes message = octets.subspan(length_octets);
    if (message.size() < octets_told && message.size() < dns_name_octets_max) {
        return more;
    }
    return is_dns(message.first(std::min(message.size(), octets_told))) ? certainly(Protocol::dns)
                                                                        : none;
}

// "220 ..." of a server that speaks first.
Recognised as_greeting(std::string_view text, Ports ports) noexcept {
    constexpr std::string_view ready = "220";
    if (!text.starts_with(ready.substr(0, text.size()))) {
        return none;
    }
    if (text.find('\n') == std::string_view::npos) {
        return more;
    }
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.size() <= ready.size() || (line[3] != ' ' && line[3] != '-')) {
        return none;
    }
    if (ports.have(port_ftp) || line.find("FTP") != std::string_view::npos) {
        return certainly(Protocol::ftp);
    }
    const bool is_smtp =
        std::ranges::any_of(ports_smtp, [&](std::uint16_t port) { return ports.have(port); }) ||
        line.find("SMTP") != std::string_view::npos;
    return is_smtp ? certainly(Protocol::smtp) : none;
}

bool is_dtls(Bytes datagram) noexcept {
    Reader reader{datagram};
    const unsigned type = reader.u8();
    const unsigned version = reader.u16();
    constexpr std::size_t epoch_and_sequence_octets = 8;
    reader.skip(epoch_and_sequence_octets);
    const std::size_t octets = reader.u16();
    return !reader.failed() && type >= 20 && type <= 25 &&
           (version == 0xfeff || version == 0xfefd || version == 0x0100) && octets != 0 &&
           octets <= reader.left();
}

bool is_http_datagram(Bytes datagram) noexcept {
    const std::string_view text = text_of(datagram);
    return text.starts_with("M-SEARCH * HTTP/1.1\r\n") ||
           text.starts_with("NOTIFY * HTTP/1.1\r\n") || text.starts_with("HTTP/1.1 200 OK\r\n");
}

}  // namespace

Recognised recognise_stream(Bytes octets, Ports ports) noexcept {
    if (octets.empty()) {
        return more;
    }
    const std::string_view text = text_of(octets);
    bool wants_more = false;
    const auto is_it = [&](Recognised answer) {
        wants_more = wants_more || answer.wants_more();
        return answer.is_certain();
    };
    // The commonest first: most streams are decided by their first octet.
    if (const auto answer = as_tls(octets); is_it(answer)) {
        return answer;
    }
    if (const auto answer = as_http(octets); is_it(answer)) {
        return answer;
    }
    if (const auto answer = as_dns_stream(octets, ports); is_it(answer)) {
        return answer;
    }
    if (const auto answer = as_ssh(text); is_it(answer)) {
        return answer;
    }
    if (const auto answer = as_smb(octets); is_it(answer)) {
        return answer;
    }
    if (const auto answer = as_greeting(text, ports); is_it(answer)) {
        return answer;
    }
    return wants_more && octets.size() < first_octets_max ? more : none;
}

bool begins_tls(Bytes octets) noexcept {
    constexpr std::byte handshake_type{22};
    return !octets.empty() && octets.front() == handshake_type && as_tls(octets).is_certain();
}

Recognised recognise_datagram(Bytes datagram, Ports ports) noexcept {
    if (ports.have(port_dns) || ports.have(port_mdns) || ports.have(port_llmnr)) {
        return datagram.size() >= dns_header_octets ? certainly(Protocol::dns) : none;
    }
    if (is_quic(datagram)) {
        return certainly(Protocol::quic);
    }
    if (is_dtls(datagram)) {
        return certainly(Protocol::dtls);
    }
    if (ports.have(port_ssdp) && is_http_datagram(datagram)) {
        return certainly(Protocol::http);
    }
    return is_dns(datagram) ? certainly(Protocol::dns) : none;
}

}  // namespace tapmeter::inspect::extract
