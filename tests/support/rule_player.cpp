#include "tests/support/rule_player.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "pipeline/decode/frame.h"
#include "src/capture_files/file_capture.h"

namespace tapmeter::test_support {

namespace {

using inspect::rules::Application;
namespace extract = inspect::extract;

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::size_t stream_octets_max = 65'536;
constexpr std::uint16_t syn = 0x02;
constexpr std::uint16_t ack = 0x10;

// From the first octet of the IP header that was decoded, whatever stands before it: the last place
// in front of the payload that has the addresses where such a header has them.
Bytes network_of(const Packet& packet, const decode::Headers& headers) {
    const bool four = headers.ip_version == 4;
    const std::size_t addresses_at = four ? 12 : 8;
    const std::size_t octets = four ? 4 : 16;
    const auto part = [&](const decode::Address& address) {
        return std::as_bytes(std::span{address}).last(octets);
    };
    const Bytes frame = packet.frame;
    const std::size_t header_octets = four ? 20 : 40;
    for (std::size_t at = frame.size(); at-- > 0;) {
        if (at + header_octets > frame.size() ||
            (std::to_integer<unsigned>(frame[at]) >> 4U) != headers.ip_version) {
            continue;
        }
        const Bytes source = frame.subspan(at + addresses_at, octets);
        const Bytes destination = frame.subspan(at + addresses_at + octets, octets);
        if (std::ranges::equal(source, part(headers.source)) &&
            std::ranges::equal(destination, part(headers.destination)) &&
            (headers.payload.empty() || &frame[at] < headers.payload.data())) {
            return frame.subspan(at, std::min<std::size_t>(frame.size() - at, headers.ip_octets));
        }
    }
    return {};
}

Application application_of(inspect::Protocol protocol) {
    switch (protocol) {
        case inspect::Protocol::http:
            return Application::http;
        case inspect::Protocol::tls:
            return Application::tls;
        case inspect::Protocol::quic:
            return Application::quic;
        case inspect::Protocol::dns:
            return Application::dns;
        case inspect::Protocol::ssh:
            return Application::ssh;
        case inspect::Protocol::smtp:
            return Application::smtp;
        case inspect::Protocol::ftp:
            return Application::ftp;
        case inspect::Protocol::smb:
            return Application::smb;
        default:
            return Application::unknown;
    }
}

// The extractors' buffer by the name that rules give it.
const inspect::rules::BufferName* rule_buffer_of(inspect::Buffer buffer) {
    return inspect::rules::find_buffer_name(
        inspect::buffer_names.at(static_cast<std::size_t>(buffer)));
}

bool begins_sip(Bytes payload) {
    const std::string_view text{reinterpret_cast<const char*>(payload.data()), payload.size()};
    const std::string_view line = text.substr(0, text.find('\n'));
    return line.find("SIP/2.0") != std::string_view::npos;
}

decode::Headers turned(decode::Headers headers) {
    std::swap(headers.source, headers.destination);
    std::swap(headers.source_port, headers.destination_port);
    headers.payload = {};
    return headers;
}

std::unique_ptr<inspect::SignatureKit> kit_of(const inspect::SignatureSet& set) {
    auto kit = inspect::SignatureKit::make(set);
    expects(kit.has_value());
    return std::move(*kit);
}

extract::Extractor make_extractor() {
    auto made =
        extract::Extractor::reserve({.streams = {.window_octets = 65'536, .windows_max = 512},
                                     .metadata_max = 65'536,
                                     .options = {}});
    expects(made.has_value());
    return std::move(*made);
}

}  // namespace

RulePlayer::RulePlayer(const inspect::SignatureSet& set, Options options)
    : options_(options),
      extractor_(make_extractor()),
      named_(std::make_unique<inspect::NamedBuffers>()),
      signatures_(kit_of(set), 0),
      ring_(65'536) {}

Result<std::vector<inspect::Alert>> RulePlayer::play(const std::string& path) {
    auto capture = capture_files::open({.paths = {path}});
    if (!capture) {
        return tl::unexpected<Error>(capture.error());
    }
    PacketSource& source = (*capture)->queue(0);
    alerts_.clear();
    Burst burst;
    while (!source.exhausted()) {
        source.receive(burst);
        signatures_.turn_burst();
        for (const Packet& packet : burst.view()) {
            play_packet(packet);
        }
        drain();
        source.release();
    }
    finish_flows();
    drain();
    return alerts_;
}

void RulePlayer::drain() {
    ring_.publish();
    while (true) {
        const auto waiting = ring_.readable();
        if (waiting.empty()) {
            return;
        }
        alerts_.insert(alerts_.end(), waiting.begin(), waiting.end());
        ring_.consume(waiting.size());
    }
}

void RulePlayer::play_packet(const Packet& packet) {
    const auto headers = decode::decode_frame(packet);
    if (!headers || headers->ip_version == 0) {
        return;
    }
    flow::FlowKey key;
    const auto sender = flow::write_key(*headers, false, key);
    const auto octets = std::bit_cast<std::array<std::uint8_t, sizeof(key)>>(key);
    auto [place, fresh] = flows_.try_emplace(octets);
    FlowState& flow = place->second;
    const bool from_low = sender == flow::Sender::low;
    const bool opening = (headers->tcp_control_bits & (syn | ack)) == syn;
    const bool answer = (headers->tcp_control_bits & (syn | ack)) == (syn | ack);
    if (fresh) {
        flow.id = flows_.size();
        flow.client_is_low = answer ? !from_low : from_low;
    }
    if (opening && !flow.opened) {
        flow.client_is_low = flow.has_session ? flow.client_is_low : from_low;
        flow.opened = true;
        flow.has_session = true;
    }
    flow.has_session = flow.has_session || options_.midstream;
    flow.last = packet.observed_at;
    feed(flow, packet, *headers);
    const bool from_client = from_low == flow.client_is_low;
    flow.answered = flow.answered || (answer && !from_client);
    flow.established = flow.established || (flow.opened && flow.answered && !answer && from_client);
}

void RulePlayer::feed(FlowState& flow, const Packet& packet, const decode::Headers& headers) {
    flow::FlowKey key;
    const bool from_low = flow::write_key(headers, false, key) == flow::Sender::low;
    const std::uint8_t side = from_low == flow.client_is_low ? 0 : 1;
    const auto other = static_cast<std::uint8_t>(1 - side);
    const Bytes network = network_of(packet, headers);
    const bool tcp = headers.protocol == protocol_tcp;
    const bool datagram = headers.protocol == protocol_udp;
    flow.seen.at(side) = true;
    flow.headers = side == 0 ? headers : turned(headers);
    flow.headers.payload = {};
    const bool whole = headers.fragment == decode::Fragment::none;
    const bool reads = whole && ((tcp && flow.has_session) || datagram);
    if (reads) {
        extract::PacketIn in{
            .protocol = headers.protocol, .side = side, .ports = {}, .at = packet.observed_at};
        in.ports = {headers.source_port, headers.destination_port};
        in.segment.payload = headers.payload;
        in.segment.wire_octets = static_cast<std::uint32_t>(headers.payload.size());
        in.segment.control_bits = headers.tcp_control_bits;
        const inspect::Inspected probe{.headers = headers, .network = network};
        const Bytes transport = inspect::PacketHeaders{probe}.transport();
        if (tcp && transport.size() >= 12) {
            in.segment.sequence = load_be32(transport.subspan<4, 4>());
            in.segment.acknowledgment = load_be32(transport.subspan<8, 4>());
        }
        extractor_.feed(flow.reading, in);
        flow.sip = flow.sip || (datagram && begins_sip(headers.payload));
    } else {
        extract::FlowReading nothing{};
        extractor_.finish(nothing, {});  // forgets what the last packet showed
    }
    look(flow, headers, side, network);
    const auto parts = extractor_.stream_parts();
    const auto found = extractor_.findings().view();
    const bool for_other =
        std::ranges::any_of(parts, [&](const auto& part) { return part.side == other; }) ||
        std::ranges::any_of(found, [&](const auto& one) { return one.side == other; });
    if (reads && for_other) {
        without_packet_ = true;
        look(flow, turned(headers), other, {});
        without_packet_ = false;
    }
}

RulePlayer::Fresh RulePlayer::collect(FlowState& flow, std::uint8_t side) {
    Fresh fresh;
    auto& stream = flow.streams.at(side);
    for (const extract::StreamPart& part : extractor_.stream_parts()) {
        if (part.side != side) {
            continue;
        }
        if (part.lost != 0) {
            stream.clear();  // what lies before a gap does not touch what comes behind it
            fresh.octets = 0;
        }
        if (stream.size() + part.octets.size() > stream_octets_max) {
            stream.erase(stream.begin(),
                         stream.begin() + static_cast<std::ptrdiff_t>(stream.size() / 2));
        }
        stream.insert(stream.end(), part.octets.begin(), part.octets.end());
        fresh.octets += part.octets.size();
    }
    return fresh;
}

void RulePlayer::look(FlowState& flow, const decode::Headers& headers, std::uint8_t side,
                      Bytes network) {
    const Fresh fresh = collect(flow, side);
    const Application application = application_of(flow);
    named_->begin(signatures_.set().prefilter());
    for (const extract::Found& found : extractor_.findings().view()) {
        const auto* const name = rule_buffer_of(found.buffer);
        if (found.side == side && name != nullptr) {
            named_->add({name->buffer, found.message, found.octets}, side == 0);
        }
    }
    if (headers.protocol == protocol_udp) {
        named_->add_datagram(application, headers.payload);
    }
    const auto& streams = flow.streams;
    inspect::Inspected packet{.headers = headers,
                              .network = network,
                              .at = flow.last,
                              .flow_id = flow.id,
                              .application = application,
                              .to_server = side == 0,
                              .established = flow.seen[0] && flow.seen[1]};
    if (headers.protocol == protocol_tcp && !(options_.midstream && !flow.opened)) {
        packet.established = flow.established;
    }
    packet.in_stream = headers.protocol == protocol_tcp && flow.has_session;
    packet.without_packet = without_packet_;
    packet.stream = streams.at(side);
    packet.stream_fresh = fresh.octets;
    packet.stream_octets = {streams[0].size(), streams[1].size()};
    packet.named = named_->view();
    packet.memory = &flow.memory;
    signatures_.inspect(packet, ring_);
    if (ring_.free_slots(4'096) < 4'096) {
        drain();
    }
}

void RulePlayer::finish_flows() {
    without_packet_ = true;
    for (auto& [key, flow] : flows_) {
        if (flow.headers.protocol == protocol_tcp && flow.has_session) {
            extractor_.finish(flow.reading,
                              {flow.headers.source_port, flow.headers.destination_port});
            look(flow, flow.headers, 0, {});
            look(flow, turned(flow.headers), 1, {});
        }
        extractor_.close(flow.reading);
    }
    flows_.clear();
    without_packet_ = false;
}

Application RulePlayer::application_of(const FlowState& flow) const {
    return flow.sip ? Application::sip : test_support::application_of(flow.reading.protocol);
}

}  // namespace tapmeter::test_support
