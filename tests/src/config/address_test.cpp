#include "src/config/address.h"

#include <gtest/gtest.h>

namespace tapmeter::config {
namespace {

using Scheme = SourceAddress::Scheme;

TEST(Source, is_an_interface_or_says_how_to_open_it) {
    EXPECT_EQ(parse_source("eth1")->scheme, Scheme::interface);
    EXPECT_EQ(parse_source("eth0.100")->device, "eth0.100");
    EXPECT_EQ(parse_source("xdp:eth1")->scheme, Scheme::xdp);
    EXPECT_EQ(parse_source("xdp:eth1")->device, "eth1");
    EXPECT_EQ(parse_source("pci:0000:17:00.0")->device, "0000:17:00.0");
    EXPECT_EQ(parse_source("dpdk:net_pcap0,rx_pcap=a.pcap")->scheme, Scheme::dpdk);
    EXPECT_EQ(parse_source("pcap:/tmp/a b.pcap")->device, "/tmp/a b.pcap");
    EXPECT_EQ(parse_source("gen:")->scheme, Scheme::generator);
}

TEST(Source, refuses_other_texts) {
    for (const std::string& text : std::initializer_list<std::string>{
             "", " ", "eth 1", "a/b", ".", "..", "abcdefghijklmnop", "xdp:", "xdp:a b",
             "pci:17:00.0", "pci:0000:17:00.00", "pci:000g:17:00.0", "dpdk:", "dpdk:,a=b",
             "dpdk:0net", "pcap:", "afpacket:eth1", ":eth1", "pcap:a\nb"}) {
        EXPECT_FALSE(parse_source(text)) << text;
    }
    EXPECT_TRUE(parse_source("abcdefghijklmno"));  // 15 octets
    EXPECT_FALSE(parse_source("gen:fast"));
    EXPECT_FALSE(parse_source("pcap:" + std::string(1'025, 'a')));
    EXPECT_TRUE(parse_source("pcap:" + std::string(1'024, 'a')));
    EXPECT_NE(parse_source("xpd:eth1").error().find("did you mean \"xdp\"?"), std::string::npos);
}

TEST(Source, has_a_short_name) {
    EXPECT_EQ(parse_source("xdp:eth1")->short_name(), "eth1");
    EXPECT_EQ(parse_source("pci:0000:17:00.0")->short_name(), "0000:17:00.0");
    EXPECT_EQ(parse_source("dpdk:net_ring0,a=b")->short_name(), "net_ring0");
    EXPECT_EQ(parse_source("pcap:/tmp/a b.pcap")->short_name(), "a_b.pcap");
    EXPECT_EQ(parse_source("pcap:/tmp/")->short_name(), "x");
    EXPECT_EQ(parse_source("gen:")->short_name(), "gen");
    EXPECT_TRUE(is_name(parse_source("pcap:" + std::string(1'000, '-'))->short_name()));
}

TEST(Collector, is_a_url_of_a_known_transport) {
    const auto plain = parse_collector("udp://192.0.2.7:2055");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->host, "192.0.2.7");
    EXPECT_EQ(plain->port, 2'055);
    EXPECT_EQ(parse_collector("udp://collector.example.net")->port, 4'739);
    EXPECT_EQ(parse_collector("udp://[2001:db8::7]:1")->host, "2001:db8::7");
    EXPECT_EQ(parse_collector("udp://[fe80::1%eth0]")->host, "fe80::1%eth0");
    using Transport = Config::Transport;
    EXPECT_EQ(collector_text({Transport::udp, "2001:db8::7", 1, ""}), "udp://[2001:db8::7]:1");
    EXPECT_EQ(parse_collector("tcp://h")->port, 4'739);
    EXPECT_EQ(parse_collector("tcp://h")->transport, Transport::tcp);
    EXPECT_EQ(parse_collector("sctp://h")->transport, Transport::sctp);
    EXPECT_EQ(parse_collector("sctp://[2001:db8::7]")->port, 4739);
    EXPECT_EQ(parse_collector("tls://h")->port, 4'740);
    EXPECT_EQ(parse_collector("dtls://h")->port, 4'740);
    EXPECT_EQ(collector_text(*parse_collector("dtls://[::1]")), "dtls://[::1]:4740");
    EXPECT_EQ(collector_text(*parse_collector("tls://[::1]:7")), "tls://[::1]:7");
    EXPECT_EQ(parse_collector("file:///var/flows")->path, "/var/flows");
    EXPECT_EQ(collector_text(*parse_collector("file:///var/flows")), "file:///var/flows");
    EXPECT_EQ(collector_url("host:1"), "udp://host:1");
    EXPECT_EQ(collector_url("udp://host:1"), "udp://host:1");
}

TEST(Collector, refuses_other_texts) {
    for (const std::string& text : std::initializer_list<std::string>{"",
                                                                      "udp://",
                                                                      "udp://:4739",
                                                                      "udp://h:",
                                                                      "udp://h:0",
                                                                      "udp://h:65536",
                                                                      "udp://h:1x",
                                                                      "udp://h:-1",
                                                                      "udp://2001:db8::7",
                                                                      "udp://[2001:db8::7",
                                                                      "udp://[1.2.3.4]:1",
                                                                      "udp://1.2.3",
                                                                      "udp://1.2.3.256",
                                                                      "udp://-h",
                                                                      "udp://h-",
                                                                      "udp://a..b",
                                                                      "udp://a b",
                                                                      "udp://h/path",
                                                                      "udp://[::1]x",
                                                                      "udp://user@h",
                                                                      "http://h",
                                                                      "h:4739"}) {
        EXPECT_FALSE(parse_collector(text)) << text;
    }
    EXPECT_FALSE(parse_collector(std::string("udp://1.2.3.4\0x", 15)));
    EXPECT_TRUE(parse_collector("udp://" + std::string(63, 'a')));
    EXPECT_FALSE(parse_collector("udp://" + std::string(64, 'a')));
    EXPECT_FALSE(parse_collector("file://relative"));
    EXPECT_FALSE(parse_collector("file://"));
    EXPECT_FALSE(parse_collector("tls://h:0"));
    const auto refused = parse_collector("quic://h");
    EXPECT_NE(refused.error().find("no other transport is supported"), std::string::npos);
    EXPECT_NE(refused.error().find("udp://"), std::string::npos);
}

TEST(Collector, of_netflow_has_a_port_of_its_own) {
    EXPECT_EQ(parse_collector("netflow9://h")->port, 2'055);
    EXPECT_EQ(parse_collector("netflow5://h:9995")->transport, Config::Transport::netflow5);
    EXPECT_EQ(collector_text(*parse_collector("netflow9://[::1]")), "netflow9://[::1]:2055");
    EXPECT_FALSE(parse_collector("netflow7://h"));
    EXPECT_FALSE(parse_collector("netflow9://"));
}

TEST(Collector, of_sflow_has_a_port_of_its_own) {
    EXPECT_EQ(parse_collector("sflow://h")->port, 6'343);
    EXPECT_EQ(parse_collector("sflow://h:9")->transport, Config::Transport::sflow);
    EXPECT_EQ(collector_text(*parse_collector("sflow://[::1]")), "sflow://[::1]:6343");
    EXPECT_FALSE(parse_collector("sflow5://h"));
}

TEST(Lines, go_to_a_file_or_a_receiver) {
    using To = Config::Json::To;
    for (const auto* const text :
         {"-", "/var/log/eve.json", "eve.json", "udp://192.0.2.7:514", "tcp://[2001:db8::7]:5514",
          "tcp://log.example.net:1", "unix:///run/log.sock"}) {
        ASSERT_TRUE(parse_lines(text)) << text;
        EXPECT_EQ(lines_text(*parse_lines(text)), text);
    }
    EXPECT_EQ(parse_lines("udp://h:1")->to, To::udp);
    EXPECT_EQ(parse_lines("tcp://h:1")->host, "h");
    EXPECT_EQ(parse_lines("unix:///a")->path, "/a");
    EXPECT_EQ(parse_lines("a")->to, To::file);
    for (const std::string& text : std::initializer_list<std::string>{
             "", "udp://", "udp://h", "udp://h:0", "tcp://h:", "tcp://a b:1", "unix://a", "unix://",
             "http://h:1", "a\nb", "unix:///" + std::string(107, 'a')}) {
        EXPECT_FALSE(parse_lines(text)) << text;
    }
    EXPECT_TRUE(parse_lines("unix:///" + std::string(106, 'a')));
}

TEST(Listen, is_loopback_or_off) {
    EXPECT_FALSE(parse_listen("off")->enabled);
    EXPECT_EQ(parse_listen("127.0.0.1:14739")->port, 14'739);
    EXPECT_EQ(parse_listen("127.9.9.9:0")->port, 0);
    EXPECT_EQ(parse_listen("[::1]:80")->address, "::1");
    EXPECT_EQ(parse_listen("localhost:80")->address, "127.0.0.1");
    for (const std::string& text :
         std::initializer_list<std::string>{"", "on", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                                            ":80", "[127.0.0.1]:80", "::1:80", "127.0.0.1:80x"}) {
        EXPECT_FALSE(parse_listen(text)) << text;
    }
    for (const auto* const text : {"0.0.0.0:80", "192.0.2.1:80", "[::]:80", "host:80",
                                   "127.evil.example:80", "1270.0.0.1:80"}) {
        ASSERT_FALSE(parse_listen(text)) << text;
        EXPECT_NE(parse_listen(text).error().find("neither TLS nor tokens"), std::string::npos);
    }
    EXPECT_EQ(listen_text({.enabled = true, .address = "::1", .port = 80}), "[::1]:80");
    EXPECT_EQ(listen_text({.enabled = false, .address = {}, .port = 0}), "off");
}

TEST(Name, is_short_and_plain) {
    EXPECT_TRUE(is_name("a"));
    EXPECT_TRUE(is_name("0000:17:00.0"));
    EXPECT_TRUE(is_name(std::string(63, 'a')));
    for (const std::string& text : std::initializer_list<std::string>{
             std::string(), std::string(64, 'a'), std::string("-a"), std::string("a b"),
             std::string("\xc3\xa4"), std::string("a\n")}) {
        EXPECT_FALSE(is_name(text)) << text;
    }
}

}  // namespace
}  // namespace tapmeter::config
