#include "pipeline/inspect/content_reader.h"

#include <string>
#include <utility>

namespace tapmeter::inspect {

namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::size_t tcp_header_octets = 20;

extract::PacketIn packet_in(const InspectedPacket& packet) noexcept {
    const decode::Headers& headers = packet.headers;
    extract::PacketIn in{.protocol = headers.protocol,
                         .side = side_of(packet.direction),
                         .ports = {headers.source_port, headers.destination_port},
                         .at = packet.at};
    in.segment.payload = headers.payload;
    in.segment.control_bits = headers.tcp_control_bits;
    in.segment.wire_octets = static_cast<std::uint32_t>(headers.payload.size());
    if (headers.protocol == protocol_tcp && headers.transport.size() >= tcp_header_octets) {
        in.segment.sequence = load_be32(headers.transport.subspan<4, 4>());
        in.segment.acknowledgment = load_be32(headers.transport.subspan<8, 4>());
        // What a snap length cut off was sent all the same.
        in.segment.wire_octets +=
            headers.transport_octets - static_cast<std::uint32_t>(headers.transport.size());
    }
    return in;
}

// True where no later packet can add to the facts: the first question and the first answer are
// there. Of other protocols their readers know.
bool has_all_facts(const extract::FlowReading& reading, const Metadata* metadata) noexcept {
    if (metadata == nullptr) {
        return false;
    }
    if (reading.protocol == Protocol::dns) {
        return metadata->dns.has_response;
    }
    constexpr std::uint16_t final_status = 200;
    return reading.protocol == Protocol::http && metadata->http.requests != 0 &&
           metadata->http.status >= final_status;
}

}  // namespace

std::uint64_t ContentReader::octets_for(const Settings& settings) noexcept {
    const extract::Extractor::Limits& limits = settings.extractor;
    return settings.states_max * sizeof(extract::FlowReading) +
           limits.metadata_max * (sizeof(Metadata) + sizeof(std::uint32_t)) +
           limits.streams.windows_max * limits.streams.window_octets;
}

Result<std::unique_ptr<ContentReader>> ContentReader::make(const Settings& settings,
                                                           std::unique_ptr<Comparison> comparison) {
    auto limits = settings.extractor;
    limits.populate = settings.populate;
    limits.options.bodies = comparison != nullptr;  // only signatures look at them
    auto extractor = extract::Extractor::reserve(limits);
    if (!extractor) {
        return tl::unexpected<Error>(std::move(extractor.error()));
    }
    auto region = Region::reserve({.octets = settings.states_max * sizeof(extract::FlowReading),
                                   .populate = settings.populate});
    if (!region) {
        return failed(Error::Kind::no_memory,
                      "no memory to read " + std::to_string(settings.states_max) +
                          " flows at one time; lower dpi.states_max or workers.count");
    }
    return std::unique_ptr<ContentReader>(new ContentReader(
        std::move(*extractor), std::move(*region), settings.states_max, std::move(comparison)));
}

ContentReader::ContentReader(extract::Extractor extractor, Region region, std::size_t states,
                             std::unique_ptr<Comparison> comparison)
    : extractor_(std::move(extractor)),
      region_(std::move(region)),
      comparison_(std::move(comparison)) {
    // Zeroed memory is an array of flows of which nothing was read.
    void* const first = region_.octets().data();
    readings_ = {static_cast<extract::FlowReading*>(first), states};
}

void ContentReader::begin(StateIndex state) noexcept {
    readings_[number_of(state)] = {};
    if (comparison_ != nullptr) {
        comparison_->begin(state);
    }
}

bool ContentReader::read(const InspectedPacket& packet) noexcept {
    extract::FlowReading& reading = readings_[number_of(packet.state)];
    return feed(packet, reading) && !has_all_facts(reading, extractor_.metadata_of(reading));
}

ContentReader::Wants ContentReader::compare(const InspectedPacket& packet, bool more_facts,
                                            bool compares) noexcept {
    const extract::FlowReading& reading = readings_[number_of(packet.state)];
    const Wants facts = more_facts ? Wants::facts : Wants::nothing;
    if (comparison_ == nullptr) {
        return facts;
    }
    if (!compares) {
        comparison_->shed(packet.state);
    }
    return comparison_->compare(packet, extractor_, reading) ? Wants::signatures : facts;
}

bool ContentReader::feed(const InspectedPacket& packet, extract::FlowReading& reading) noexcept {
    const std::uint8_t protocol = packet.headers.protocol;
    const bool is_readable = protocol == protocol_tcp || protocol == protocol_udp;
    if (!is_readable || packet.headers.fragment != decode::Fragment::none) {
        extractor_.clear();
        return is_readable;
    }
    return extractor_.feed(reading, packet_in(packet));
}

void ContentReader::finish(StateIndex state, const flow::Flow& flow) noexcept {
    extract::FlowReading& reading = readings_[number_of(state)];
    if (flow.key.protocol == protocol_tcp) {
        extractor_.finish(reading, {flow.key.low_port, flow.key.high_port});
    } else {
        extractor_.clear();
    }
    if (comparison_ != nullptr) {
        comparison_->finish(state, flow, extractor_, reading);
    }
}

std::uint32_t ContentReader::detach(StateIndex state) noexcept {
    if (comparison_ != nullptr) {
        keep_hits(state);
        comparison_->end(state);
    }
    return extractor_.detach(readings_[number_of(state)]);
}

const Metadata* ContentReader::metadata(StateIndex state) noexcept {
    if (comparison_ != nullptr) {
        keep_hits(state);
    }
    return extractor_.metadata_of(readings_[number_of(state)]);
}

// The record of a flow that hit something says so, whatever else is known of it.
void ContentReader::keep_hits(StateIndex state) noexcept {
    const SignatureHits hits = comparison_->hits(state);
    if (hits.matches == 0) {
        return;
    }
    if (Metadata* const metadata = extractor_.metadata_for(readings_[number_of(state)])) {
        metadata->signatures = hits;
    }
}

}  // namespace tapmeter::inspect
