#include "pipeline/inspect/extract/fingerprint.h"

#include <nettle/md5.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include <algorithm>
#include <charconv>

#include "pipeline/inspect/extract/findings.h"

namespace tapmeter::inspect::extract {

namespace {

// Writes into a fixed room and stops where it is full.
class Writer {
public:
    explicit Writer(std::span<char> text) noexcept : text_(text) {}

    std::size_t used() const noexcept { return used_; }
    void put(char character) noexcept {
        if (used_ < text_.size()) {
            text_[used_++] = character;
        }
    }
    void put(std::string_view characters) noexcept {
        for (const char character : characters) {
            put(character);
        }
    }
    void put_decimal(unsigned value) noexcept {
        std::array<char, 10> digits{};
        const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
        put(std::string_view{digits.begin(), end});
    }
    void put_hex(std::uint16_t value) noexcept {
        for (const unsigned shift : {12U, 8U, 4U, 0U}) {
            put("0123456789abcdef"[(value >> shift) & 0xfU]);
        }
    }

private:
    std::span<char> text_;
    std::size_t used_ = 0;
};

// Decimal numbers with dashes between; GREASE is left out.
class DashedList {
public:
    explicit DashedList(Writer& writer) noexcept : writer_(writer) {}
    void put(std::uint16_t value) noexcept {
        if (is_grease(value)) {
            return;
        }
        if (!is_first_) {
            writer_.put('-');
        }
        is_first_ = false;
        writer_.put_decimal(value);
    }

private:
    Writer& writer_;
    bool is_first_ = true;
};

void put_numbers(Bytes numbers, Writer& writer) noexcept {
    DashedList list{writer};
    for (std::size_t i = 0; i < list_size(numbers); ++i) {
        list.put(number_at(numbers, i));
    }
}

void put_extensions(const Hello& hello, Writer& writer) noexcept {
    DashedList list{writer};
    for (const std::uint16_t type : std::span{hello.extensions}.first(hello.extensions_count)) {
        list.put(type);
    }
}

constexpr std::size_t hash_digits = 12;

// The first 12 digits of the SHA-256; zeros in place of a hash of nothing.
std::array<char, hash_digits> short_hash(std::string_view text) noexcept {
    std::array<char, hash_digits> digits{};
    digits.fill('0');
    if (text.empty()) {
        return digits;
    }
    sha256_ctx context;  // NOLINT(*-init-variables): the next line does
    sha256_init(&context);
    // NOLINTNEXTLINE(*-reinterpret-cast): nettle takes octets
    sha256_update(&context, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()));
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest{};
    sha256_digest(&context, digest.size(), digest.data());
    write_hex(std::span{digest}.first(hash_digits / 2), digits);
    return digits;
}

std::string_view version_digits(std::uint16_t version) noexcept {
    switch (version) {
        case 0x0304:
            return "13";
        case 0x0303:
            return "12";
        case 0x0302:
            return "11";
        case 0x0301:
            return "10";
        case 0x0300:
            return "s3";
        case 0x0002:
            return "s2";
        case 0xfeff:
            return "d1";
        case 0xfefd:
            return "d2";
        case 0xfefc:
            return "d3";
        default:
            return "00";
    }
}

constexpr bool is_alphanumeric(std::uint8_t octet) noexcept {
    return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= 'a' && octet <= 'z');
}

// First and last character of the first protocol; of its hexadecimal digits where one of the two
// is no letter or digit.
void put_alpn(Bytes alpn, Writer& writer) noexcept {
    const std::size_t length = alpn.empty() ? 0 : load_be8(alpn.first<1>());
    if (length == 0 || length >= alpn.size()) {
        writer.put("00");
        return;
    }
    const std::uint8_t first = load_be8(alpn.subspan(1).first<1>());
    const std::uint8_t last = load_be8(alpn.subspan(length).first<1>());
    if (is_alphanumeric(first) && is_alphanumeric(last)) {
        writer.put(static_cast<char>(first));
        writer.put(static_cast<char>(last));
        return;
    }
    writer.put("0123456789abcdef"[first >> 4U]);
    writer.put("0123456789abcdef"[last & 0xfU]);
}

// Numbers in four hexadecimal digits with commas between.
void put_hex_list(std::span<const std::uint16_t> numbers, Writer& writer) noexcept {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i != 0) {
            writer.put(',');
        }
        writer.put_hex(numbers[i]);
    }
}

template <std::size_t numbers_max>
struct Numbers {
    std::array<std::uint16_t, numbers_max> values;  // the first `count` are written
    std::size_t count = 0;

    void add(std::uint16_t value) noexcept {
        if (count < numbers_max && !is_grease(value)) {
            values[count++] = value;
        }
    }
    std::span<std::uint16_t> view() noexcept { return std::span{values}.first(count); }
};

