#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/config/config.h"
#include "src/config/quantity.h"

namespace tapmeter::config {

// Where packets come from, as `source` of a [[capture]] block and `run -i` spell it.
struct SourceAddress {
    enum class Scheme : std::uint8_t {
        interface,  // "eth1": the best method for that interface
        xdp,        // "xdp:eth1": AF_XDP and nothing else
        pci,        // "pci:0000:17:00.0": a DPDK port
        dpdk,       // "dpdk:net_ring0,...": a DPDK virtual device with its arguments
        pcap,       // "pcap:FILE": a capture file, as if live
        generator,  // "gen:": made-up conversations, what `tapmeter demo` meters
    };
    Scheme scheme = Scheme::interface;
    std::string device;  // what stands behind the scheme

    // What people call it: "eth1", "0000:17:00.0", "net_ring0", "office.pcap", "gen"; a name that
    // is_name() accepts.
    std::string short_name() const;
};
// Checks the spelling only; whether the device exists is for the room that opens it.
// errors  what the text must be instead
Checked<SourceAddress> parse_source(std::string_view text);

// A Collector (RFC 7011 section 2): "udp://HOST:PORT", "dtls://HOST:PORT",
// "tcp://HOST:PORT", "tls://HOST:PORT", "sctp://HOST:PORT"; the port may be left out (4739; over
// TLS and DTLS 4740). Or a folder of IPFIX files: "file:///PATH". Or one that reads NetFlow over
// UDP: "netflow9://HOST:PORT", "netflow5://HOST:PORT" (2055); or sFlow: "sflow://HOST:PORT"
// (6343).
struct CollectorAddress {
    Config::Transport transport = Config::Transport::udp;
    std::string host;  // name, IPv4 address, or IPv6 address without brackets
    std::uint16_t port = 4739;
    std::string path;  // absolute
};
Checked<CollectorAddress> parse_collector(std::string_view text);
// The command line may leave "udp://" out: "HOST", "HOST:PORT", "[IPV6]:PORT".
std::string collector_url(std::string_view argument);
std::string collector_text(const CollectorAddress& collector);

// Where lines of JSON go: a file name, "-", "udp://HOST:PORT", "tcp://HOST:PORT", "unix:///PATH".
struct LinesAddress {
    Config::Json::To to = Config::Json::To::file;
    std::string path;
    std::string host;
    std::uint16_t port = 0;
};
Checked<LinesAddress> parse_lines(std::string_view text);
std::string lines_text(const LinesAddress& lines);

// Where the HTTP server listens: "127.0.0.1:14739", "[::1]:14739", "localhost:14739" or "off".
// Port 0 lets the kernel choose one. Only loopback: the server has no TLS and no tokens yet.
struct ListenAddress {
    bool enabled = true;
    std::string address = "127.0.0.1";  // numeric, without brackets
    std::uint16_t port = 14'739;
};
Checked<ListenAddress> parse_listen(std::string_view text);
std::string listen_text(const ListenAddress& listen);

// A name that may become a label, a file name or a part of a key: 1 to 63 of letters, digits and
// "._:-", beginning with a letter or digit.
inline constexpr std::size_t name_octets_max = 63;
bool is_name(std::string_view text);

// The name of a group of users, or empty.
bool is_group_name(std::string_view text);

// An address or a prefix, as a filter of flow records takes it: "10.1.0.0/24", "2001:db8::7".
bool is_prefix(std::string_view text);

// A name that the kernel accepts for an interface (dev_valid_name() in net/core/dev.c).
bool is_interface_name(std::string_view text);

}  // namespace tapmeter::config
