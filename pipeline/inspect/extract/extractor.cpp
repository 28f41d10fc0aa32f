#include "pipeline/inspect/extract/extractor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "pipeline/inspect/extract/banner.h"
#include "pipeline/inspect/extract/http.h"
#include "pipeline/inspect/extract/smb.h"
#include "pipeline/inspect/extract/tls.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t datagrams_unknown_max = 4;
constexpr std::uint8_t later_steps_max = 32;

bool is_done(const FlowReading& flow) noexcept {
    return flow.done[0] && flow.done[1];
}

// What a reader of this protocol remembers; empty where another one had the flow before.
template <class Remembered>
Remembered& remembered_in(FlowReading& flow) noexcept {
    auto* const found = std::get_if<Remembered>(&flow.queries);
    return found != nullptr ? *found : flow.queries.emplace<Remembered>();
}

}  // namespace

Result<Extractor> Extractor::reserve(const Limits& limits) {
    constexpr std::size_t metadata_limit = std::size_t{1} << 24U;
    if (limits.metadata_max == 0 || limits.metadata_max > metadata_limit) {
        return failed(Error::Kind::invalid_config,
                      "inspect: metadata_max = " + std::to_string(limits.metadata_max) +
                          ": must be 1 to 16,777,216");
    }
    auto reassembly = Reassembly::reserve(limits.streams);
    if (!reassembly) {
        return tl::unexpected<Error>(reassembly.error());
    }
    auto metadata = PartPool<Metadata>::reserve(limits.metadata_max, limits.populate);
    if (!metadata) {
        return failed(Error::Kind::no_memory,
                      "no memory for what is found in " + std::to_string(limits.metadata_max) +
                          " flows; lower dpi.metadata_max or workers.count");
    }
    return Extractor{std::move(*reassembly), std::move(*metadata), limits};
}

Extractor::Extractor(Reassembly reassembly, PartPool<Metadata> metadata, const Limits& limits)
    : reassembly_(std::move(reassembly)),
      options_(limits.options),
      metadata_(std::move(metadata)),
      spare_(std::make_unique<Metadata>()),
      findings_(std::make_unique<Findings>()),
      counters_(std::make_unique<ReadCounters>()),
      parts_(std::make_unique<std::array<StreamPart, parts_max>>()) {}

bool Extractor::feed(FlowReading& flow, const PacketIn& packet) noexcept {
    clear();
    if (packet.protocol == protocol_udp) {
        read_datagram(flow, packet);
    } else if (packet.protocol == protocol_tcp) {
        if (begins_again(flow, packet)) {
            const std::uint32_t metadata = flow.metadata;
            reassembly_.close(flow.streams[0]);
            reassembly_.close(flow.streams[1]);
            flow = {};
            flow.metadata = metadata;
        }
        const std::uint8_t side = packet.side;
        const auto other = static_cast<std::uint8_t>(1 - side);
        read_steps(flow, side, reassembly_.feed(flow.streams[side], packet.segment), packet);
        if ((packet.segment.control_bits & tcp::ack) != 0) {
            read_steps(flow, other,
                       reassembly_.acknowledged(flow.streams[other], packet.segment.acknowledgment),
                       packet);
        }
    }
    if (findings_->left_out() != 0) {
        (*counters_)[index_of(ReadEvent::findings_left_out)].add(findings_->left_out());
    }
    const bool may_turn = flow.later_steps < later_steps_max && flow.protocol != Protocol::tls &&
                          packet.protocol == protocol_tcp && !flow.was_told;
    return !is_done(flow) || may_turn;
}

// A SYN for a connection that is under way, with another number: the ports are used again.
bool Extractor::begins_again(const FlowReading& flow, const PacketIn& packet) const noexcept {
    const Segment& segment = packet.segment;
    const bool is_opening = (segment.control_bits & (tcp::syn | tcp::ack)) == tcp::syn;
    const Stream& stream = flow.streams[packet.side];
    return is_opening && stream.is_open && stream.delivered != 0 &&
           segment.sequence + 1 != stream.next_sequence - stream.delivered;
}

