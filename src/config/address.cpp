#include "src/config/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>

#include "src/config/nearest.h"
#include "src/fields/filter.h"

namespace tapmeter::config {

namespace {

using Scheme = SourceAddress::Scheme;

constexpr std::size_t device_octets_max = 1'024;
constexpr std::size_t host_octets_max = 253;  // RFC 1035 section 2.3.4, without the last dot
constexpr std::size_t host_label_octets_max = 63;

constexpr std::string_view source_rule =
    R"("eth1", "xdp:eth1", "pci:0000:17:00.0", "dpdk:net_ring0" or "pcap:FILE")";

constexpr std::array<std::string_view, 5> scheme_names{"xdp", "pci", "dpdk", "pcap", "gen"};
constexpr std::array schemes{Scheme::xdp, Scheme::pci, Scheme::dpdk, Scheme::pcap,
                             Scheme::generator};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_name_character(char c) {
    return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == ':' || c == '-';
}
bool is_printable(char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
}

// "0000:17:00.0": domain, bus, device and function as `lspci -D` prints them.
bool is_pci_address(std::string_view text) {
    constexpr std::string_view shape = "hhhh:hh:hh.h";
    const auto fits = [](char c, char form) { return form == 'h' ? is_hex(c) : c == form; };
    return std::ranges::equal(text, shape, fits);
}

// "net_ring0" or "net_pcap0,rx_pcap=FILE": a device name, then key=value pairs for its driver.
bool is_dpdk_device(std::string_view text) {
    const std::string_view name = text.substr(0, text.find(','));
    return !name.empty() && text.size() <= device_octets_max && is_letter(name.front()) &&
           std::ranges::all_of(
               name, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }) &&
           std::ranges::all_of(text, is_printable);
}

bool is_file_name(std::string_view text) {
    return !text.empty() && text.size() <= device_octets_max &&
           std::ranges::all_of(text, is_printable);
}

Checked<SourceAddress> unknown_source(std::string_view text, std::size_t colon) {
    const std::string_view scheme = text.substr(0, colon);
    if (colon == std::string_view::npos || colon == 0) {
        return must_be(std::string(source_rule) +
                       "; an interface name has 1 to 15 octets without spaces, / and :");
    }
    return must_be(std::string(source_rule) + did_you_mean(scheme, scheme_names));
}

std::optional<std::uint16_t> parse_port(std::string_view text, std::uint16_t port_min) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || rest != end || port < port_min) {
        return std::nullopt;
    }
    return port;
}

bool is_ipv4(const std::string& host) {
    in_addr address{};
    return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// An IPv6 address, with the interface of a link-local one behind "%".
bool is_ipv6(const std::string& host) {
    const std::size_t percent = host.find('%');
    in6_addr address{};
    return inet_pton(AF_INET6, host.substr(0, percent).c_str(), &address) == 1 &&
           (percent == std::string::npos || is_interface_name(host.substr(percent + 1)));
}

// RFC 1123 section 2.1, and underscores because they are met. A name of digits and dots only is
// a mistyped IPv4 address.
bool is_host_name(std::string_view host) {
    if (host.empty() || host.size() > host_octets_max ||
        std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; })) {
        return false;
    }
    while (true) {
        const std::size_t dot = host.find('.');
        const std::string_view label = host.substr(0, dot);
        const bool fits = !label.empty() && label.size() <= host_label_octets_max &&
                          label.front() != '-' && label.back() != '-' &&
                          std::ranges::all_of(label, [](char c) {
                              return is_letter(c) || is_digit(c) || c == '-' || c == '_';
                          });
        if (!fits || dot == std::string_view::npos) {
            return fits;
        }
        host.remove_prefix(dot + 1);
    }
}

struct HostPort {
    std::string host;
    std::string_view port;  // empty: not given
    bool bracketed = false;
    bool has_port = false;
};

// Splits "HOST", "HOST:PORT", "[IPV6]" and "[IPV6]:PORT"; nothing is checked yet.
std::optional<HostPort> split_host_port(std::string_view text) {
    HostPort parts;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        parts.host = text.substr(1, end - 1);
        parts.bracketed = true;
        rest = text.substr(end + 1);
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        parts.host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (!rest.empty() && rest.front() != ':') {
        return std::nullopt;
    }
    parts.has_port = !rest.empty();
    parts.port = rest.substr(parts.has_port ? 1 : 0);
    return parts;
}

constexpr std::array<std::string_view, 9> transport_names{
    "udp", "tcp", "tls", "file", "netflow9", "netflow5", "sctp", "sflow", "dtls"};
constexpr std::uint16_t port_of_ipfix = 4'739;
constexpr std::uint16_t port_of_ipfixs = 4'740;  // RFC 7011 section 11.2: over TLS and DTLS

constexpr std::uint16_t port_of_netflow = 2'055;
constexpr std::uint16_t port_of_sflow = 6'343;

