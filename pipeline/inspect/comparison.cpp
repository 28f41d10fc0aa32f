#include "pipeline/inspect/comparison.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "pipeline/base/expects.h"

namespace tapmeter::inspect {

namespace {

using rules::Application;

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;

// A side whose stream never ends is looked at for so many times its inspected part, headers
// included: what it sends then are acknowledgments.
constexpr std::size_t parts_of_bare_packets = 4;

// A fragment whose datagram is looked at once it is whole has cost little until then.
constexpr std::uint32_t octets_of_part = 8;

Application application_read(Protocol protocol) noexcept {
    switch (protocol) {
        case Protocol::http:
            return Application::http;
        case Protocol::tls:
            return Application::tls;
        case Protocol::quic:
            return Application::quic;
        case Protocol::dns:
            return Application::dns;
        case Protocol::ssh:
            return Application::ssh;
        case Protocol::smtp:
            return Application::smtp;
        case Protocol::ftp:
            return Application::ftp;
        case Protocol::smb:
            return Application::smb;
        default:
            return Application::unknown;
    }
}

// The extractors' parts by the numbers that rules give them; none for what no rule can name.
using RuleBuffers = std::array<const rules::BufferName*, buffers>;

const RuleBuffers& rule_buffers() noexcept {
    static const RuleBuffers all = [] {
        RuleBuffers found{};
        std::ranges::transform(buffer_names, found.begin(), rules::find_buffer_name);
        return found;
    }();
    return all;
}

bool begins_sip(Bytes payload) noexcept {
    const std::string_view text = extract::text_of(payload);
    return text.substr(0, text.find('\n')).find("SIP/2.0") != std::string_view::npos;
}

// What the flow says of a packet that nobody sent: a stream has gone on without one.
decode::Headers headers_of(const flow::Flow& flow, std::uint8_t side) noexcept {
    const bool initiator_is_high = (flow.state & flow::state::initiator_is_high) != 0;
    const bool from_low = (side == 0) != initiator_is_high;
    decode::Headers headers;
    headers.source = from_low ? flow.key.low : flow.key.high;
    headers.destination = from_low ? flow.key.high : flow.key.low;
    headers.source_port = from_low ? flow.key.low_port : flow.key.high_port;
    headers.destination_port = from_low ? flow.key.high_port : flow.key.low_port;
    headers.protocol = flow.key.protocol;
    headers.ip_version = flow.key.ip_version;
    headers.vlan = flow.key.vlan;
    return headers;
}

decode::Headers turned(const decode::Headers& headers) noexcept {
    decode::Headers other = headers;
    std::swap(other.source, other.destination);
    std::swap(other.source_port, other.destination_port);
    other.payload = {};
    return other;
}

std::size_t memories_for(std::size_t states) noexcept {
    return (states + Comparison::states_a_memory - 1) / Comparison::states_a_memory;
}

bool shows_something_of(std::uint8_t side, const extract::Extractor& extractor) noexcept {
    const auto of_side = [side](const auto& part) { return part.side == side; };
    return std::ranges::any_of(extractor.stream_parts(), of_side) ||
           std::ranges::any_of(extractor.findings().view(), of_side);
}

}  // namespace

std::uint64_t Comparison::octets_for(const Settings& settings) noexcept {
    return settings.states_max * sizeof(Compared) +
           memories_for(settings.states_max) * sizeof(SignatureMemory) +
           StreamHistory::octets_for(settings.side_octets_max, settings.histories_max);
}

Result<std::unique_ptr<Comparison>> Comparison::make(Settings settings) {
    expects(settings.kit != nullptr && settings.alerts != nullptr);
    auto histories =
        StreamHistory::reserve(settings.side_octets_max, settings.histories_max, settings.populate);
    if (!histories) {
        return tl::unexpected<Error>(std::move(histories.error()));
    }
    auto flows = Region::reserve(
        {.octets = settings.states_max * sizeof(Compared), .populate = settings.populate});
    auto memories =
        PartPool<SignatureMemory>::reserve(memories_for(settings.states_max), settings.populate);
    if (!flows || !memories) {
        return failed(Error::Kind::no_memory,
                      "no memory to compare " + std::to_string(settings.states_max) +
                          " flows with signatures; lower dpi.states_max or workers.count");
    }
    Parts parts{std::move(*histories), std::move(*memories), std::move(*flows)};
    return std::unique_ptr<Comparison>(new Comparison(settings, std::move(parts)));
}

Comparison::Comparison(Settings& settings, Parts parts)
    : alerts_(*settings.alerts),
      signatures_(std::move(settings.kit), settings.worker),
      histories_(std::move(parts.histories)),
      memories_(std::move(parts.memories)),
      flows_memory_(std::move(parts.flows)),
      side_octets_max_(settings.side_octets_max),
      midstream_(settings.midstream) {
    // Zeroed memory is an array of flows of which nothing is known.
    void* const first = flows_memory_.octets().data();
    flows_ = {static_cast<Compared*>(first), settings.states_max};
    rule_buffers();
}

bool Comparison::compare(const InspectedPacket& packet, const extract::Extractor& extractor,
                         const extract::FlowReading& reading) noexcept {
    Compared& flow = flows_[number_of(packet.state)];
    if (flow.over) {
        return false;
    }
    const std::uint8_t side = side_of(packet.direction);
    const std::uint8_t other = other_side(side);
    const decode::Headers& headers = packet.headers;
    flow.flow_id = packet.flow_id;
    flow.observation_point = packet.observation_point;
    flow.last = packet.at;
    flow.seen[side] = true;
    flow.spoken = packet.spoken;
    const bool was_opened = flow.opened;
    const bool was_answered = flow.answered;
    note_opening(flow, packet);
    if (headers.protocol == protocol_udp && reading.protocol == Protocol::unknown) {
        flow.is_sip = flow.is_sip || begins_sip(headers.payload);
    }

    const Shown shown{extractor, reading};
    if (!flow.spent[side]) {
        look(flow, {.headers = headers, .side = side, .without_packet = false}, shown);
    }
    if (!flow.spent[other] && shows_something_of(other, extractor)) {
        look(flow, {.headers = turned(headers), .side = other, .without_packet = true}, shown);
    }
    // The packet that completes the handshake is still before it.
    flow.established = flow.established || (was_opened && was_answered && side == 0);
    spend(flow, packet, shown);
    flow.over = flow.spent[0] && flow.spent[1];
    return !flow.over;
}

void Comparison::note_opening(Compared& flow, const InspectedPacket& packet) const noexcept {
    const auto bits = packet.headers.tcp_control_bits;
    if (packet.headers.protocol != protocol_tcp || (bits & tcp::syn) == 0) {
        return;
    }
    const bool is_answer = (bits & tcp::ack) != 0;
    flow.opened = flow.opened || !is_answer;
    flow.answered = flow.answered || (is_answer && packet.direction == Direction::from_responder);
}

// Who reads a flow knows best what it is; of all others a dissector does.
rules::Application Comparison::application_of(const Compared& flow,
                                              const extract::FlowReading& reading) noexcept {
    if (flow.is_sip) {
        return Application::sip;
    }
    const Application read = application_read(reading.protocol);
    return read == Application::unknown ? flow.spoken : read;
}

bool Comparison::in_session(const Compared& flow, std::uint8_t protocol) const noexcept {
    return protocol == protocol_tcp && (flow.opened || midstream_);
}

void Comparison::look(Compared& flow, const Look& at, const Shown& shown) noexcept {
    const bool is_tcp = at.headers.protocol == protocol_tcp;
    const bool session = in_session(flow, at.headers.protocol);
    const Fresh fresh = session ? collect(flow, at.side, shown) : Fresh{};
    // Of a connection whose beginning was not seen nobody reads the stream.
    const Application application =
        session || !is_tcp ? application_of(flow, shown.reading) : Application::unknown;
    named_.begin(signatures_.set().prefilter());
    if (session || !is_tcp) {
        name_parts(at, application, shown);
    }
    Inspected packet{.headers = at.headers,
                     .network = at.without_packet ? Bytes{} : at.headers.ip,
                     .at = flow.last,
                     .flow_id = flow.flow_id,
                     .observation_point = flow.observation_point,
                     .application = application,
                     .to_server = at.side == 0,
                     .established = flow.seen[0] && flow.seen[1]};
    if (is_tcp && (flow.opened || !midstream_)) {
        packet.established = flow.established;
    }
    packet.without_packet = at.without_packet;
    packet.in_stream = session;
    packet.stream = fresh.stream;
    packet.stream_fresh = fresh.octets;
    packet.stream_octets = {shown.reading.streams[0].delivered, shown.reading.streams[1].delivered};
    packet.named = named_.view();
    packet.memory = &memory_of(flow);
    signatures_.inspect(packet, alerts_);
    keep_memory(flow);
}

SignatureMemory& Comparison::memory_of(const Compared& flow) noexcept {
    return flow.memory == 0 ? nothing_yet_ : memories_.at(flow.memory);
}

// What the first packet that made a rule remember something has left goes with its flow.
void Comparison::keep_memory(Compared& flow) noexcept {
    if (flow.memory != 0 || nothing_yet_.is_empty()) {
        return;
    }
    flow.memory = memories_.take();
    if (flow.memory != 0) {
        memories_.at(flow.memory) = nothing_yet_;
    } else {
        ++memories_refused_;
    }
    nothing_yet_ = {.generation = nothing_yet_.generation};
}

void Comparison::name_parts(const Look& at, Application application, const Shown& shown) noexcept {
    for (const extract::Found& found : shown.extractor.findings().view()) {
        const auto* const name = rule_buffers()[static_cast<std::size_t>(found.buffer)];
        if (found.side == at.side && name != nullptr) {
            named_.add({name->buffer, found.message, found.octets}, at.side == 0);
        }
    }
    if (at.headers.protocol == protocol_udp) {
        named_.add_datagram(application, at.headers.payload);
    }
}

// The side's stream in one piece, with what has just come.
Comparison::Fresh Comparison::collect(Compared& flow, std::uint8_t side,
                                      const Shown& shown) noexcept {
    Fresh fresh;
    StreamHistory::Place& history = flow.histories[side];
    for (const extract::StreamPart& part : shown.extractor.stream_parts()) {
        if (part.side != side) {
            continue;
        }
        if (part.lost != 0) {
            StreamHistory::restart(history);
            fresh.octets = 0;
        }
        fresh.stream = histories_.extend(history, part.octets);
        fresh.octets = std::min(fresh.octets + part.octets.size(), fresh.stream.size());
    }
    return fresh;
}

void Comparison::spend(Compared& flow, const InspectedPacket& packet, const Shown& shown) noexcept {
    const bool is_stream = packet.headers.protocol == protocol_tcp;
    const std::uint8_t sender = side_of(packet.direction);
    const bool is_part =
        packet.headers.fragment != decode::Fragment::none && packet.headers.payload.empty();
    flow.octets[sender] +=
        is_part ? octets_of_part : static_cast<std::uint32_t>(packet.headers.ip.size());
    const std::size_t most = side_octets_max_ * (is_stream ? parts_of_bare_packets : 1);
    for (const std::uint8_t side : {std::uint8_t{0}, std::uint8_t{1}}) {
        const bool closed = is_stream && shown.reading.streams[side].is_closed;
        if (!flow.spent[side] && (closed || flow.octets[side] >= most)) {
            flow.spent[side] = true;
            histories_.forget(flow.histories[side]);
        }
    }
}

void Comparison::finish(StateIndex state, const flow::Flow& flow,
                        const extract::Extractor& extractor,
                        const extract::FlowReading& reading) noexcept {
    Compared& compared = flows_[number_of(state)];
    if (compared.over || flow.key.protocol != protocol_tcp) {
        return;
    }
    for (const std::uint8_t side : {std::uint8_t{0}, std::uint8_t{1}}) {
        if (!compared.spent[side] && shows_something_of(side, extractor)) {
            look(compared,
                 {.headers = headers_of(flow, side), .side = side, .without_packet = true},
                 {extractor, reading});
        }
    }
    compared.over = true;
}

void Comparison::shed(StateIndex state) noexcept {
    Compared& flow = flows_[number_of(state)];
    if (!flow.over) {
        flow.over = true;
        ++flows_shed_;
    }
}

SignatureHits Comparison::hits(StateIndex state) const noexcept {
    const std::uint32_t number = flows_[number_of(state)].memory;
    if (number == 0) {
        return {};
    }
    const SignatureMemory& memory = memories_.at(number);
    SignatureHits hits{.matches = memory.matches, .sids_count = memory.sids_count};
    std::ranges::copy(memory.sids, hits.sids.begin());
    return hits;
}

void Comparison::tell(SignatureBooks& to) const noexcept {
    const SignatureCounters& counters = signatures_.counters();
    to = {.packets = counters.packets.read(),
          .octets = counters.octets.read(),
          .candidates = counters.candidates.read(),
          .matches = counters.matches.read(),
          .silent = counters.silent.read(),
          .passed = counters.passed.read(),
          .raised = counters.raised.read(),
          .emitted = counters.emitted.read(),
          .refused = counters.refused.read(),
          .suppressed = counters.suppressed.read(),
          .flows_shed = flows_shed_,
          .histories_refused = histories_.refused(),
          .memories_refused = memories_refused_,
          .limited = counters.scans_cut.read() + counters.candidates_left_out.read() +
                     counters.gave_up.read() + counters.partials_lost.read() + named_.left_out(),
          .reloads = counters.reloads.read()};
}

void Comparison::end(StateIndex state) noexcept {
    Compared& flow = flows_[number_of(state)];
    histories_.forget(flow.histories[0]);
    histories_.forget(flow.histories[1]);
    if (flow.memory != 0) {
        memories_.release(flow.memory);
        flow.memory = 0;
    }
}

}  // namespace tapmeter::inspect
