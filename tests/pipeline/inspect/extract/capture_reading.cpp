#include "tests/pipeline/inspect/extract/capture_reading.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "pipeline/decode/frame.h"
#include "src/capture_files/file_capture.h"

namespace tapmeter::inspect::extract::testing {

namespace {

struct Flow {
    FlowReading reading{};
    Sender initiator;
    Sender responder;
};

std::string text_of_address(const decode::Headers& headers, const decode::Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (headers.ip_version == 4) {
        inet_ntop(AF_INET, address.data() + 12, text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, address.data(), text.data(), text.size());
    }
    return text.data();
}

Sender sender_of(const decode::Headers& headers) {
    return {.protocol = headers.protocol,
            .source = text_of_address(headers, headers.source),
            .source_port = headers.source_port,
            .destination = text_of_address(headers, headers.destination),
            .destination_port = headers.destination_port};
}

Sender reversed(const Sender& sender) {
    return {.protocol = sender.protocol,
            .source = sender.destination,
            .source_port = sender.destination_port,
            .destination = sender.source,
            .destination_port = sender.source_port};
}

// The header stands right before the payload; its own length field tells which of the eleven
// possible places is meant.
std::optional<Segment> segment_of(const Packet& packet, const decode::Headers& headers) {
    if (headers.payload.data() == nullptr) {
        return std::nullopt;
    }
    const auto end = static_cast<std::size_t>(headers.payload.data() - packet.frame.data());
    for (std::size_t words = 5; words <= 15 && words * 4 <= end; ++words) {
        const Bytes header = packet.frame.subspan(end - words * 4, words * 4);
        if (load_be16(header.first<2>()) == headers.source_port &&
            load_be16(header.subspan<2, 2>()) == headers.destination_port &&
            std::to_integer<unsigned>(header[12]) >> 4U == words) {
            const auto cut = packet.wire_octets > packet.frame.size() && !headers.payload.empty()
                                 ? packet.wire_octets - packet.frame.size()
                                 : 0;
            return Segment{.sequence = load_be32(header.subspan<4, 4>()),
                           .acknowledgment = load_be32(header.subspan<8, 4>()),
                           .control_bits = headers.tcp_control_bits,
                           .wire_octets = static_cast<std::uint32_t>(headers.payload.size() + cut),
                           .payload = headers.payload};
        }
    }
    return std::nullopt;
}

std::optional<std::string> field_of(Buffer buffer) {
    switch (buffer) {
        case Buffer::tls_sni:
            return "tls.handshake.extensions_server_name";
        case Buffer::ja3_hash:
            return "tls.handshake.ja3";
        case Buffer::ja3s_hash:
            return "tls.handshake.ja3s";
        case Buffer::ja4_hash:
            return "ja4";
        case Buffer::tls_cert_fingerprint:
            return "sha1";
        case Buffer::tls_cert_subject:
            return "subject";
        case Buffer::tls_cert_issuer:
            return "issuer";
        case Buffer::http_method:
            return "http.request.method";
        case Buffer::http_uri_raw:
            return "http.request.uri";
        case Buffer::http_host_raw:
            return "http.host";
        case Buffer::http_user_agent:
            return "http.user_agent";
        case Buffer::http_stat_code:
            return "http.response.code";
        case Buffer::http_server:
            return "http.server";
        case Buffer::http_content_type:
            return "http.content_type";
        case Buffer::dns_query:
            return "dns.qry.name";
        case Buffer::quic_user_agent:
            return "quic.user_agent";
        default:
            return std::nullopt;
    }
}

std::string hex_of(unsigned value, int digits) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "0x%0*x", digits, value);
    return text.data();
}

