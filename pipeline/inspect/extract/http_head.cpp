#include "pipeline/inspect/extract/http_head.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "pipeline/inspect/extract/findings.h"

namespace tapmeter::inspect::extract {

namespace {

constexpr std::size_t method_octets_max = 24;
constexpr std::string_view http_1 = "HTTP/1.";

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_method_character(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool equal_ignoring_case(std::string_view text, std::string_view lower_case) noexcept {
    return std::ranges::equal(text, lower_case, {}, lower);
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (is_blank(text.front()) || text.front() == '\r')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (is_blank(text.back()) || text.back() == '\r' || text.back() == '\n')) {
        text.remove_suffix(1);
    }
    return text;
}

// The next line with its end; nothing but the rest where no end is there.
std::string_view next_line(std::string_view& rest) noexcept {
    const std::size_t end = rest.find('\n');
    const auto line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
    rest.remove_prefix(line.size());
    return line;
}

std::string_view without_end(std::string_view line) noexcept {
    if (line.ends_with('\n')) {
        line.remove_suffix(1);
    }
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

// "HTTP/1.1" and what follows it; 0: something else.
std::uint8_t version_at(std::string_view text) noexcept {
    constexpr std::string_view name = "HTTP/";
    if (!text.starts_with(name) || text.size() < name.size() + 3 || !is_digit(text[5]) ||
        text[6] != '.' || !is_digit(text[7])) {
        return 0;
    }
    return static_cast<std::uint8_t>(((text[5] - '0') << 4U) | (text[7] - '0'));
}

bool read_request_line(std::string_view line, HttpHead& head) noexcept {
    const std::size_t method_end = line.find(' ');
    if (method_end == 0 || method_end == std::string_view::npos || method_end > method_octets_max ||
        !std::ranges::all_of(line.substr(0, method_end), is_method_character)) {
        return false;
    }
    head.is_request = true;
    head.method = octets_of(line.substr(0, method_end));
    std::string_view target = trimmed(line.substr(method_end));
    const std::size_t version_begin = target.rfind(' ');
    if (version_begin != std::string_view::npos &&
        target.substr(version_begin + 1).starts_with("HTTP/")) {
        head.version = version_at(target.substr(version_begin + 1));
        target = trimmed(target.substr(0, version_begin));
    } else if (version_begin == std::string_view::npos) {
        head.version = version_at(target);
        target = head.version != 0 ? std::string_view{} : target;
    }
    head.target = octets_of(target);
    return true;
}

bool read_status_line(std::string_view line, HttpHead& head) noexcept {
    head.version = version_at(line);
    if (head.version == 0) {
        return false;
    }
    const std::string_view rest = trimmed(line.substr(
        line.find_first_of(" \t") == std::string_view::npos ? line.size()
                                                            : line.find_first_of(" \t")));
    const std::string_view status = rest.substr(0, rest.find(' '));
    head.status = octets_of(status);
    head.reason = octets_of(trimmed(rest.substr(status.size())));
    if (status.size() == 3 && std::ranges::all_of(status, is_digit)) {
        head.status_code = static_cast<std::uint16_t>((status[0] - '0') * 100 +
                                                      (status[1] - '0') * 10 + (status[2] - '0'));
    }
    return true;
}

void read_content_length(std::string_view value, HttpHead& head) noexcept {
    constexpr std::size_t digits_max = 18;
    if (head.content_length || value.empty() || value.size() > digits_max ||
        !std::ranges::all_of(value, is_digit)) {
        return;
    }
    std::uint64_t octets = 0;
    for (const char digit : value) {
        octets = octets * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    head.content_length = octets;
}

void keep_first(Bytes& field, std::string_view value) noexcept {
    if (field.empty()) {
        field = octets_of(value);
    }
}

bool is_cookie(std::string_view name, bool is_request) noexcept {
    return equal_ignoring_case(name, is_request ? "cookie" : "set-cookie");
}

// Names are told apart by their lengths first: most fields interest nobody.
void read_field(std::string_view name, std::string_view value, HttpHead& head) noexcept {
    switch (name.size()) {
        case 4:
            if (equal_ignoring_case(name, "host")) {
                keep_first(head.host, value);
            }
            break;
        case 6:
            if (equal_ignoring_case(name, "server")) {
                keep_first(head.server, value);
            }
            break;
        case 7:
            if (equal_ignoring_case(name, "referer")) {
                keep_first(head.referer, value);
            }
            break;
        case 10:
            if (equal_ignoring_case(name, "user-agent")) {
                keep_first(head.user_agent, value);
            }
            break;
        case 12:
            if (equal_ignoring_case(name, "content-type")) {
                keep_first(head.content_type, value);
            }
            break;
        case 14:
            if (equal_ignoring_case(name, "content-length")) {
                read_content_length(value, head);
            }
            break;
        case 17:
            if (equal_ignoring_case(name, "transfer-encoding")) {
                const auto last = value.substr(value.find_last_of(", ") + 1);
                head.is_chunked = equal_ignoring_case(last, "chunked");
            }
            break;
        default:
            break;
    }
    if (is_cookie(name, head.is_request)) {
        head.is_plain = false;
        keep_first(head.cookie, value);
    }
}

struct Field {
    std::string_view name;
    std::string_view value;
    bool is_plain = false;
};

// One field with the lines it continues on (RFC 9112 §5.2, obsolete line folding).
std::optional<Field> next_field(std::string_view& rest) noexcept {
    const std::string_view before = rest;
    std::string_view line = next_line(rest);
    while (!rest.empty() && is_blank(rest.front())) {
        line = before.substr(0, line.size() + next_line(rest).size());
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    Field field{.name = trimmed(line.substr(0, colon)), .value = trimmed(line.substr(colon + 1))};
    field.is_plain = field.name.size() == colon && line.ends_with("\r\n") &&
                     line.size() == colon + 2 + field.value.size() + 2 && line[colon + 1] == ' ';
    return field;
}

void read_fields(HttpHead& head) noexcept {
    std::string_view rest = text_of(head.fields);
    for (std::size_t count = 0; count < http_fields_max && !rest.empty(); ++count) {
        const auto field = next_field(rest);
        head.is_plain = head.is_plain && field && field->is_plain;
        if (field) {
            read_field(field->name, field->value, head);
        }
    }
}

int hex_value(char c) noexcept {
    if (is_digit(c)) {
        return c - '0';
    }
    const char letter = lower(c);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// The octet at the start of `text`, percent-decoded (RFC 3986 §2.1); moves behind it.
char next_decoded(std::string_view& text) noexcept {
    const char first = text.front();
    if (first == '%' && text.size() >= 3 && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0) {
        const int value = hex_value(text[1]) * 16 + hex_value(text[2]);
        text.remove_prefix(3);
        return static_cast<char>(value);
    }
    text.remove_prefix(1);
    return first;
}

// Drops a last segment of "." or "..", and what ".." points away from (RFC 3986 §5.2.4). `used`
// stands behind the segment.
std::size_t without_dots(std::span<const std::byte> text, std::size_t used) noexcept {
    const std::string_view path = text_of(text.first(used));
    if (path.ends_with("/.")) {
        return used - 1;
    }
    if (!path.ends_with("/..")) {
        return used;
    }
    const std::size_t parent = path.substr(0, used - 3).rfind('/');
    return parent == std::string_view::npos ? 1 : parent + 1;
}

}  // namespace

std::optional<std::size_t> http_head_end(Bytes octets, std::size_t searched) noexcept {
    const std::string_view text = text_of(octets);
    // Three octets of the end may have been there.
    std::size_t at = searched > 3 ? searched - 3 : 0;
    while ((at = text.find('\n', at)) != std::string_view::npos) {
        ++at;
        if (text.substr(at).starts_with('\n')) {
            return at + 1;
        }
        if (text.substr(at).starts_with("\r\n")) {
            return at + 2;
        }
    }
    return std::nullopt;
}

std::optional<HttpHead> read_http_head(Bytes octets) noexcept {
    HttpHead head;
    std::string_view rest = text_of(octets);
    const std::string_view line = without_end(next_line(rest));
    if (!read_status_line(line, head) && !read_request_line(line, head)) {
        return std::nullopt;
    }
    head.start_line = octets_of(line);
    head.fields_raw = octets_of(rest);
    for (const std::string_view end : {"\r\n", "\n"}) {
        if (rest == end ||
            (rest.ends_with(end) && rest.substr(0, rest.size() - end.size()).ends_with('\n'))) {
            rest.remove_suffix(end.size());
            break;
        }
    }
    head.fields = octets_of(rest);
    read_fields(head);
    return head;
}

bool begins_http(Bytes octets) noexcept {
    const std::string_view text = text_of(octets);
    const std::string_view status = text.substr(0, http_1.size());
    if (http_1.starts_with(status)) {
        return true;
    }
    const std::size_t method_end = text.find(' ');
    const std::string_view method = text.substr(0, method_end);
    if (method.empty() || method.size() > method_octets_max ||
        !std::ranges::all_of(method, is_method_character)) {
        return false;
    }
    return method_end == std::string_view::npos || method_end + 1 == text.size() ||
           (text[method_end + 1] > ' ' && text[method_end + 1] < '\x7f');
}

bool is_http(Bytes octets) noexcept {
    const std::string_view text = text_of(octets);
    if (text.starts_with(http_1)) {
        return true;
    }
    if (!begins_http(octets) || text.size() < 4) {
        return false;
    }
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t version = line.rfind(" HTTP/1.");
    if (version != std::string_view::npos) {
        return true;
    }
    // A long target whose end is in the next segment.
    constexpr std::array<std::string_view, 9> methods{
        "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "TRACE ", "CONNECT ", "PATCH "};
    return std::ranges::any_of(methods, [&](std::string_view method) {
        return text.starts_with(method) && text.size() > method.size() &&
               (text[method.size()] == '/' || text.substr(method.size()).starts_with("http"));
    });
}

std::size_t write_normalised_target(Bytes target, std::span<std::byte> text) noexcept {
    std::string_view rest = text_of(target);
    const std::size_t scheme = rest.find("://");
    if (scheme != std::string_view::npos && scheme < rest.find_first_of("/?#")) {
        const std::size_t path = rest.find('/', scheme + 3);
        rest = path == std::string_view::npos ? std::string_view{"/"} : rest.substr(path);
    }
    const std::size_t query_begin = std::min(rest.find('?'), rest.size());
    const std::string_view query = rest.substr(query_begin);
    rest = rest.substr(0, query_begin);
    std::size_t used = 0;
    while (!rest.empty()) {
        char c = next_decoded(rest);
        c = c == '\\' ? '/' : c;
        if (c == '/') {
            used = without_dots(text, used);
            if (used != 0 && text[used - 1] == std::byte{'/'}) {
                continue;
            }
        }
        text[used++] = static_cast<std::byte>(c);
    }
    used = without_dots(text, used);
    std::ranges::copy(octets_of(query), text.subspan(used).begin());
    return used + query.size();
}

std::size_t write_normalised_host(Bytes host, std::span<std::byte> text) noexcept {
    std::string_view name = text_of(host);
    const bool is_ipv6 = name.starts_with('[');
    const std::size_t colon = is_ipv6 ? name.find("]:") : name.rfind(':');
    if (colon != std::string_view::npos) {
        name = name.substr(0, is_ipv6 ? colon + 1 : colon);
    }
    const std::size_t count = std::min(name.size(), text.size());
    for (std::size_t i = 0; i < count; ++i) {
        text[i] = static_cast<std::byte>(lower(name[i]));
    }
    return count;
}

std::size_t write_fields(const HttpHead& head, std::span<std::byte> text) noexcept {
    std::size_t used = 0;
    const auto put = [&](std::string_view part) {
        const std::size_t count = std::min(part.size(), text.size() - used);
        std::ranges::copy(octets_of(part.substr(0, count)), text.subspan(used).begin());
        used += count;
    };
    std::string_view rest = text_of(head.fields);
    for (std::size_t count = 0; count < http_fields_max && !rest.empty(); ++count) {
        const auto field = next_field(rest);
        if (field && !is_cookie(field->name, head.is_request)) {
            put(field->name);
            put(": ");
            put(field->value);
            put("\r\n");
        }
    }
    return used;
}

}  // namespace tapmeter::inspect::extract