void put_count(std::size_t count, Writer& writer) noexcept {
    const auto shown = static_cast<unsigned>(std::min<std::size_t>(count, 99));
    writer.put(static_cast<char>('0' + shown / 10));
    writer.put(static_cast<char>('0' + shown % 10));
}

constexpr std::size_t characters_per_number = 5;  // "1301,"

std::array<char, hash_digits> cipher_hash(const Hello& hello, std::size_t& count) noexcept {
    Numbers<cipher_suites_max> ciphers;
    for (std::size_t i = 0; i < list_size(hello.cipher_suites); ++i) {
        ciphers.add(number_at(hello.cipher_suites, i));
    }
    count = ciphers.count;
    std::ranges::sort(ciphers.view());
    std::array<char, cipher_suites_max * characters_per_number> text;  // NOLINT(*-init*)
    Writer writer{text};
    put_hex_list(ciphers.view(), writer);
    return short_hash({text.data(), writer.used()});
}

std::array<char, hash_digits> extension_hash(const Hello& hello, std::size_t& count) noexcept {
    Numbers<extensions_max> shown;
    for (const std::uint16_t type : std::span{hello.extensions}.first(hello.extensions_count)) {
        count += is_grease(type) ? 0U : 1U;
        if (type != tls_extension::server_name && type != tls_extension::alpn) {
            shown.add(type);
        }
    }
    if (shown.count == 0) {
        return short_hash({});
    }
    std::ranges::sort(shown.view());
    Numbers<cipher_suites_max> signatures;
    for (std::size_t i = 0; i < list_size(hello.signature_algorithms); ++i) {
        signatures.add(number_at(hello.signature_algorithms, i));
    }
    // NOLINTNEXTLINE(*-init*): the writer writes what is read
    std::array<char, (extensions_max + cipher_suites_max) * characters_per_number> text;
    Writer writer{text};
    put_hex_list(shown.view(), writer);
    if (signatures.count != 0) {
        writer.put('_');
        put_hex_list(signatures.view(), writer);
    }
    return short_hash({text.data(), writer.used()});
}

}  // namespace

Md5 md5_of(Bytes octets) noexcept {
    md5_ctx context;  // NOLINT(*-init-variables): the next line does
    md5_init(&context);
    // NOLINTNEXTLINE(*-reinterpret-cast): nettle takes octets
    md5_update(&context, octets.size(), reinterpret_cast<const std::uint8_t*>(octets.data()));
    Md5 digest{};
    md5_digest(&context, digest.size(), digest.data());
    return digest;
}

Sha1 sha1_of(Bytes octets) noexcept {
    sha1_ctx context;  // NOLINT(*-init-variables): the next line does
    sha1_init(&context);
    // NOLINTNEXTLINE(*-reinterpret-cast): nettle takes octets
    sha1_update(&context, octets.size(), reinterpret_cast<const std::uint8_t*>(octets.data()));
    Sha1 digest{};
    sha1_digest(&context, digest.size(), digest.data());
    return digest;
}

std::size_t write_hex(std::span<const std::uint8_t> octets, std::span<char> text) noexcept {
    Writer writer{text};
    for (const std::uint8_t octet : octets) {
        writer.put("0123456789abcdef"[octet >> 4U]);
        writer.put("0123456789abcdef"[octet & 0xfU]);
    }
    return writer.used();
}

std::size_t write_ja3(const Hello& hello, std::span<char> text) noexcept {
    Writer writer{text};
    writer.put_decimal(hello.version);
    writer.put(',');
    put_numbers(hello.cipher_suites, writer);
    writer.put(',');
    put_extensions(hello, writer);
    writer.put(',');
    put_numbers(hello.supported_groups, writer);
    writer.put(',');
    DashedList formats{writer};
    for (const std::byte format : hello.point_formats) {
        formats.put(std::to_integer<std::uint8_t>(format));
    }
    return writer.used();
}

std::size_t write_ja3s(const Hello& hello, std::span<char> text) noexcept {
    Writer writer{text};
    writer.put_decimal(hello.version);
    writer.put(',');
    put_numbers(hello.cipher_suites, writer);
    writer.put(',');
    put_extensions(hello, writer);
    return writer.used();
}

std::array<char, ja4_octets> ja4_of(const Hello& hello, char transport) noexcept {
    std::array<char, ja4_octets> text{};
    std::size_t ciphers = 0;
    std::size_t extensions = 0;
    const auto second = cipher_hash(hello, ciphers);
    const auto third = extension_hash(hello, extensions);
    Writer writer{text};
    writer.put(transport);
    writer.put(version_digits(version_of(hello)));
    writer.put(hello.has_server_name ? 'd' : 'i');
    put_count(ciphers, writer);
    put_count(extensions, writer);
    put_alpn(hello.alpn, writer);
    writer.put('_');
    writer.put({second.data(), second.size()});
    writer.put('_');
    writer.put({third.data(), third.size()});
    return text;
}

}  // namespace tapmeter::inspect::extract
