#include "pipeline/inspect/extract/dns.h"

#include <algorithm>
#include <chrono>

#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::uint16_t type_ns = 2;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;
constexpr std::uint16_t type_ptr = 12;
constexpr std::uint16_t type_mx = 15;
constexpr std::uint16_t type_txt = 16;
constexpr std::uint16_t type_srv = 33;

constexpr unsigned opcode_max = 6;  // RFC 8490 §5.4: DSO
constexpr std::size_t answers_walked_max = 64;
constexpr std::size_t record_octets_min = 11;   // root name, type, class, TTL, length
constexpr std::size_t question_octets_min = 5;  // root name, type, class

struct Header {
    std::uint16_t id = 0;
    bool is_response = false;
    unsigned opcode = 0;
    std::uint8_t response_code = 0;
    std::uint16_t questions = 0;
    std::uint16_t answers = 0;
    std::uint16_t others = 0;  // authority and additional records
};

// RFC 1035 §4.1.1. The octets are there.
Header read_header(Bytes message) noexcept {
    Reader reader{message.first(dns_header_octets)};
    Header header;
    header.id = reader.u16();
    const unsigned bits = reader.u16();
    header.is_response = (bits >> 15U) != 0;
    header.opcode = (bits >> 11U) & 0xfU;
    header.response_code = static_cast<std::uint8_t>(bits & 0xfU);
    header.questions = reader.u16();
    header.answers = reader.u16();
    header.others = static_cast<std::uint16_t>(
        std::min<unsigned>(0xffffU, unsigned{reader.u16()} + reader.u16()));
    return header;
}

struct Question {
    Bytes name{};
    std::uint16_t type = 0;
    std::uint16_t query_class = 0;
    std::size_t end = 0;  // 0: broken
};

Question read_question(Bytes message, std::size_t offset, Context& context) noexcept {
    Question question;
    std::size_t name_end = 0;
    const std::size_t length = write_dns_name(message, offset, context.findings.room(), name_end);
    question.name = context.findings.keep(length);
    if (name_end == 0) {
        context.count(ReadEvent::dns_bad_name);
        return question;
    }
    Reader reader{message.subspan(name_end)};
    question.type = reader.u16();
    question.query_class = reader.u16();
    if (reader.failed()) {
        context.count(ReadEvent::dns_bad_record);
        return question;
    }
    question.end = message.size() - reader.left();
    return question;
}

// What an answer tells: an address as it stands, a name dotted, a text without its first length.
Bytes data_of(Bytes message, std::size_t offset, std::uint16_t type, std::size_t octets,
              Findings& findings) noexcept {
    std::size_t name_at = offset;
    switch (type) {
        case type_mx:
            name_at += 2;
            break;  // preference
        case type_srv:
            name_at += 6;
            break;  // priority, weight, port
        case type_ns:
        case type_cname:
        case type_soa:
        case type_ptr:
            break;
        case type_txt:
            return message.subspan(offset, octets).subspan(octets == 0 ? 0 : 1);
        default:
            return message.subspan(offset, octets);
    }
    std::size_t end = 0;
    return findings.keep(write_dns_name(message, name_at, findings.room(), end));
}

void read_answers(Bytes message, std::size_t offset, const Header& header,
                  Context& context) noexcept {
    auto& dns = context.metadata.dns;
    std::array<std::byte, dns_name_octets_max> unread_name{};
    const std::size_t count = std::min<std::size_t>(header.answers, answers_walked_max);
    for (std::size_t i = 0; i < count && dns.answers_kept < dns_answers_max; ++i) {
        std::size_t name_end = 0;
        write_dns_name(message, offset, unread_name, name_end);
        if (name_end == 0) {
            context.count(ReadEvent::dns_bad_name);
            return;
        }
        Reader reader{message.subspan(name_end)};
        DnsAnswer answer{};
        answer.type = reader.u16();
        reader.u16();  // class
        answer.time_to_live = reader.u32();
        const std::size_t octets = reader.u16();
        const std::size_t data_at = message.size() - reader.left();
        reader.skip(octets);
        if (reader.failed()) {
            context.count(ReadEvent::dns_bad_record);
            return;
        }
        answer.data = context.metadata.keep(
            data_of(message, data_at, answer.type, octets, context.findings), text_max::dns_data);
        dns.answers[dns.answers_kept++] = answer;
        offset = data_at + octets;
    }
}

std::uint32_t microseconds_of(ObservedAt at) noexcept {
    const auto since =
        std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
    return static_cast<std::uint32_t>(since & 0xffff'ffff);
}

void await_response(std::uint16_t id, ObservedAt at, DnsPlace& place) noexcept {
    const std::size_t query = place.next % dns_pending_max;
    place.ids[query] = id;
    place.sent_microseconds[query] = microseconds_of(at);
    place.waiting = static_cast<std::uint8_t>(place.waiting | 1U << query);
    place.next = static_cast<std::uint8_t>((query + 1) % dns_pending_max);
}

void time_response(std::uint16_t id, ObservedAt at, DnsPlace& place, DnsMetadata& dns) noexcept {
    std::size_t query = 0;
    while (query < dns_pending_max &&
           ((place.waiting >> query & 1U) == 0 || place.ids[query] != id)) {
        ++query;
    }
    if (query == dns_pending_max) {
        return;
    }
    place.waiting = static_cast<std::uint8_t>(place.waiting & ~(1U << query));
    if (!dns.has_response_time) {
        dns.has_response_time = true;
        dns.response_microseconds = microseconds_of(at) - place.sent_microseconds[query];
    }
}

void count_up(std::uint16_t& counted) noexcept {
    counted = counted == 0xffffU ? counted : static_cast<std::uint16_t>(counted + 1);
}

}  // namespace