std::uint16_t port_of(Config::Transport transport) {
    const bool netflow =
        transport == Config::Transport::netflow9 || transport == Config::Transport::netflow5;
    const bool sealed = transport == Config::Transport::tls || transport == Config::Transport::dtls;
    return netflow                                 ? port_of_netflow
           : transport == Config::Transport::sflow ? port_of_sflow
           : sealed                                ? port_of_ipfixs
                                                   : port_of_ipfix;
}

Checked<CollectorAddress> parse_folder(std::string_view path) {
    if (!path.starts_with('/') || !is_file_name(path)) {
        return must_be(
            "\"file:///PATH\" with the absolute path of a folder, such as "
            "\"file:///var/lib/tapmeter/flows\"");
    }
    return CollectorAddress{
        .transport = Config::Transport::file, .host = {}, .path = std::string(path)};
}

Checked<CollectorAddress> parse_peer(Config::Transport transport, std::string_view text) {
    const std::string scheme(transport_names.at(static_cast<std::size_t>(transport)));
    const auto refused = must_be("\"" + scheme + "://HOST:PORT\", such as \"" + scheme +
                                 "://192.0.2.7:4739\" or \"" + scheme + "://[2001:db8::7]:4739\"");
    const auto parts = split_host_port(text);
    // inet_pton() reads up to a NUL, so what is behind one would go unseen.
    if (!parts || parts->host.find('\0') != std::string::npos) {
        return refused;
    }
    const bool host_fits =
        parts->bracketed ? is_ipv6(parts->host) : is_ipv4(parts->host) || is_host_name(parts->host);
    CollectorAddress collector{.transport = transport, .host = parts->host, .path = {}};
    collector.port = port_of(transport);
    const auto port = parts->has_port ? parse_port(parts->port, 1) : collector.port;
    if (!host_fits || !port) {
        return refused;
    }
    collector.port = *port;
    return collector;
}

bool is_loopback(const std::string& address) {
    return address == "::1" || (is_ipv4(address) && address.starts_with("127."));
}

