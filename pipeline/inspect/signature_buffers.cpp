#include "pipeline/inspect/signature_buffers.h"

#include <algorithm>
#include <utility>

#include "pipeline/inspect/signature_search.h"

namespace tapmeter::inspect {

namespace {

using rules::Buffer;

constexpr std::string_view line_end = "\r\n";

std::string_view text_of(Bytes octets) noexcept {
    // NOLINTNEXTLINE(*-reinterpret-cast): char may alias anything
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

Bytes octets_of(std::string_view text) noexcept {
    return std::as_bytes(std::span{text});
}

bool equal_names(std::string_view name, std::string_view lower) noexcept {
    return std::ranges::equal(octets_of(name), octets_of(lower), {}, lower_case);
}

// The next line without its end; `rest` moves behind it.
Bytes cut_line(Bytes& rest) noexcept {
    const std::string_view text = text_of(rest);
    const std::size_t end = std::min(text.find('\n'), text.size());
    Bytes line = rest.first(end);
    rest = rest.subspan(std::min(end + 1, rest.size()));
    if (!line.empty() && line.back() == std::byte{'\r'}) {
        line = line.first(line.size() - 1);
    }
    return line;
}

struct Field {
    std::string_view name;
    Bytes value;
};
Field field_of(Bytes line) noexcept {
    const std::string_view text = text_of(line);
    const std::size_t colon = std::min(text.find(':'), text.size());
    Bytes value = line.subspan(std::min(colon + 1, line.size()));
    while (!value.empty() &&
           (value.front() == std::byte{' '} || value.front() == std::byte{'\t'})) {
        value = value.subspan(1);
    }
    return {text.substr(0, colon), value};
}

// Fields that extractors do not show by themselves.
struct FieldBuffer {
    std::string_view name;  // in lower case
    Buffer buffer;
};
constexpr std::array field_buffers{
    FieldBuffer{"connection", Buffer::http_connection},
    FieldBuffer{"accept", Buffer::http_accept},
    FieldBuffer{"accept-language", Buffer::http_accept_language},
    FieldBuffer{"accept-encoding", Buffer::http_accept_encoding},
    FieldBuffer{"content-length", Buffer::http_content_length},
    FieldBuffer{"location", Buffer::http_location},
};

constexpr std::size_t quic_version_at = 1;
constexpr std::size_t quic_version_octets = 4;

// A long header has its first bit set (RFC 8999 section 5.1); Initial is type 0 of version 1
// (RFC 9000 section 17.2), type 1 of version 2 (RFC 9369 section 3.2).
bool is_quic_initial(Bytes payload) noexcept {
    constexpr std::uint32_t version_2 = 0x6B33'43CF;
    if (payload.size() < quic_version_at + quic_version_octets ||
        (payload[0] & std::byte{0x80}) == std::byte{0}) {
        return false;
    }
    const std::uint32_t version =
        load_be32(payload.subspan<quic_version_at, quic_version_octets>());
    const unsigned type = (std::to_integer<unsigned>(payload[0]) >> 4U) & 3U;
    return type == (version == version_2 ? 1U : 0U);
}

}  // namespace

void NamedBuffers::begin(const Prefilter& prefilter) noexcept {
    prefilter_ = &prefilter;
    count_ = 0;
    used_ = 0;
    start_line_ = {};
}

bool NamedBuffers::wanted(Buffer buffer) const noexcept {
    return prefilter_->looks_at(buffer);
}

void NamedBuffers::put(Buffer buffer, std::uint16_t message, Bytes octets) noexcept {
    if (!wanted(buffer)) {
        return;
    }
    if (count_ == named_max) {
        ++left_out_;
        return;
    }
    named_[count_++] = {buffer, message, octets};
}

void NamedBuffers::write(Bytes octets) noexcept {
    const std::size_t size = std::min(octets.size(), made_.size() - used_);
    left_out_ += size < octets.size() ? 1 : 0;
    std::ranges::copy(octets.first(size), made_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ += size;
}

void NamedBuffers::write(std::string_view text) noexcept {
    write(octets_of(text));
}

void NamedBuffers::add(const NamedOctets& found, bool from_client) noexcept {
    if (found.buffer == Buffer::dns_query && !from_client) {
        return;  // an answer repeats the question: one query, one look
    }
    put(found.buffer, found.message, found.octets);
    switch (found.buffer) {
        case Buffer::http_request_body:
        case Buffer::http_response_body:
            put(Buffer::file_data, found.message, found.octets);
            break;
        case Buffer::http_request_line:
        case Buffer::http_response_line: {
            start_line_ = found.octets;
            const std::string_view line = text_of(found.octets);
            const std::size_t blank = from_client ? line.rfind(' ') : line.find(' ');
            if (blank != std::string_view::npos) {
                put(Buffer::http_protocol, found.message,
                    from_client ? found.octets.subspan(blank + 1) : found.octets.first(blank));
            }
            break;
        }
        case Buffer::http_raw_header:
            add_start(found);
            break;
        case Buffer::http_header:
            split_fields(found, from_client);
            break;
        default:
            break;
    }
}

// The start line and the fields as they crossed the wire, with the empty line behind them.
void NamedBuffers::add_start(const NamedOctets& fields) noexcept {
    if (!wanted(Buffer::http_start)) {
        return;
    }
    const std::size_t from = used_;
    write(start_line_);
    write(line_end);
    write(fields.octets);
    write(line_end);
    put(Buffer::http_start, fields.message, Bytes{made_}.subspan(from, used_ - from));
}

void NamedBuffers::split_fields(const NamedOctets& fields, bool from_client) noexcept {
    add_field_names(fields);
    Bytes rest = fields.octets;
    while (!rest.empty()) {
        const Bytes line = cut_line(rest);
        if (!line.empty()) {
            add_field(fields, line, from_client);
        }
    }
}

void NamedBuffers::add_field(const NamedOctets& fields, Bytes line, bool from_client) noexcept {
    put(from_client ? Buffer::http_request_header : Buffer::http_response_header, fields.message,
        line);
    const Field field = field_of(line);
    for (const FieldBuffer& known : field_buffers) {
        if (equal_names(field.name, known.name)) {
            put(known.buffer, fields.message, field.value);
        }
    }
    // An empty agent is one, too: extractors show only what is not empty.
    if (field.value.empty() && equal_names(field.name, "user-agent")) {
        put(Buffer::http_user_agent, fields.message, field.value);
    }
}

// "\r\nHost\r\nUser-Agent\r\n\r\n", as Suricata makes it.
void NamedBuffers::add_field_names(const NamedOctets& fields) noexcept {
    if (!wanted(Buffer::http_header_names)) {
        return;
    }
    const std::size_t from = used_;
    write(line_end);
    Bytes rest = fields.octets;
    while (!rest.empty()) {
        const Bytes line = cut_line(rest);
        if (!line.empty()) {
            write(field_of(line).name);
            write(line_end);
        }
    }
    write(line_end);
    put(Buffer::http_header_names, fields.message, Bytes{made_}.subspan(from, used_ - from));
}

void NamedBuffers::add_datagram(rules::Application application, Bytes payload) noexcept {
    if (application == rules::Application::quic && is_quic_initial(payload)) {
        put(Buffer::quic_version, 0, payload.subspan(quic_version_at, quic_version_octets));
    } else if (application == rules::Application::sip) {
        add_sip(payload);
    }
}

// RFC 3261 section 7: "METHOD uri SIP/2.0" or "SIP/2.0 200 OK".
void NamedBuffers::add_sip(Bytes payload) noexcept {
    const Bytes line = cut_line(payload);
    const std::string_view text = text_of(line);
    const std::size_t first = text.find(' ');
    const bool response = text.starts_with("SIP/");
    const std::size_t second =
        response ? std::min(text.find(' ', std::min(first, text.size() - 1) + 1), text.size())
                 : text.rfind(' ');
    if (first == std::string_view::npos || second == std::string_view::npos || second <= first) {
        return;
    }
    const Bytes head = line.first(first);
    const Bytes middle = line.subspan(first + 1, second - first - 1);
    const Bytes tail = line.subspan(std::min(second + 1, line.size()));
    put(response ? Buffer::sip_protocol : Buffer::sip_method, 0, head);
    put(response ? Buffer::sip_status_code : Buffer::sip_uri, 0, middle);
    put(response ? Buffer::sip_status_message : Buffer::sip_protocol, 0, tail);
    put(response ? Buffer::sip_response_line : Buffer::sip_request_line, 0, line);
}

}  // namespace tapmeter::inspect
