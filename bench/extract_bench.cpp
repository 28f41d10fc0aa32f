// What one packet costs that is read by our own extractors: a ClientHello, an HTTP request with
// its response, a DNS query; and segments of a stream from which nothing is to be found any more.
// nDPI takes about 400 ns a packet on the same machine, averaged over a mix of applications.
#include <benchmark/benchmark.h>

#include <string>

#include "tests/support/messages.h"
#include "tests/support/quic_sealing.h"

namespace {

using namespace tapmeter::inspect;
using namespace tapmeter::inspect::extract;
using tapmeter::inspect::extract::testing::client_hello;
using tapmeter::inspect::extract::testing::dns_query;
using tapmeter::inspect::extract::testing::example_fields;
using tapmeter::inspect::extract::testing::handshake_message;
using tapmeter::inspect::extract::testing::Octets;
using tapmeter::inspect::extract::testing::records_of;

constexpr std::uint8_t tcp_protocol = 6;
constexpr std::uint8_t udp_protocol = 17;

Extractor extractor_with(bool fingerprints) {
    Extractor::Limits limits{.streams = {.windows_max = 64}, .metadata_max = 64};
    limits.options.ja3 = fingerprints;
    limits.options.ja4 = fingerprints;
    return *Extractor::reserve(limits);
}

PacketIn packet_of(const Octets& octets, std::uint8_t protocol, std::uint16_t port) {
    PacketIn packet{.protocol = protocol, .ports = {.source = 50'000, .destination = port}};
    packet.segment.payload = octets.view();
    packet.segment.wire_octets = static_cast<std::uint32_t>(octets.size());
    return packet;
}

// One packet a flow: opened, read, closed.
void read_one(benchmark::State& state, Extractor& extractor, const PacketIn& packet) {
    for (auto _ : state) {
        FlowReading flow;
        extractor.feed(flow, packet);
        benchmark::DoNotOptimize(extractor.findings().view().data());
        extractor.close(flow);
    }
    state.SetItemsProcessed(state.iterations());
}

void client_hello_read(benchmark::State& state) {
    auto extractor = extractor_with(state.range(0) != 0);
    const Octets octets = records_of(handshake_message(1, client_hello(example_fields())));
    read_one(state, extractor, packet_of(octets, tcp_protocol, 443));
}
BENCHMARK(client_hello_read)->ArgName("fingerprints")->Arg(0)->Arg(1);

void http_request_read(benchmark::State& state) {
    auto extractor = extractor_with(false);
    const Octets octets{
        "GET /images/logo.png?size=large HTTP/1.1\r\nHost: www.example.com\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0\r\n"
        "Accept: image/avif,image/webp,*/*\r\nAccept-Language: en-US,en;q=0.5\r\n"
        "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
        "Referer: http://www.example.com/index.html\r\n\r\n"};
    read_one(state, extractor, packet_of(octets, tcp_protocol, 80));
}
BENCHMARK(http_request_read);

void dns_query_read(benchmark::State& state) {
    auto extractor = extractor_with(false);
    const Octets octets = dns_query(7, "www.example.com", 1);
    read_one(state, extractor, packet_of(octets, udp_protocol, 53));
}
BENCHMARK(dns_query_read);

void quic_hello_read(benchmark::State& state) {
    auto extractor = extractor_with(state.range(0) != 0);
    const Octets hello = handshake_message(1, client_hello(example_fields()));
    Octets frames = Octets{}.put8(6).put8(0).put16(0x4000U | static_cast<unsigned>(hello.size()));
    frames.put(hello).zeros(1'162 - frames.size());
    const Octets datagram = tapmeter::inspect::extract::testing::initial(frames, {});
    read_one(state, extractor, packet_of(datagram, udp_protocol, 443));
}
BENCHMARK(quic_hello_read)->ArgName("fingerprints")->Arg(0)->Arg(1);

void unknown_datagram(benchmark::State& state) {
    auto extractor = extractor_with(false);
    const Octets octets{std::string(400, '\x80')};
    read_one(state, extractor, packet_of(octets, udp_protocol, 5'000));
}
BENCHMARK(unknown_datagram);

// A stream of segments in order, nothing left to find: what reassembly itself costs.
void segments_in_order(benchmark::State& state) {
    auto extractor = extractor_with(false);
    const Octets octets{std::string(1'000, 'x')};
    PacketIn packet = packet_of(octets, tcp_protocol, 5'000);
    packet.segment.control_bits = tcp::ack;
    constexpr int segments = 16;
    for (auto _ : state) {
        FlowReading flow;
        packet.segment.sequence = 0;
        for (int i = 0; i < segments; ++i) {
            extractor.feed(flow, packet);
            packet.segment.sequence += 1'000;
        }
        extractor.close(flow);
    }
    state.SetItemsProcessed(state.iterations() * segments);
}
BENCHMARK(segments_in_order);

// Every second segment overtakes the one before it.
void segments_out_of_order(benchmark::State& state) {
    auto extractor = extractor_with(false);
    const Octets octets{std::string(1'000, 'x')};
    PacketIn packet = packet_of(octets, tcp_protocol, 5'000);
    constexpr std::uint32_t segments = 16;
    for (auto _ : state) {
        FlowReading flow;
        for (std::uint32_t i = 0; i < segments; ++i) {
            packet.segment.sequence = (i == 0 ? 0 : ((i - 1) ^ 1U) + 1) * 1'000;
            extractor.feed(flow, packet);
        }
        extractor.close(flow);
    }
    state.SetItemsProcessed(state.iterations() * segments);
}
BENCHMARK(segments_out_of_order);

}  // namespace

BENCHMARK_MAIN();
