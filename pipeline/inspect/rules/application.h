#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tapmeter::inspect::rules {

// Applications that a rule may name as its protocol: they mean the application that was detected in
// the flow, on whatever port.
enum class Application : std::uint8_t {
    unknown,
    http,
    tls,
    dns,
    ssh,
    smb,
    ftp,
    smtp,
    sip,
    quic,
    imap,
    pop3,
    ntp,
    dhcp,
    snmp,
    tftp,
    krb5,
    nfs,
    rdp,
    mqtt,
    modbus,
    dnp3,
    enip,
    ike,
    rfb,
    telnet,
    dcerpc,
    pgsql,
    ldap,
    ftp_data,
    bittorrent_dht,
    websocket,
    count,
};
inline constexpr std::size_t applications = static_cast<std::size_t>(Application::count);
inline constexpr std::array<std::string_view, applications> application_names{
    "unknown",
    "http",
    "tls",
    "dns",
    "ssh",
    "smb",
    "ftp",
    "smtp",
    "sip",
    "quic",
    "imap",
    "pop3",
    "ntp",
    "dhcp",
    "snmp",
    "tftp",
    "krb5",
    "nfs",
    "rdp",
    "mqtt",
    "modbus",
    "dnp3",
    "enip",
    "ike",
    "rfb",
    "telnet",
    "dcerpc",
    "pgsql",
    "ldap",
    "ftp-data",
    "bittorrent-dht",
    "websocket",
};

// The application of a rule's word; "ssl" is tls, "http1" is http, "ikev2" is ike. None for other
// words.
std::optional<Application> parse_application(std::string_view word) noexcept;

// The application of a protocol by nDPI's name for it; unknown where rules have no word.
Application application_labelled(std::string_view label) noexcept;

constexpr std::string_view name_of(Application application) noexcept {
    return application_names.at(static_cast<std::size_t>(application));
}

}  // namespace tapmeter::inspect::rules
