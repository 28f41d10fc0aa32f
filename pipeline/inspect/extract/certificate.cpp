#include "pipeline/inspect/extract/certificate.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>

#include "pipeline/inspect/extract/findings.h"
#include "pipeline/inspect/extract/reader.h"

namespace tapmeter::inspect::extract {

namespace {

// Tags of DER (X.690 §8.1.2) that certificates use.
constexpr std::uint8_t tag_integer = 0x02;
constexpr std::uint8_t tag_object_identifier = 0x06;
constexpr std::uint8_t tag_utc_time = 0x17;
constexpr std::uint8_t tag_generalized_time = 0x18;
constexpr std::uint8_t tag_bmp_string = 0x1e;
constexpr std::uint8_t tag_sequence = 0x30;
constexpr std::uint8_t tag_set = 0x31;
constexpr std::uint8_t tag_version = 0xa0;  // [0] EXPLICIT
constexpr std::size_t attributes_max = 64;
constexpr std::size_t length_octets_max = 3;  // of a certificate that TLS can carry

struct Element {
    std::uint8_t tag = 0;
    Bytes content{};
};

// The next tag, length and content (X.690 §8.1). Indefinite lengths are no DER.
Element next_element(Reader& reader) noexcept {
    Element element{.tag = reader.u8()};
    std::size_t octets = reader.u8();
    constexpr std::size_t long_form = 0x80;
    if ((octets & long_form) != 0) {
        const std::size_t count = octets & ~long_form;
        if (count == 0 || count > length_octets_max) {
            reader.fail();
            return element;
        }
        octets = 0;
        for (std::size_t i = 0; i < count; ++i) {
            octets = (octets << 8U) | reader.u8();
        }
    }
    element.content = reader.take(octets);
    return element;
}

Bytes content_of(Reader& reader, std::uint8_t tag) noexcept {
    const Element element = next_element(reader);
    if (element.tag != tag) {
        reader.fail();
        return {};
    }
    return element.content;
}

// Two digits; -1: they are none.
int two_digits(std::string_view text) noexcept {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) {
        return -1;
    }
    return (text[0] - '0') * 10 + (text[1] - '0');
}

// RFC 5280 §4.1.2.5: always UTC, with seconds. 0: the text is no time.
std::int64_t time_of(const Element& element) noexcept {
    std::string_view text = text_of(element.content);
    int century = 0;
    if (element.tag == tag_generalized_time) {
        century = two_digits(text);
        text.remove_prefix(std::min<std::size_t>(2, text.size()));
    } else if (element.tag != tag_utc_time) {
        return 0;
    }
    std::array<int, 6> fields{};  // year, month, day, hour, minute, second
    for (int& field : fields) {
        field = two_digits(text);
        if (field < 0) {
            return 0;
        }
        text.remove_prefix(2);
    }
    if (century < 0) {
        return 0;
    }
    if (element.tag == tag_utc_time) {
        century = fields[0] >= 50 ? 19 : 20;
    }
    using namespace std::chrono;
    const year_month_day date{year{century * 100 + fields[0]},
                              month{static_cast<unsigned>(fields[1])},
                              day{static_cast<unsigned>(fields[2])}};
    if (!date.ok() || fields[3] > 23 || fields[4] > 59 || fields[5] > 60) {
        return 0;
    }
    const auto time = sys_days{date} + hours{fields[3]} + minutes{fields[4]} + seconds{fields[5]};
    return duration_cast<seconds>(time.time_since_epoch()).count();
}

class Writer {
public:
    explicit Writer(std::span<std::byte> text) noexcept : text_(text) {}
    std::size_t used() const noexcept { return used_; }
    void put(std::byte octet) noexcept {
        if (used_ < text_.size()) {
            text_[used_++] = octet;
        }
    }
    void put(Bytes octets) noexcept {
        for (const std::byte octet : octets) {
            put(octet);
        }
    }
    void put(std::string_view text) noexcept { put(octets_of(text)); }
    void put_decimal(std::uint64_t value) noexcept {
        std::array<char, 20> digits{};
        const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
        put(std::string_view{digits.begin(), end});
    }

private:
    std::span<std::byte> text_;
    std::size_t used_ = 0;
};

// Short names of attribute types (RFC 4519 §2, RFC 2985 §5.2.1), by the octets of their identifier.
struct AttributeName {
    std::string_view identifier;
    std::string_view name;
};
constexpr std::array attribute_names{
    AttributeName{"\x55\x04\x03", "CN"},
    AttributeName{"\x55\x04\x04", "SN"},
    AttributeName{"\x55\x04\x05", "serialNumber"},
    AttributeName{"\x55\x04\x06", "C"},
    AttributeName{"\x55\x04\x07", "L"},
    AttributeName{"\x55\x04\x08", "ST"},
    AttributeName{"\x55\x04\x09", "street"},
    AttributeName{"\x55\x04\x0a", "O"},
    AttributeName{"\x55\x04\x0b", "OU"},
    AttributeName{"\x55\x04\x0c", "title"},
    AttributeName{"\x55\x04\x0d", "description"},
    AttributeName{"\x55\x04\x2a", "GN"},
    AttributeName{"\x55\x04\x2b", "initials"},
    AttributeName{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"},
    AttributeName{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"},
    AttributeName{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"},
    AttributeName{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02", "unstructuredName"},
};

// X.690 §8.19: the first number holds two arcs, seven bits an octet.
void put_numbers(Bytes identifier, Writer& writer) noexcept {
    std::uint64_t value = 0;
    bool is_first = true;
    for (const std::byte octet : identifier) {
        value = (value << 7U) | (std::to_integer<std::uint64_t>(octet) & 0x7fU);
        if ((octet & std::byte{0x80}) != std::byte{0}) {
            continue;
        }
        if (is_first) {
            const std::uint64_t arc = std::min<std::uint64_t>(value / 40, 2);
            writer.put_decimal(arc);
            value -= arc * 40;
        }
        writer.put(".");
        writer.put_decimal(value);
        value = 0;
        is_first = false;
    }
}

void put_attribute(Bytes attribute, Writer& writer) noexcept {
    Reader reader{attribute};
    const Bytes identifier = content_of(reader, tag_object_identifier);
    const Element value = next_element(reader);
    const auto* const known =
        std::ranges::find(attribute_names, text_of(identifier), &AttributeName::identifier);
    if (known != attribute_names.end()) {
        writer.put(known->name);
    } else {
        put_numbers(identifier, writer);
    }
    writer.put("=");
    if (value.tag != tag_bmp_string) {
        writer.put(value.content);
        return;
    }
    for (std::size_t i = 1; i < value.content.size(); i += 2) {  // UTF-16: its ASCII part
        const bool is_ascii = value.content[i - 1] == std::byte{0};
        writer.put(is_ascii ? value.content[i] : std::byte{'?'});
    }
}

}  // namespace

Certificate read_certificate(Bytes der) noexcept {
    Certificate certificate;
    Reader whole{der};
    Reader signed_part{content_of(whole, tag_sequence)};
    Reader reader{content_of(signed_part, tag_sequence)};
    Element element = next_element(reader);
    if (element.tag == tag_version) {
        element = next_element(reader);
    }
    if (element.tag != tag_integer) {
        return certificate;
    }
    certificate.serial = element.content;
    if (certificate.serial.size() > 1 && certificate.serial.front() == std::byte{0}) {
        certificate.serial = certificate.serial.subspan(1);
    }
    content_of(reader, tag_sequence);  // signature algorithm
    certificate.issuer = content_of(reader, tag_sequence);
    Reader validity{content_of(reader, tag_sequence)};
    certificate.not_before = time_of(next_element(validity));
    certificate.not_after = time_of(next_element(validity));
    certificate.subject = content_of(reader, tag_sequence);
    certificate.whole = !reader.failed() && !validity.failed();
    return certificate;
}

std::size_t write_name(Bytes name, std::span<std::byte> text) noexcept {
    Writer writer{text};
    Reader sets{name};
    std::size_t attributes = 0;
    while (!sets.empty() && attributes < attributes_max) {
        Reader set{content_of(sets, tag_set)};
        for (; !set.empty() && attributes < attributes_max; ++attributes) {
            const Bytes attribute = content_of(set, tag_sequence);
            if (set.failed()) {
                return writer.used();
            }
            if (attributes != 0) {
                writer.put(", ");
            }
            put_attribute(attribute, writer);
        }
    }
    return writer.used();
}

std::size_t write_octets(Bytes octets, bool upper_case, std::span<std::byte> text) noexcept {
    const std::string_view digits = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";
    Writer writer{text};
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const auto octet = std::to_integer<unsigned>(octets[i]);
        if (i != 0) {
            writer.put(":");
        }
        writer.put(digits.substr(octet >> 4U, 1));
        writer.put(digits.substr(octet & 0xfU, 1));
    }
    return writer.used();
}

}  // namespace tapmeter::inspect::extract
