#include "pipeline/inspect/dns_opening.h"

#include <algorithm>
#include <array>

#include "pipeline/base/bytes.h"

namespace tapmeter::inspect {
namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::size_t udp_header_octets = 8;
constexpr std::size_t tcp_header_octets = 20;  // and options
constexpr std::uint16_t dns_port = 53;

constexpr std::size_t message_header_octets = 12;
constexpr std::size_t question_tail_octets = 4;  // QTYPE and QCLASS
constexpr std::size_t message_octets_max = 512;

// A reader that is asked first whether there is more.
class Cursor {
public:
    explicit Cursor(Bytes octets) noexcept : octets_(octets) {}

    bool has(std::size_t octets) const noexcept { return octets_.size() >= octets; }
    std::uint8_t be8() noexcept { return load_be8(take<1>()); }
    std::uint16_t be16() noexcept { return load_be16(take<2>()); }
    void skip(std::size_t octets) noexcept { octets_ = octets_.subspan(octets); }

private:
    template <std::size_t octets>
    std::span<const std::byte, octets> take() noexcept {
        const auto taken = octets_.first<octets>();
        skip(octets);
        return taken;
    }

    Bytes octets_;
};

// In lower case, if it is a character that names of hosts have; 0: another one.
constexpr char name_character(std::uint8_t octet) noexcept {
    if (octet >= 'A' && octet <= 'Z') {
        return static_cast<char>(octet - 'A' + 'a');
    }
    const bool known = (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') ||
                       octet == '-' || octet == '_';
    return known ? static_cast<char>(octet) : '\0';
}

// The name at the cursor, which is then behind it; empty: it is not plain.
std::string_view read_name(Cursor& cursor, PlainName& room) noexcept {
    constexpr std::uint8_t label_octets_max = 63;  // more: a pointer, which a question has not
    std::size_t length = 0;
    while (cursor.has(1)) {
        const std::uint8_t label_octets = cursor.be8();
        if (label_octets == 0) {
            return {room.data(), length};
        }
        if (label_octets > label_octets_max || !cursor.has(label_octets) ||
            length + 1 + label_octets > room.size()) {
            return {};
        }
        if (length != 0) {
            room[length++] = '.';
        }
        for (std::uint8_t i = 0; i < label_octets; ++i) {
            const char character = name_character(cursor.be8());
            if (character == '\0') {
                return {};
            }
            room[length++] = character;
        }
    }
    return {};
}

enum class RecordKind : std::uint8_t { common, alias, odd };

constexpr RecordKind kind_of(std::uint16_t type) noexcept {
    switch (type) {
        case 5:  // CNAME
            return RecordKind::alias;
        case 1:   // A
        case 2:   // NS
        case 6:   // SOA
        case 12:  // PTR
        case 15:  // MX
        case 16:  // TXT
        case 28:  // AAAA
        case 64:  // SVCB
        case 65:  // HTTPS
            return RecordKind::common;
        default:
            return RecordKind::odd;
    }
}

// Whether the answers, up to the first that is no alias, are whole and of common kinds.
bool are_plain(Cursor answers, unsigned count) noexcept {
    constexpr std::size_t fixed_octets = 12;  // the name as a pointer, TYPE, CLASS, TTL, RDLENGTH
    constexpr std::size_t class_and_ttl_octets = 6;
    constexpr std::uint8_t pointer = 0xC0;  // to one of the first 256 octets
    for (unsigned i = 0; i < count; ++i) {
        if (!answers.has(fixed_octets) || answers.be8() != pointer) {
            return false;
        }
        answers.skip(1);
        const RecordKind kind = kind_of(answers.be16());
        answers.skip(class_and_ttl_octets);
        const std::uint16_t data_octets = answers.be16();
        if (kind == RecordKind::odd || !answers.has(data_octets)) {
            return false;
        }
        if (kind == RecordKind::common) {
            return true;
        }
        answers.skip(data_octets);
    }
    return true;
}

// The name that a plain query asks for, or a plain response with records in it answers; empty: it
// is not plain.
std::string_view read_message(Bytes message, bool is_response, PlainName& room) noexcept {
    constexpr unsigned answers_max = 16;
    constexpr unsigned records_max = 255;
    constexpr std::uint16_t response_bit = 0x8000;
    if (message.size() <= message_header_octets || message.size() > message_octets_max) {
        return {};
    }
    Cursor cursor(message);
    cursor.skip(2);
    const std::uint16_t flags = cursor.be16();
    const std::uint16_t questions = cursor.be16();
    const std::uint16_t answers = cursor.be16();
    const std::uint16_t authorities = cursor.be16();
    const unsigned records = unsigned{answers} + authorities + cursor.be16();
    const bool counts_are_plain =
        is_response ? answers <= answers_max && records != 0 && records <= records_max
                    : answers == 0 && authorities == 0;
    if (((flags & response_bit) != 0) != is_response || questions != 1 || !counts_are_plain) {
        return {};
    }
    const std::string_view name = read_name(cursor, room);
    if (!cursor.has(question_tail_octets) || cursor.be16() == 0) {
        return {};
    }
    cursor.skip(2);
    return !is_response || are_plain(cursor, answers) ? name : std::string_view{};
}

// Of those above 1023 all but the ones of mDNS and LLMNR, and those of TCP by which alone nDPI
// tells Targus Dataspeed.
bool is_client_port(std::uint16_t port) noexcept {
    constexpr std::uint16_t first_free = 1'024;
    constexpr std::array<std::uint16_t, 4> with_a_meaning{5'001, 5'201, 5'353, 5'355};
    return port >= first_free && std::ranges::find(with_a_meaning, port) == with_a_meaning.end();
}

// One IP packet, as long as it says, its transport header directly behind the one of IP.
bool is_whole(const decode::Headers& headers) noexcept {
    const bool ipv4 = headers.ip_version == 4;
    const std::size_t ip_header_octets = ipv4 ? 20 : 40;
    if (headers.fragment != decode::Fragment::none ||
        headers.ip.size() != ip_header_octets + headers.transport.size()) {
        return false;
    }
    const std::size_t octets =
        ipv4 ? load_be16(headers.ip.subspan<2, 2>())                      // Total Length
             : ip_header_octets + load_be16(headers.ip.subspan<4, 2>());  // Payload Length
    return headers.ip.size() == octets;
}

}  // namespace

DnsOpening::Part DnsOpening::take(const decode::Headers& headers, PlainName& room,
                                  std::string_view& name) noexcept {
    const bool to_server =
        headers.destination_port == dns_port && is_client_port(headers.source_port);
    const bool from_server =
        headers.source_port == dns_port && is_client_port(headers.destination_port);
    Part part = Part::odd;
    if (stage_ != Stage::odd && (to_server || from_server) && is_whole(headers)) {
        if (headers.protocol == protocol_udp) {
            part = take_udp(headers, to_server, room, name);
        } else if (headers.protocol == protocol_tcp) {
            part = take_tcp(headers, to_server, room, name);
        }
    }
    if (part == Part::odd) {
        stage_ = Stage::odd;
    }
    return part;
}

DnsOpening::Part DnsOpening::take_udp(const decode::Headers& headers, bool to_server,
                                      PlainName& room, std::string_view& name) noexcept {
    constexpr std::size_t length_field = 4;
    if (headers.transport.size() != udp_header_octets + headers.payload.size() ||
        load_be16(headers.transport.subspan<length_field, 2>()) != headers.transport.size() ||
        (!to_server && stage_ != Stage::asked)) {
        return Part::odd;
    }
    name = read_message(headers.payload, !to_server, room);
    if (name.empty()) {
        return Part::odd;
    }
    stage_ = Stage::asked;
    return to_server ? Part::query : Part::response;
}

struct DnsOpening::Segment {
    std::uint32_t sequence;
    std::uint32_t acknowledged;
    std::uint8_t flags;
    bool to_server;
};

DnsOpening::Part DnsOpening::take_tcp(const decode::Headers& headers, bool to_server,
                                      PlainName& room, std::string_view& name) noexcept {
    constexpr std::uint16_t push_acknowledge = 0x18;
    constexpr std::uint16_t push = 0x08;
    constexpr std::size_t length_octets = 2;  // before each message (RFC 1035 section 4.2.2)
    if (headers.transport.size() < tcp_header_octets) {
        return Part::odd;
    }
    const Segment segment{load_be32(headers.transport.subspan<4, 4>()),
                          load_be32(headers.transport.subspan<8, 4>()),
                          static_cast<std::uint8_t>(headers.tcp_control_bits), to_server};
    if (headers.payload.empty()) {
        return goes_on(segment) ? Part::handshake : Part::odd;
    }
    const bool in_order = to_server ? stage_ == Stage::open && segment.sequence == client_next_
                                    : stage_ == Stage::asked && segment.sequence == server_next_;
    if (!in_order || (segment.flags | push) != push_acknowledge ||
        headers.payload.size() < length_octets) {
        return Part::odd;
    }
    const std::size_t octets = load_be16(headers.payload.first<length_octets>());
    if (headers.payload.size() - length_octets < octets) {
        return Part::odd;
    }
    name = read_message(headers.payload.subspan(length_octets, octets), !to_server, room);
    if (name.empty()) {
        return Part::odd;
    }
    stage_ = Stage::asked;
    return to_server ? Part::query : Part::response;
}

// Whether the segment is the next one of a handshake.
bool DnsOpening::goes_on(const Segment& segment) noexcept {
    constexpr std::uint8_t syn = 0x02;
    constexpr std::uint8_t acknowledge = 0x10;
    switch (stage_) {
        case Stage::begins:
            client_next_ = segment.sequence + 1;
            stage_ = Stage::syn;
            return segment.to_server && segment.flags == syn;
        case Stage::syn:
            server_next_ = segment.sequence + 1;
            stage_ = Stage::syn_ack;
            return !segment.to_server && segment.flags == (syn | acknowledge) &&
                   segment.acknowledged == client_next_;
        case Stage::syn_ack:
            stage_ = Stage::open;
            return segment.to_server && segment.flags == acknowledge &&
                   segment.sequence == client_next_ && segment.acknowledged == server_next_;
        default:
            return false;
    }
}

}  // namespace tapmeter::inspect