std::string host_text(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

std::string SourceAddress::short_name() const {
    std::string name = scheme == Scheme::generator ? "gen" : device;
    if (scheme == Scheme::dpdk) {
        name = name.substr(0, name.find(','));
    }
    if (scheme == Scheme::pcap) {
        name = name.substr(name.find_last_of('/') + 1);
    }
    name = name.substr(0, name_octets_max);
    std::ranges::replace_if(
        name, [](char c) { return !is_name_character(c); }, '_');
    return is_name(name) ? name : ("x" + name).substr(0, name_octets_max);
}

Checked<SourceAddress> parse_source(std::string_view text) {
    if (is_interface_name(text)) {
        return SourceAddress{.scheme = Scheme::interface, .device = std::string(text)};
    }
    const std::size_t colon = text.find(':');
    const auto name = std::ranges::find(scheme_names, text.substr(0, colon));
    if (colon == std::string_view::npos || name == scheme_names.end()) {
        return unknown_source(text, colon);
    }
    const Scheme scheme = schemes.at(static_cast<std::size_t>(name - scheme_names.begin()));
    const std::string_view device = text.substr(colon + 1);
    if (scheme == Scheme::xdp && !is_interface_name(device)) {
        return must_be("\"xdp:INTERFACE\" with the name that `ip link` shows");
    }
    if (scheme == Scheme::pci && !is_pci_address(device)) {
        return must_be(
            "\"pci:ADDRESS\" with the full address that `lspci -D` shows, such as "
            "\"pci:0000:17:00.0\"");
    }
    if (scheme == Scheme::dpdk && !is_dpdk_device(device)) {
        return must_be(
            "\"dpdk:DEVICE\" or \"dpdk:DEVICE,KEY=VALUE\", such as "
            "\"dpdk:net_ring0\", of at most " +
            std::to_string(device_octets_max) + " octets");
    }
    if (scheme == Scheme::pcap && !is_file_name(device)) {
        return must_be("\"pcap:FILE\" with a file name of 1 to " +
                       std::to_string(device_octets_max) + " printable octets");
    }
    if (scheme == Scheme::generator && !device.empty()) {
        return must_be("\"gen:\" and nothing behind it: the generator has no settings");
    }
    return SourceAddress{.scheme = scheme, .device = std::string(device)};
}

Checked<CollectorAddress> parse_collector(std::string_view text) {
    const std::size_t mark = text.find("://");
    const std::string_view scheme = text.substr(0, std::min(mark, text.size()));
    if (mark == std::string_view::npos) {
        return must_be("a URL such as \"udp://192.0.2.7:4739\"");
    }
    const auto known = std::ranges::find(transport_names, scheme);
    if (known == transport_names.end()) {
        return must_be(
            "a udp://, dtls://, tcp://, tls://, sctp://, file://, netflow9://, netflow5:// or "
            "sflow:// URL; no other transport is supported in this version");
    }
    const auto transport = static_cast<Config::Transport>(known - transport_names.begin());
    const std::string_view rest = text.substr(mark + 3);
    return transport == Config::Transport::file ? parse_folder(rest) : parse_peer(transport, rest);
}

std::string collector_url(std::string_view argument) {
    const bool whole = argument.find("://") != std::string_view::npos;
    return (whole ? "" : "udp://") + std::string(argument);
}

std::string collector_text(const CollectorAddress& collector) {
    const std::string scheme(transport_names.at(static_cast<std::size_t>(collector.transport)));
    return collector.transport == Config::Transport::file
               ? scheme + "://" + collector.path
               : scheme + "://" + host_text(collector.host) + ":" + std::to_string(collector.port);
}

Checked<LinesAddress> parse_lines(std::string_view text) {
    using To = Config::Json::To;
    const std::size_t mark = text.find("://");
    if (mark == std::string_view::npos) {
        constexpr std::size_t file_name_octets_max = 4'095;  // PATH_MAX, less the final NUL
        if (text.empty() || text.size() > file_name_octets_max ||
            !std::ranges::all_of(text, is_printable)) {
            return must_be("a file name of 1 to 4,095 printable octets, or \"-\"");
        }
        return LinesAddress{.to = To::file, .path = std::string(text), .host = {}};
    }
    const std::string_view scheme = text.substr(0, mark);
    const std::string_view rest = text.substr(mark + 3);
    constexpr std::size_t socket_path_octets_max = 107;  // sun_path of unix(7), less the final NUL
    if (scheme == "unix") {
        if (!rest.starts_with('/') || !is_file_name(rest) || rest.size() > socket_path_octets_max) {
            return must_be("\"unix:///PATH\" with the absolute path of a stream socket");
        }
        return LinesAddress{.to = To::unix_socket, .path = std::string(rest), .host = {}};
    }
    if (scheme != "udp" && scheme != "tcp") {
        return must_be("a file name, or a udp://, tcp:// or unix:// URL");
    }
    const bool udp = scheme == "udp";
    const auto peer = parse_peer(udp ? Config::Transport::udp : Config::Transport::tcp, rest);
    const auto parts = split_host_port(rest);
    if (!peer || !parts || !parts->has_port) {
        return must_be("\"" + std::string(scheme) + "://HOST:PORT\", such as \"" +
                       std::string(scheme) + "://192.0.2.7:5514\"");
    }
    return LinesAddress{
        .to = udp ? To::udp : To::tcp, .path = {}, .host = peer->host, .port = peer->port};
}

std::string lines_text(const LinesAddress& lines) {
    using To = Config::Json::To;
    if (lines.to == To::file) {
        return lines.path;
    }
    return lines.to == To::unix_socket
               ? "unix://" + lines.path
               : std::string(lines.to == To::udp ? "udp" : "tcp") + "://" + host_text(lines.host) +
                     ":" + std::to_string(lines.port);
}

Checked<ListenAddress> parse_listen(std::string_view text) {
    if (text == "off") {
        return ListenAddress{.enabled = false};
    }
    const auto parts = split_host_port(text);
    const auto port = parts && parts->has_port ? parse_port(parts->port, 0) : std::nullopt;
    if (!port || parts->host.find('\0') != std::string::npos ||
        (parts->bracketed && !is_ipv6(parts->host))) {
        return must_be("\"ADDRESS:PORT\" such as \"127.0.0.1:14739\", or \"off\"");
    }
    const std::string address = parts->host == "localhost" ? "127.0.0.1" : parts->host;
    if (!is_loopback(address)) {
        return must_be(
            "a loopback address (127.0.0.1 or [::1]): this version has neither TLS nor tokens, so "
            "anybody who reaches another address could read the traffic; use an SSH tunnel or a "
            "reverse proxy");
    }
    return ListenAddress{.address = address, .port = *port};
}

std::string listen_text(const ListenAddress& listen) {
    return listen.enabled ? host_text(listen.address) + ":" + std::to_string(listen.port) : "off";
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= name_octets_max &&
           (is_letter(text.front()) || is_digit(text.front())) &&
           std::ranges::all_of(text, is_name_character);
}

bool is_group_name(std::string_view text) {
    constexpr std::size_t octets_max = 32;  // as useradd(8)
    return text.size() <= octets_max && std::ranges::all_of(text, [](char c) {
               return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
           });
}

bool is_prefix(std::string_view text) {
    constexpr std::string_view octets = "0123456789abcdefABCDEF.:/";
    return text.find_first_not_of(octets) == std::string_view::npos &&
           fields::parse_filter("ip in [" + std::string(text) + "]").has_value();
}

bool is_interface_name(std::string_view text) {
    const auto refused = [](char c) {
        return c == '/' || c == ':' || c == '\x7f' || static_cast<unsigned char>(c) <= ' ';
    };
    return !text.empty() && text.size() < IFNAMSIZ && text != "." && text != ".." &&
           std::ranges::none_of(text, refused);
}

}  // namespace tapmeter::config
