#include "pipeline/inspect/rules/buffer.h"

#include <algorithm>

namespace tapmeter::inspect::rules {

std::optional<Application> parse_application(std::string_view word) noexcept {
    if (word == "ssl") {
        return Application::tls;
    }
    if (word == "http1") {
        return Application::http;
    }
    if (word == "ikev2") {
        return Application::ike;
    }
    const auto* const found = std::ranges::find(application_names, word);
    if (found == application_names.end() || word == "unknown") {
        return std::nullopt;
    }
    return static_cast<Application>(found - application_names.begin());
}

Application application_labelled(std::string_view label) noexcept {
    struct Label {
        std::string_view label;
        Application application;
    };
    using enum Application;
    constexpr std::array labels{
        Label{"HTTP", http},
        Label{"HTTP_Connect", http},
        Label{"HTTP_Proxy", http},
        Label{"TLS", tls},
        Label{"DoH_DoT", tls},
        Label{"IMAPS", tls},
        Label{"POPS", tls},
        Label{"SMTPS", tls},
        Label{"DNS", dns},
        Label{"MDNS", dns},
        Label{"SSH", ssh},
        Label{"SMBv1", smb},
        Label{"SMBv23", smb},
        Label{"FTP_CONTROL", ftp},
        Label{"FTP_DATA", ftp_data},
        Label{"SMTP", smtp},
        Label{"SIP", sip},
        Label{"QUIC", quic},
        Label{"IMAP", imap},
        Label{"POP3", pop3},
        Label{"NTP", ntp},
        Label{"DHCP", dhcp},
        Label{"SNMP", snmp},
        Label{"TFTP", tftp},
        Label{"Kerberos", krb5},
        Label{"NFS", nfs},
        Label{"RDP", rdp},
        Label{"MQTT", mqtt},
        Label{"Modbus", modbus},
        Label{"DNP3", dnp3},
        Label{"EthernetIP", enip},
        Label{"IPsec", ike},
        Label{"VNC", rfb},
        Label{"Telnet", telnet},
        Label{"DCE_RPC", dcerpc},
        Label{"PostgreSQL", pgsql},
        Label{"LDAP", ldap},
        Label{"BitTorrent", bittorrent_dht},
        Label{"WebSocket", websocket},
    };
    const auto* const found = std::ranges::find(labels, label, &Label::label);
    return found == labels.end() ? unknown : found->application;
}

const BufferName* find_buffer_name(std::string_view keyword) noexcept {
    const auto* const found = std::ranges::find(buffer_names, keyword, &BufferName::keyword);
    return found == buffer_names.end() ? nullptr : found;
}

std::string_view name_of(Buffer buffer) noexcept {
    const auto* const found = std::ranges::find(buffer_names, buffer, &BufferName::buffer);
    return found == buffer_names.end() ? "payload" : found->keyword;
}

std::optional<Buffer> buffer_of_pcre(char letter) noexcept {
    struct Letter {
        char letter;
        Buffer buffer;
    };
    constexpr std::array letters{
        Letter{'U', http_uri},          Letter{'I', http_raw_uri},
        Letter{'P', http_request_body}, Letter{'Q', http_response_body},
        Letter{'H', http_header},       Letter{'D', http_raw_header},
        Letter{'M', http_method},       Letter{'C', http_cookie},
        Letter{'S', http_status_code},  Letter{'Y', http_status_message},
        Letter{'V', http_user_agent},   Letter{'W', http_host},
        Letter{'Z', http_raw_host},
    };
    const auto* const found = std::ranges::find(letters, letter, &Letter::letter);
    return found == letters.end() ? std::nullopt : std::optional(found->buffer);
}

Application application_of(Buffer buffer) noexcept {
    struct Last {
        Buffer last;
        Application application;
    };
    // In the order of the enumeration: the last buffer of each application.
    constexpr std::array ranges{
        Last{payload, Application::unknown},       Last{http_location, Application::http},
        Last{file_data, Application::unknown},     Last{ja3s_string, Application::tls},
        Last{dns_query, Application::dns},         Last{ssh_software, Application::ssh},
        Last{sip_protocol, Application::sip},      Last{quic_user_agent, Application::quic},
        Last{icmpv6_header, Application::unknown},
    };
    const auto* const found =
        std::ranges::find_if(ranges, [buffer](const Last& range) { return buffer <= range.last; });
    return found == ranges.end() ? Application::unknown : found->application;
}

}  // namespace tapmeter::inspect::rules