class Reader {
public:
    Reader() : extractor_(*Extractor::reserve({.streams = {.windows_max = 4'096}})) {}

    void read(const Packet& packet) {
        ++reading_.packets;
        const auto headers = decode::decode_frame(packet);
        if (!headers || headers->ip_version == 0 || headers->fragment == decode::Fragment::later ||
            (headers->protocol != 6 && headers->protocol != 17)) {
            return;
        }
        Flow& flow = flow_of(sender_of(*headers));
        reading_.seen.insert(sender_of(*headers));
        const bool from_initiator = flow.initiator == sender_of(*headers);
        PacketIn in{.protocol = headers->protocol,
                    .side = static_cast<std::uint8_t>(from_initiator ? 0 : 1),
                    .ports = {headers->source_port, headers->destination_port},
                    .at = packet.observed_at};
        in.segment.payload = headers->payload;
        if (headers->protocol == 6) {
            const auto segment = segment_of(packet, *headers);
            if (!segment) {
                return;
            }
            in.segment = *segment;
        }
        extractor_.feed(flow.reading, in);
        take_findings(flow);
        take_datagram_facts(flow, in);
    }

    CaptureReading finish() {
        for (auto& [ends, flow] : flows_) {
            extractor_.finish(flow.reading, {});
            take_findings(flow);
            take_metadata(flow);
            extractor_.close(flow.reading);
        }
        for (std::size_t i = 0; i < read_events; ++i) {
            reading_.read.at(i) = extractor_.count_of(static_cast<ReadEvent>(i));
        }
        for (std::size_t i = 0; i < stream_events; ++i) {
            reading_.streams.at(i) = extractor_.streams().count_of(static_cast<StreamEvent>(i));
        }
        EXPECT_EQ(extractor_.streams().windows_taken(), 0U);
        EXPECT_EQ(extractor_.metadata_taken(), 0U);
        return reading_;
    }

private:
    Flow& flow_of(const Sender& sender) {
        const Sender back = reversed(sender);
        Flow& flow = flows_[std::min(sender, back)];
        if (flow.initiator.source.empty()) {
            flow.initiator = sender;
            flow.responder = back;
        }
        return flow;
    }

    void put(const Sender& sender, const std::string& field, std::string value) {
        reading_.found[sender][field].insert(std::move(value));
    }

    void take_findings(const Flow& flow) {
        std::map<std::pair<unsigned, unsigned>, std::string> ssh;
        for (const Found& found : extractor_.findings().view()) {
            const Sender& sender = found.side == 0 ? flow.initiator : flow.responder;
            if (const auto field = field_of(found.buffer)) {
                put(sender, *field, std::string{text_of(found.octets)});
            }
            if (found.buffer == Buffer::ssh_proto || found.buffer == Buffer::ssh_software) {
                auto& banner = ssh[{found.side, 0}];
                banner += (banner.empty() ? "SSH-" : "-") + std::string{text_of(found.octets)};
            }
        }
        for (const auto& [side, banner] : ssh) {
            put(side.first == 0 ? flow.initiator : flow.responder, "ssh.protocol", banner);
        }
    }

    // What only Metadata tells, of flows with one message a direction.
    void take_metadata(const Flow& flow) {
        const Metadata* metadata = extractor_.metadata_of(flow.reading);
        if (metadata == nullptr) {
            return;
        }
        const auto text = [&](Text piece) { return std::string{metadata->view(piece)}; };
        for (const Sender& sender : {flow.initiator, flow.responder}) {
            if (sender.protocol == 6 && metadata->dns.queries + metadata->dns.responses != 0) {
                put(sender, "dns.qry.type", std::to_string(metadata->dns.type));
                put(sender, "dns.flags.rcode", std::to_string(metadata->dns.response_code));
                take_answers(sender, *metadata);
            }
            put(sender, "quic.version", hex_of(metadata->quic.version, 8));
            std::string names = text(metadata->tls.alpn_offered) + ",";
            for (std::size_t comma = 0; (comma = names.find(',')) != std::string::npos;) {
                put(sender, "tls.handshake.extensions_alpn_str", names.substr(0, comma));
                names.erase(0, comma + 1);
            }
            put(sender, "tls.handshake.extensions_alpn_str", text(metadata->tls.alpn));
        }
    }

    // Every DNS message in a flow of its own: what its record would tell.
    void take_datagram_facts(const Flow& flow, const PacketIn& packet) {
        if (flow.reading.protocol != Protocol::dns || packet.protocol != 17) {
            return;
        }
        FlowReading one;
        extractor_.feed(one, packet);
        if (const Metadata* metadata = extractor_.metadata_of(one)) {
            const Sender& sender = packet.side == 0 ? flow.initiator : flow.responder;
            const auto& dns = metadata->dns;
            put(sender, "dns.qry.type", std::to_string(dns.type));
            if (dns.has_response) {
                put(sender, "dns.flags.rcode", std::to_string(dns.response_code));
            }
            take_answers(sender, *metadata);
        }
        extractor_.close(one);
    }

    void take_answers(const Sender& sender, const Metadata& metadata) {
        const auto& dns = metadata.dns;
        for (const auto& answer : std::span{dns.answers}.first(dns.answers_kept)) {
            const std::string_view octets = metadata.view(answer.data);
            std::array<char, INET6_ADDRSTRLEN> text{};
            if (answer.type == 1 && octets.size() == 4) {
                inet_ntop(AF_INET, octets.data(), text.data(), text.size());
                put(sender, "dns.a", text.data());
            }
            if (answer.type == 28 && octets.size() == 16) {
                inet_ntop(AF_INET6, octets.data(), text.data(), text.size());
                put(sender, "dns.aaaa", text.data());
            }
        }
    }

    Extractor extractor_;
    std::map<Sender, Flow> flows_;
    CaptureReading reading_;
};

}  // namespace

std::optional<CaptureReading> read_capture(const std::filesystem::path& path) {
    const auto capture = capture_files::open({.paths = {path}});
    if (!capture) {
        return std::nullopt;
    }
    Reader reader;
    PacketSource& queue = (*capture)->queue(0);
    Burst burst;
    while (!queue.exhausted()) {
        queue.receive(burst);
        for (const Packet& packet : burst.view()) {
            reader.read(packet);
        }
        queue.release();
    }
    return reader.finish();
}

}  // namespace tapmeter::inspect::extract::testing
