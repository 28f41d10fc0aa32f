#include "pipeline/inspect/extract/quic.h"

#include <algorithm>
#include <optional>

#include "pipeline/inspect/extract/handshake.h"
#include "pipeline/inspect/extract/quic_parameters.h"
#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr unsigned long_header = 0x80;
constexpr unsigned fixed_bit = 0x40;
constexpr unsigned type_bits = 0x30;
constexpr std::uint32_t google_version = 0x5130'0000;  // "Q0.."
constexpr std::uint32_t google_version_mask = 0xffff'0000;
constexpr std::uint32_t google_q046 = 0x5130'3436;
constexpr std::uint32_t google_q050 = 0x5130'3530;
constexpr std::size_t frames_max = 512;

std::size_t bounded(std::uint64_t octets) noexcept {
    constexpr std::uint64_t more_than_any_datagram = 1U << 20U;
    return static_cast<std::size_t>(std::min(octets, more_than_any_datagram));
}

struct LongHeader {
    std::uint32_t version = 0;
    bool is_initial = false;
    Bytes destination{};
    std::size_t number_at = 0;
    std::size_t octets = 0;  // the whole packet; what follows is another
};

// RFC 9000 §17.2. Nothing: no long header of a version that is read, or one that lies.
std::optional<LongHeader> read_header(Bytes datagram, const QuicVersion& version) noexcept {
    Reader reader{datagram};
    const unsigned first = reader.u8();
    LongHeader header;
    header.version = reader.u32();
    header.destination = reader.vector8();
    reader.vector8();  // source connection id
    const unsigned type = (first & type_bits) >> 4U;
    constexpr unsigned retry_v1 = 3;
    constexpr unsigned retry_v2 = 0;
    if (reader.failed() || header.destination.size() > quic_cid_octets_max ||
        type == (version.is_v2 ? retry_v2 : retry_v1)) {
        return std::nullopt;
    }
    header.is_initial = type == (version.is_v2 ? 1U : 0U);
    if (header.is_initial) {
        reader.skip(bounded(read_varint(reader)));  // token
    }
    const std::size_t octets = bounded(read_varint(reader));
    if (reader.failed() || octets > reader.left()) {
        return std::nullopt;
    }
    header.number_at = datagram.size() - reader.left();
    header.octets = header.number_at + octets;
    return header;
}

std::optional<Bytes> try_keys(const QuicVersion& version, Bytes packet, const LongHeader& header,
                              const QuicPlace& place, bool from_client,
                              Findings& findings) noexcept {
    const Bytes id = from_client && !place.has_client
                         ? header.destination
                         : Bytes{place.connection_id}.first(place.connection_id_octets);
    return open_packet(initial_keys(version, id, from_client), packet, header.number_at,
                       findings.room());
}

void remember_client(Bytes connection_id, std::uint8_t side, QuicPlace& place) noexcept {
    std::ranges::copy(connection_id, place.connection_id.begin());
    place.connection_id_octets = static_cast<std::uint8_t>(connection_id.size());
    place.client_side = side;
    place.has_client = true;
}

// Opens an Initial packet. The sender of the first that opens is the client; behind a Retry it
// begins again with another id (RFC 9001 §5.2).
std::optional<Bytes> open_initial(const QuicVersion& version, Bytes packet,
                                  const LongHeader& header, QuicPlace& place,
                                  Context& context) noexcept {
    if (place.initials >= quic_initials_max) {
        context.count(ReadEvent::quic_budget_spent);
        place.done = {true, true};
        return std::nullopt;
    }
    ++place.initials;
    const bool from_client = !place.has_client || place.client_side == context.side;
    auto opened = try_keys(version, packet, header, place, from_client, context.findings);
    if (!opened && from_client && place.has_client) {
        QuicPlace anew = place;
        anew.has_client = false;
        opened = try_keys(version, packet, header, anew, true, context.findings);
        if (opened) {
            remember_client(header.destination, context.side, place);
        }
    }
    if (!opened) {
        context.count(ReadEvent::quic_not_decrypted);
        return std::nullopt;
    }
    if (!place.has_client) {
        remember_client(header.destination, context.side, place);
    }
    context.findings.keep(header.octets);
    return opened;
}

// Messages at the start of `unread`; returns the octets they took.
std::size_t read_messages(Bytes unread, QuicPlace& place, Context& context) noexcept {
    std::size_t consumed = 0;
    while (!place.done[context.side]) {
        Reader reader{unread.subspan(consumed)};
        const std::uint8_t type = reader.u8();
        const Bytes body = reader.vector24();
        if (reader.failed()) {
            break;
        }
        consumed += handshake::header_octets + body.size();
        place.done[context.side] = read_handshake(type, body, 'q', context);
    }
    return place.done[context.side] ? unread.size() : consumed;
}

