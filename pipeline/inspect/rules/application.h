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
    count,
};
inline constexpr std::size_t applications = static_cast<std::size_t>(Application::count);
inline constexpr std::array<std::string_view, applications> application_names{
    "unknown", "http", "tls",    "dns",  "ssh",  "smb",  "ftp",  "smtp",   "sip",
    "quic",    "imap", "pop3",   "ntp",  "dhcp", "snmp", "tftp", "krb5",   "nfs",
    "rdp",     "mqtt", "modbus", "dnp3", "enip", "ike",  "rfb",  "telnet",
};

// The application of a rule's word; "ssl" is tls, "http1" is http. None for other words.
std::optional<Application> parse_application(std::string_view word) noexcept;

constexpr std::string_view name_of(Application application) noexcept {
    return application_names.at(static_cast<std::size_t>(application));
}

}  // namespace tapmeter::inspect::rules