void Extractor::finish(FlowReading& flow, Ports ports) noexcept {
    clear();
    const PacketIn ending{.protocol = protocol_tcp, .ports = ports};
    for (const std::uint8_t side : {std::uint8_t{0}, std::uint8_t{1}}) {
        read_steps(flow, side, reassembly_.finish(flow.streams[side]), ending);
    }
}

void Extractor::close(FlowReading& flow) noexcept {
    if (const std::uint32_t metadata = detach(flow); metadata != 0) {
        metadata_.release(metadata);
    }
}

std::uint32_t Extractor::detach(FlowReading& flow) noexcept {
    reassembly_.close(flow.streams[0]);
    reassembly_.close(flow.streams[1]);
    const std::uint32_t metadata = flow.metadata;
    flow = {};
    return metadata;
}

void Extractor::set_protocol(FlowReading& flow, Protocol protocol) noexcept {
    if (flow.protocol == protocol) {
        return;
    }
    recognise(flow, protocol);
    flow.places = {};
    flow.done = {};
    flow.was_told = true;
}

void Extractor::recognise(FlowReading& flow, Protocol protocol) noexcept {
    flow.protocol = protocol;
    if (flow.metadata != 0 || protocol == Protocol::unknown) {
        return;
    }
    if (Metadata* const metadata = metadata_for(flow); metadata != nullptr) {
        metadata->protocol = protocol;
    }
}

Metadata* Extractor::metadata_for(FlowReading& flow) noexcept {
    if (flow.metadata == 0) {
        flow.metadata = metadata_.take();
    }
    if (flow.metadata == 0) {
        (*counters_)[index_of(ReadEvent::no_metadata_slot)].add(1);
        return nullptr;
    }
    return &metadata_.at(flow.metadata);
}

Context Extractor::context_of(FlowReading& flow, std::uint8_t side) noexcept {
    if (flow.metadata == 0) {
        *spare_ = {};
        spare_->protocol = flow.protocol;
    }
    return {.metadata = flow.metadata == 0 ? *spare_ : metadata_.at(flow.metadata),
            .findings = *findings_,
            .counters = *counters_,
            .options = options_,
            .side = side,
            .from_client = side == 0};
}

void Extractor::read_steps(FlowReading& flow, std::uint8_t side, Delivery step,
                           const PacketIn& packet) noexcept {
    Stream& stream = flow.streams[side];
    std::uint32_t lost = 0;
    while (step.happened()) {
        const Bytes fresh = step.octets.subspan(step.fresh_from);
        if (!fresh.empty() && parts_count_ < parts_max) {
            (*parts_)[parts_count_++] = {.octets = fresh, .lost = lost, .side = side};
        }
        lost = step.lost;
        const std::size_t consumed = read_step(flow, side, step, packet);
        reassembly_.consumed(stream, step, consumed);
        step = reassembly_.next(stream);
    }
}

// Returns how many octets of the step are done with.
std::size_t Extractor::read_step(FlowReading& flow, std::uint8_t side, const Delivery& step,
                                 const PacketIn& packet) noexcept {
    std::size_t consumed = 0;
    if (flow.done[side] && turns_to_tls(flow, step)) {
        consumed = step.fresh_from;
    }
    const bool ends_here = step.last || step.lost != 0;
    // A connection may change its protocol twice: proxied, then encrypted.
    for (unsigned protocols_met = 0; protocols_met < 3 && !flow.done[side]; ++protocols_met) {
        const Bytes unread = step.octets.subspan(consumed);
        if (flow.protocol == Protocol::unknown) {
            const Recognised first = recognise_stream(unread, packet.ports);
            if (first.wants_more() && !ends_here) {
                return consumed;
            }
            if (!first.is_certain()) {
                (*counters_)[index_of(ReadEvent::stream_unknown)].add(unread.empty() ? 0 : 1);
                flow.done[side] = !unread.empty() || step.last;
                break;
            }
            recognise(flow, first.protocol);
        }
        Context context = context_of(flow, side);
        const Read read = read_stream(flow, unread, ends_here, packet.at, context);
        consumed += read.consumed;
        if (read.switched) {
            flow.protocol = Protocol::unknown;
            flow.places = {};
            flow.done = {};
            continue;
        }
        if (step.lost != 0) {
            if (!step.octets.empty()) {
                context.count(ReadEvent::broken_by_gap);
            }
            pass_http_gap(step.lost, flow.places[side]);
            flow.done[side] = flow.protocol != Protocol::http;
            return step.octets.size();
        }
        flow.done[side] = read.done || step.last;
        break;
    }
    return flow.done[side] ? step.octets.size() : consumed;
}