void read_crypto(std::uint64_t offset, Bytes octets, QuicFlow& flow, Context& context) noexcept {
    if (offset > flow.reassembly.window_octets()) {
        return;
    }
    flow.stream.is_open = true;  // offsets begin at 0, whichever frame comes first
    auto step = flow.reassembly.feed(
        flow.stream, {.sequence = static_cast<std::uint32_t>(offset), .payload = octets});
    while (step.happened()) {
        flow.reassembly.consumed(flow.stream, step,
                                 read_messages(step.octets, flow.place, context));
        step = flow.reassembly.next(flow.stream);
    }
}

// RFC 9000 §19.3: skips the ranges.
void skip_ack(Reader& reader, bool has_ecn) noexcept {
    read_varint(reader);  // largest acknowledged
    read_varint(reader);  // delay
    const std::uint64_t ranges = std::min<std::uint64_t>(read_varint(reader), frames_max);
    read_varint(reader);  // first range
    for (std::uint64_t i = 0; i < ranges * 2 + (has_ecn ? 3 : 0) && !reader.failed(); ++i) {
        read_varint(reader);
    }
}

// The frames that Initial packets may have (RFC 9000 §12.4).
void read_frames(Bytes frames, QuicFlow& flow, Context& context) noexcept {
    Reader reader{frames};
    for (std::size_t count = 0; count < frames_max && !reader.empty();) {
        const std::uint8_t type = reader.u8();
        switch (type) {
            case 0x00:
                continue;  // PADDING: any number
            case 0x01:
                break;  // PING
            case 0x02:
            case 0x03:
                skip_ack(reader, type == 0x03);
                break;
            case 0x06: {  // CRYPTO
                const std::uint64_t offset = read_varint(reader);
                const Bytes octets = reader.take(bounded(read_varint(reader)));
                if (!reader.failed()) {
                    read_crypto(offset, octets, flow, context);
                }
                break;
            }
            case 0x1c:
                return;  // CONNECTION_CLOSE
            default:
                reader.fail();
                break;
        }
        ++count;
    }
    if (reader.failed()) {
        context.count(ReadEvent::quic_bad_frame);
    }
}

bool is_google_public(Bytes datagram) noexcept {
    constexpr unsigned has_version = 0x01;
    constexpr unsigned has_id = 0x08;
    Reader reader{datagram};
    const unsigned flags = reader.u8();
    reader.skip(8);  // connection id
    return (flags & (long_header | has_version | has_id)) == (has_version | has_id) &&
           (reader.u32() & google_version_mask) == google_version;
}

std::uint32_t version_of(Bytes datagram) noexcept {
    Reader reader{datagram};
    reader.skip(is_google_public(datagram) ? 9 : 1);
    return reader.u32();
}

bool is_google_clear(std::uint32_t version) noexcept {
    return (version & google_version_mask) == google_version && version <= google_q046;
}

}  // namespace

bool is_quic(Bytes datagram) noexcept {
    if (is_google_public(datagram)) {
        return true;
    }
    Reader reader{datagram};
    const unsigned first = reader.u8();
    const std::uint32_t version = reader.u32();
    if ((first & (long_header | fixed_bit)) != (long_header | fixed_bit)) {
        return false;
    }
    if (is_google_clear(version)) {
        return true;
    }
    const Bytes destination = reader.vector8();
    const Bytes source = reader.vector8();
    return quic_version_of(version).has_value() && !reader.failed() &&
           destination.size() <= quic_cid_octets_max && source.size() <= quic_cid_octets_max;
}

void read_quic(Bytes datagram, QuicFlow& flow, Context& context) noexcept {
    auto& quic = context.metadata.quic;
    for (std::size_t packet = 0; packet < quic_coalesced_max && !datagram.empty(); ++packet) {
        if (flow.place.done[context.side]) {
            return;
        }
        if (!is_quic(datagram)) {  // a short header, or padding behind the last packet
            const bool is_short = (datagram.front() & std::byte{long_header}) == std::byte{0};
            flow.place.done[context.side] = packet == 0 && is_short && flow.place.has_client;
            return;
        }
        const std::uint32_t number = version_of(datagram);
        quic.version = quic.version == 0 ? number : quic.version;
        if (is_google_clear(number)) {
            read_gquic_hello(datagram, context);
            return;
        }
        const auto version = quic_version_of(number);
        const auto header = version ? read_header(datagram, *version) : std::nullopt;
        if (!header) {
            context.count(version ? ReadEvent::quic_bad_header : ReadEvent::quic_unknown_version);
            return;
        }
        if (header->is_initial) {
            const Bytes octets = datagram.first(header->octets);
            const auto frames = open_initial(*version, octets, *header, flow.place, context);
            if (frames && number == google_q050) {
                read_gquic_hello(*frames, context);
            } else if (frames) {
                context.from_client = flow.place.client_side == context.side;
                read_frames(*frames, flow, context);
            }
        }
        datagram = datagram.subspan(header->octets);
    }
}

}  // namespace tapmeter::inspect::extract