std::size_t write_dns_name(Bytes message, std::size_t offset, std::span<std::byte> text,
                           std::size_t& end) noexcept {
    constexpr unsigned pointer_bits = 0xc0;
    end = 0;
    std::size_t behind = 0;      // the name where it began, once a pointer left it
    std::size_t begin = offset;  // each pointer leads before all that was read of the name
    std::size_t wire_octets = 0;
    std::size_t used = 0;
    for (std::size_t pointers = 0; offset < message.size();) {
        const auto length = std::to_integer<std::size_t>(message[offset]);
        if (length == 0) {
            end = behind != 0 ? behind : offset + 1;
            return used;
        }
        if ((length & pointer_bits) == pointer_bits) {
            if (offset + 1 >= message.size() || ++pointers > dns_pointers_max) {
                return used;
            }
            const std::size_t target = ((length & ~std::size_t{pointer_bits}) << 8U) |
                                       std::to_integer<std::size_t>(message[offset + 1]);
            if (target >= begin) {
                return used;
            }
            behind = behind != 0 ? behind : offset + 2;
            begin = target;
            offset = target;
            continue;
        }
        wire_octets += length + 1;
        const bool fits = (length & pointer_bits) == 0 && length < message.size() - offset &&
                          wire_octets < dns_name_octets_max && used + length + 1 <= text.size();
        if (!fits) {
            return used;
        }
        if (used != 0) {
            text[used++] = std::byte{'.'};
        }
        std::ranges::copy(message.subspan(offset + 1, length), text.subspan(used).begin());
        used += length;
        offset += length + 1;
    }
    return used;
}

bool is_dns(Bytes octets) noexcept {
    if (octets.size() < dns_header_octets + question_octets_min) {
        return false;
    }
    const Header header = read_header(octets);
    const std::size_t octets_min = header.questions * question_octets_min +
                                   header.answers * record_octets_min +
                                   header.others * record_octets_min;
    constexpr std::uint16_t bits_must_be_zero = 0x0040;  // Z, RFC 1035 §4.1.1 and RFC 4035 §6
    const std::uint16_t bits = load_be16(octets.subspan(2).first<2>());
    if (header.opcode > 5 || (bits & bits_must_be_zero) != 0 || header.questions != 1 ||
        octets_min > octets.size() - dns_header_octets ||
        (!header.is_response && (header.response_code != 0 || header.answers != 0))) {
        return false;
    }
    std::array<std::byte, dns_name_octets_max> name{};
    std::size_t name_end = 0;
    write_dns_name(octets, dns_header_octets, name, name_end);
    if (name_end == 0 || octets.size() - name_end < 4) {
        return false;
    }
    const unsigned query_class = load_be16(octets.subspan(name_end + 2).first<2>());
    return (query_class & 0x7fffU) == 1 || query_class == 255;
}

void read_dns(Bytes message, ObservedAt at, DnsPlace& place, Context& context) noexcept {
    if (message.size() < dns_header_octets) {
        context.count(ReadEvent::dns_bad_header);
        return;
    }
    const Header header = read_header(message);
    if (header.opcode > opcode_max) {
        context.count(ReadEvent::dns_bad_header);
        return;
    }
    auto& dns = context.metadata.dns;
    context.count(header.is_response ? ReadEvent::dns_response : ReadEvent::dns_query);
    count_up(header.is_response ? dns.responses : dns.queries);
    const bool is_first_response = header.is_response && !dns.has_response;
    if (is_first_response) {
        dns.has_response = true;
        dns.response_code = header.response_code;
        dns.answers_told = header.answers;
    }
    if (header.is_response) {
        time_response(header.id, at, place, dns);
    } else {
        await_response(header.id, at, place);
    }
    std::size_t offset = dns_header_octets;
    const std::size_t questions = std::min<std::size_t>(header.questions, dns_questions_max);
    for (std::size_t i = 0; i < questions; ++i) {
        const Question question = read_question(message, offset, context);
        context.show(Buffer::dns_query, question.name);
        if (i == 0 && dns.query.empty() && dns.type == 0) {
            dns.id = header.id;
            dns.query = context.metadata.keep(question.name, text_max::name);
            dns.type = question.type;
            dns.query_class = question.query_class;
        }
        if (question.end == 0) {
            return;
        }
        offset = question.end;
    }
    if (is_first_response && header.questions <= dns_questions_max) {
        read_answers(message, offset, header, context);
    }
}

Read read_dns_stream(Bytes unread, bool last, DnsStream& stream, Context& context) noexcept {
    constexpr std::size_t length_octets = 2;
    Read read;
    while (true) {
        const Bytes rest = unread.subspan(read.consumed);
        const std::size_t octets =
            rest.size() < length_octets ? 0 : load_be16(rest.first<length_octets>());
        if (rest.size() < length_octets || rest.size() < length_octets + octets) {
            read.done = last;
            return read;
        }
        read_dns(rest.subspan(length_octets, octets), stream.at, stream.pending, context);
        read.consumed += length_octets + octets;
    }
}

}  // namespace tapmeter::inspect::extract