// Mail, databases and others begin in the clear and turn to TLS when both sides have agreed.
bool Extractor::turns_to_tls(FlowReading& flow, const Delivery& step) noexcept {
    const bool may_turn = flow.protocol == Protocol::unknown || flow.protocol == Protocol::smtp ||
                          flow.protocol == Protocol::ftp;
    const Bytes fresh = step.octets.subspan(step.fresh_from);
    if (!may_turn || flow.was_told || fresh.empty() || flow.later_steps >= later_steps_max) {
        return false;
    }
    ++flow.later_steps;
    if (!begins_tls(fresh)) {
        return false;
    }
    recognise(flow, Protocol::tls);
    flow.places = {};
    flow.done = {};
    return true;
}

Read Extractor::read_stream(FlowReading& flow, Bytes unread, bool last, ObservedAt at,
                            Context& context) noexcept {
    Place& place = flow.places[context.side];
    switch (flow.protocol) {
        case Protocol::tls:
            return read_tls(unread, last, place, context);
        case Protocol::http:
            return read_http(unread, last, place, flow.places[1 - context.side], context);
        case Protocol::dns: {
            DnsStream stream{.at = at, .pending = remembered_in<DnsPlace>(flow)};
            return read_dns_stream(unread, last, stream, context);
        }
        case Protocol::ssh:
            return read_ssh(unread, last, place, context);
        case Protocol::smtp:
        case Protocol::ftp:
            return read_greeting(unread, last, place, context);
        case Protocol::smb:
            return read_smb(unread, last, place, context);
        default:
            return {.consumed = unread.size(), .done = true};
    }
}

void Extractor::read_datagram(FlowReading& flow, const PacketIn& packet) noexcept {
    if (is_done(flow) || packet.segment.payload.empty()) {
        return;
    }
    const Bytes datagram = packet.segment.payload;
    if (flow.protocol == Protocol::unknown) {
        const Recognised first = recognise_datagram(datagram, packet.ports);
        if (!first.is_certain()) {
            (*counters_)[index_of(ReadEvent::datagram_unknown)].add(1);
            const bool is_enough = ++flow.datagrams_unknown >= datagrams_unknown_max;
            flow.done = {is_enough, is_enough};
            return;
        }
        recognise(flow, first.protocol);
    }
    Context context = context_of(flow, packet.side);
    switch (flow.protocol) {
        case Protocol::dns:
            read_dns(datagram, packet.at, remembered_in<DnsPlace>(flow), context);
            break;
        case Protocol::http:
            read_http_datagram(datagram, context);
            break;
        case Protocol::quic: {
            auto& place = remembered_in<QuicPlace>(flow);
            QuicFlow quic{
                .place = place, .reassembly = reassembly_, .stream = flow.streams[packet.side]};
            read_quic(datagram, quic, context);
            flow.done = place.done;
            break;
        }
        default:
            flow.done = {true, true};
            break;
    }
}

void Extractor::clear() noexcept {
    findings_->clear();
    parts_count_ = 0;
}

}  // namespace tapmeter::inspect::extract
