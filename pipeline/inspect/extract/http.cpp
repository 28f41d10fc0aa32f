#include "pipeline/inspect/extract/http.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "pipeline/inspect/extract/http_head.h"

namespace tapmeter::inspect::extract {

namespace {

// Place::phase.
enum Phase : std::uint8_t {
    in_head,      // Place::left: octets that were searched for its end
    in_body,      // Place::left: octets of the body that are not consumed
    in_chunks,    // Place::left: where the next chunk's line begins, from the first unread octet
    until_close,  // the body has no other end
};

// Place::flags.
constexpr std::uint8_t flag_is_response = 1U << 0U;
constexpr std::uint8_t flag_head = 1U << 1U;     // the last request was HEAD: no body answers
constexpr std::uint8_t flag_connect = 1U << 2U;  // the last request was CONNECT

constexpr std::uint32_t body_octets_max = 0xffff'ffff;

void keep_facts(const HttpHead& head, Context& context) noexcept {
    auto& http = context.metadata.http;
    auto& metadata = context.metadata;
    auto& counted = head.is_request ? http.requests : http.responses;
    const bool is_first = counted == 0;
    counted = counted == 0xffffU ? counted : static_cast<std::uint16_t>(counted + 1);
    if (!is_first) {
        return;
    }
    if (head.is_request) {
        http.version = head.version;
        http.method = metadata.keep(head.method, text_max::method);
        http.host = metadata.keep(head.host, text_max::name);
        http.uri = metadata.keep(head.target, text_max::uri);
        http.user_agent = metadata.keep(head.user_agent, text_max::user_agent);
        http.referer = metadata.keep(head.referer, text_max::referer);
        return;
    }
    http.status = head.status_code;
    http.content_type = metadata.keep(head.content_type, text_max::content_type);
    http.server = metadata.keep(head.server, text_max::server);
}

void show_if_there(Buffer buffer, Bytes octets, Context& context) noexcept {
    if (!octets.empty()) {
        context.show(buffer, octets);
    }
}

void show_request(const HttpHead& head, Context& context) noexcept {
    auto& findings = context.findings;
    context.show(Buffer::http_request_line, head.start_line);
    context.show(Buffer::http_method, head.method);
    context.show(Buffer::http_uri_raw, head.target);
    const auto room = findings.room();
    const Bytes target = head.target.first(std::min(head.target.size(), room.size()));
    context.show(Buffer::http_uri, findings.keep(write_normalised_target(target, room)));
    if (!head.host.empty()) {
        context.show(Buffer::http_host_raw, head.host);
        context.show(Buffer::http_host,
                     findings.keep(write_normalised_host(head.host, findings.room())));
    }
    show_if_there(Buffer::http_user_agent, head.user_agent, context);
    show_if_there(Buffer::http_referer, head.referer, context);
}

void show_head(const HttpHead& head, Context& context) noexcept {
    context.count(head.is_request ? ReadEvent::http_request : ReadEvent::http_response);
    keep_facts(head, context);
    if (head.is_request) {
        show_request(head, context);
    } else {
        context.show(Buffer::http_response_line, head.start_line);
        context.show(Buffer::http_stat_code, head.status);
        show_if_there(Buffer::http_stat_msg, head.reason, context);
        show_if_there(Buffer::http_server, head.server, context);
    }
    show_if_there(Buffer::http_cookie, head.cookie, context);
    show_if_there(Buffer::http_content_type, head.content_type, context);
    show_if_there(Buffer::http_header_raw, head.fields_raw, context);
    auto& findings = context.findings;
    const Bytes fields =
        head.is_plain ? head.fields : findings.keep(write_fields(head, findings.room()));
    show_if_there(Buffer::http_header, fields, context);
}

void show_body(Bytes body, const Place& place, Context& context) noexcept {
    const bool is_response = (place.flags & flag_is_response) != 0;
    show_if_there(is_response ? Buffer::http_response_body : Buffer::http_request_body, body,
                  context);
}

// What follows the head (RFC 9112 §6.3).
void begin_body(const HttpHead& head, const Place& other, Place& place) noexcept {
    place.phase = in_head;
    place.left = 0;
    place.need = 0;
    const std::uint16_t status = head.status_code;
    const bool has_none = !head.is_request && ((other.flags & flag_head) != 0 ||
                                               status / 100 == 1 || status == 204 || status == 304);
    if (has_none) {
        return;
    }
    if (head.is_chunked) {
        place.phase = in_chunks;
    } else if (head.content_length) {
        place.left = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(*head.content_length, body_octets_max));
        place.phase = place.left != 0 ? in_body : in_head;
    } else if (!head.is_request) {
        place.phase = until_close;
    }
}

std::size_t empty_lines(Bytes octets) noexcept {
    const std::size_t passed = text_of(octets).find_first_not_of("\r\n");
    return passed == std::string_view::npos ? octets.size() : passed;
}

std::uint8_t flags_of(const HttpHead& head) noexcept {
    if (!head.is_request) {
        return flag_is_response;
    }
    const std::string_view method = text_of(head.method);
    if (method == "HEAD") {
        return flag_head;
    }
    return method == "CONNECT" ? flag_connect : std::uint8_t{0};
}

// Empty lines before a message are to be ignored (RFC 9112 §2.2).
Read read_head(Bytes rest, bool last, Place& place, const Place& other, Context& context) noexcept {
    if (place.left == 0) {
        const std::size_t passed = empty_lines(rest);
        if (passed != 0) {
            return {.consumed = passed};
        }
    }
    if (rest.empty()) {
        return {.done = last};
    }
    if (!begins_http(rest)) {
        context.count(ReadEvent::http_bad_start_line);
        return {.done = true};
    }
    const auto end = http_head_end(rest, place.left);
    if (!end && !last) {
        place.left = static_cast<std::uint32_t>(rest.size());
        place.need = place.left + 1;
        return {};
    }
    const Bytes octets = rest.first(end.value_or(rest.size()));
    const auto head = read_http_head(octets);
    if (!head || (!end && head->version == 0)) {
        context.count(ReadEvent::http_bad_start_line);
        return {.done = true};
    }
    if (!end) {
        context.count(ReadEvent::http_head_too_long);
    }
    context.message = place.message++;
    show_head(*head, context);
    begin_body(*head, other, place);
    place.flags = flags_of(*head);
    const bool is_tunnel = (other.flags & flag_connect) != 0 && head->status_code / 100 == 2;
    return {.consumed = octets.size(),
            .done = !end,
            .switched = !head->is_request && (is_tunnel || head->status_code == 101)};
}

Read read_body(Bytes rest, bool last, Place& place, Context& context) noexcept {
    const std::size_t present = std::min<std::size_t>(place.left, rest.size());
    const bool is_whole = present == place.left;
    if (context.options.bodies && !is_whole && !last) {
        place.need = place.left;
        return {};
    }
    if (context.options.bodies) {
        context.message = static_cast<std::uint16_t>(place.message - 1);
        show_body(rest.first(present), place, context);
        if (!is_whole) {
            context.count(ReadEvent::http_body_cut);
        }
    }
    place.left -= static_cast<std::uint32_t>(present);
    place.phase = is_whole ? in_head : in_body;
    return {.consumed = present, .done = last && !is_whole};
}

// A chunk's line: its size, and the octets of line and data and line end (RFC 9112 §7.1).
struct Chunk {
    std::size_t line_octets = 0;  // 0: the line is not whole
    std::uint32_t data_octets = 0;
    bool is_bad = false;
};

Chunk chunk_at(Bytes octets) noexcept {
    constexpr std::size_t line_octets_max = 1'024;
    constexpr std::size_t digits_max = 7;
    const std::string_view text = text_of(octets.first(std::min(octets.size(), line_octets_max)));
    Chunk chunk;
    std::size_t digits = 0;
    for (const char c : text) {
        const std::size_t digit = std::string_view{"0123456789abcdef0123456789ABCDEF"}.find(c);
        if (digit == std::string_view::npos) {
            break;
        }
        chunk.data_octets = chunk.data_octets * 16 + static_cast<std::uint32_t>(digit % 16);
        if (++digits > digits_max) {
            break;
        }
    }
    const std::size_t end = text.find('\n');
    chunk.is_bad = digits > digits_max || (digits == 0 && !text.empty()) ||
                   (end == std::string_view::npos && text.size() == line_octets_max);
    chunk.line_octets = end == std::string_view::npos ? 0 : end + 1;
    return chunk;
}

// Data of the chunks in `raw`, put together in the findings' room.
Bytes data_of_chunks(Bytes raw, Findings& findings) noexcept {
    const auto room = findings.room();
    std::size_t used = 0;
    while (!raw.empty()) {
        const Chunk chunk = chunk_at(raw);
        if (chunk.is_bad || chunk.line_octets == 0 || chunk.data_octets == 0) {
            break;
        }
        raw = raw.subspan(chunk.line_octets);
        const std::size_t count =
            std::min({raw.size(), std::size_t{chunk.data_octets}, room.size() - used});
        std::ranges::copy(raw.first(count), room.subspan(used).begin());
        used += count;
        raw = raw.subspan(std::min(raw.size(), std::size_t{chunk.data_octets}));
        raw = raw.subspan(std::min<std::size_t>(
            raw.size(), raw.empty() ? 0 : (raw.front() == std::byte{'\r'} ? 2 : 1)));
    }
    return findings.keep(used);
}

enum class Walked : std::uint8_t { wants_more, at_end, broken };

// Moves place.left over the chunks that are there, to the line of the next or behind the last.
Walked walk_chunks(Bytes rest, Place& place) noexcept {
    while (place.left < rest.size()) {
        const Bytes here = rest.subspan(place.left);
        const Chunk chunk = chunk_at(here);
        if (chunk.is_bad) {
            return Walked::broken;
        }
        if (chunk.line_octets == 0) {
            break;
        }
        if (chunk.data_octets == 0) {  // the last one: trailers, then an empty line
            const Bytes trailers = here.subspan(chunk.line_octets - 1);
            const auto end = http_head_end(trailers, 0);
            if (!end) {
                break;
            }
            place.left += static_cast<std::uint32_t>(chunk.line_octets - 1 + *end);
            return Walked::at_end;
        }
        const std::size_t data_end = chunk.line_octets + chunk.data_octets;
        constexpr std::uint32_t line_end_octets = 2;
        place.left += static_cast<std::uint32_t>(data_end) + line_end_octets;
    }
    place.need = std::max(place.left, static_cast<std::uint32_t>(rest.size())) + 1;
    return Walked::wants_more;
}

Read read_chunks(Bytes rest, bool last, Place& place, Context& context) noexcept {
    const Walked walked = walk_chunks(rest, place);
    if (walked == Walked::broken) {
        context.count(ReadEvent::http_bad_chunk);
    }
    const bool is_over = walked != Walked::wants_more || last;
    if (context.options.bodies && !is_over) {
        return {};
    }
    const auto passed = std::min(rest.size(), std::size_t{place.left});
    if (context.options.bodies) {
        context.message = static_cast<std::uint16_t>(place.message - 1);
        show_body(data_of_chunks(rest.first(walked == Walked::at_end ? passed : rest.size()),
                                 context.findings),
                  place, context);
    }
    if (walked == Walked::at_end) {
        place.phase = in_head;
        place.left = 0;
        return {.consumed = passed};
    }
    place.left -= static_cast<std::uint32_t>(passed);
    place.need = place.left + 1;
    return {.consumed = passed, .done = is_over};
}

Read read_until_close(Bytes rest, bool last, const Place& place, Context& context) noexcept {
    if (context.options.bodies && !last) {
        return {};
    }
    if (context.options.bodies) {
        context.message = static_cast<std::uint16_t>(place.message - 1);
        show_body(rest, place, context);
    }
    return {.consumed = rest.size(), .done = last};
}

Read read_part(Bytes rest, bool last, Place& place, const Place& other, Context& context) noexcept {
    switch (place.phase) {
        case in_body:
            return read_body(rest, last, place, context);
        case in_chunks:
            return read_chunks(rest, last, place, context);
        case until_close:
            return read_until_close(rest, last, place, context);
        default:
            return read_head(rest, last, place, other, context);
    }
}

}  // namespace

Read read_http(Bytes unread, bool last, Place& place, const Place& other,
               Context& context) noexcept {
    Read read;
    while (!read.done && !read.switched) {
        const Bytes rest = unread.subspan(read.consumed);
        if (rest.size() < place.need && !last) {
            return read;
        }
        place.need = 0;
        const auto phase_before = place.phase;
        const Read part = read_part(rest, last, place, other, context);
        read.consumed += part.consumed;
        read.done = part.done;
        read.switched = part.switched;
        if (part.consumed == 0 && place.phase == phase_before) {
            return read;
        }
    }
    return read;
}

void pass_http_gap(std::uint32_t lost, Place& place) noexcept {
    place.need = 0;
    const bool in_known_body =
        (place.phase == in_body || place.phase == in_chunks) && place.left >= lost;
    if (in_known_body) {
        place.left -= lost;
        place.phase =
            place.left == 0 && place.phase == in_body ? std::uint8_t{in_head} : place.phase;
    } else if (place.phase != until_close) {
        place.phase = in_head;
        place.left = 0;
    }
}

void read_http_datagram(Bytes datagram, Context& context) noexcept {
    if (const auto head = read_http_head(datagram)) {
        show_head(*head, context);
    }
}

}  // namespace tapmeter::inspect::extract
