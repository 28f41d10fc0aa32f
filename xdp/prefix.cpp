#include "xdp/prefix.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

// The longest address is 45 characters; a line may say a lot about it.
constexpr std::size_t line_octets_max = 1'024;
constexpr std::string_view blanks = " \t\r\n\v\f";

unsigned length_max(Prefix::Family family) noexcept {
    return family == Prefix::Family::ipv4 ? 32 : 128;
}

tl::unexpected<Error> refused(std::string_view text, const std::string& why) {
    std::string quoted;
    for (const char character : text.substr(0, 64)) {
        quoted += character >= ' ' && character <= '~' ? character : '?';
    }
    return failed(Error::Kind::invalid_config, "\"" + quoted + "\": " + why);
}

// The address alone, as a network of one.
std::optional<Prefix> parse_address(std::string_view text) {
    const std::string address(text);  // inet_pton() wants its end marked
    Prefix prefix;
    prefix.family =
        text.find(':') == std::string_view::npos ? Prefix::Family::ipv4 : Prefix::Family::ipv6;
    prefix.length = static_cast<std::uint8_t>(length_max(prefix.family));
    const int family = prefix.family == Prefix::Family::ipv4 ? AF_INET : AF_INET6;
    // A NUL in the text would end the address early.
    if (address.find('\0') != std::string::npos ||
        inet_pton(family, address.c_str(), prefix.octets.data()) != 1) {
        return std::nullopt;
    }
    return prefix;
}

Prefix without_host_bits(Prefix prefix) noexcept {
    for (unsigned octet = 0; octet < prefix.octets.size(); ++octet) {
        const unsigned bits_before = octet * 8;
        if (bits_before >= prefix.length) {
            prefix.octets[octet] = 0;
        } else if (prefix.length - bits_before < 8) {
            prefix.octets[octet] &=
                static_cast<std::uint8_t>(0xff00U >> (prefix.length - bits_before));
        }
    }
    return prefix;
}

std::string address_text(const Prefix& prefix) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = prefix.family == Prefix::Family::ipv4 ? AF_INET : AF_INET6;
    return inet_ntop(family, prefix.octets.data(), text.data(), text.size());
}

struct FileCloser {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

// Where in the line a prefix stands, without comment and blanks around it; empty when none does.
std::string_view prefix_in(std::string_view line) {
    line = line.substr(0, line.find('#'));
    const std::size_t begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return {};
    }
    return line.substr(begin, line.find_last_not_of(blanks) - begin + 1);
}

// Reads to the next newline, at most line_octets_max octets. Not fgets(): it hides a NUL.
std::optional<std::string> next_line(std::FILE* file) {
    std::string line;
    int octet = std::fgetc(file);
    if (octet == EOF) {
        return std::nullopt;
    }
    for (; octet != EOF && octet != '\n' && line.size() <= line_octets_max;
         octet = std::fgetc(file)) {
        line += static_cast<char>(octet);
    }
    return line;
}

}  // namespace

Result<Prefix> parse_prefix(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) {
        return refused(text,
                       "is no IP prefix; write one like 10.0.0.0/8, 2001:db8::/32 or a bare "
                       "address");
    }
    if (slash == std::string_view::npos) {
        return *address;
    }
    const std::string_view length_text = text.substr(slash + 1);
    unsigned length = 0;
    const char* const end = length_text.data() + length_text.size();
    const auto [stopped, error] = std::from_chars(length_text.data(), end, length);
    if (error != std::errc{} || stopped != end || length > length_max(address->family)) {
        return refused(text, "the length behind / must be a number from 0 to " +
                                 std::to_string(length_max(address->family)));
    }
    Prefix prefix = *address;
    prefix.length = static_cast<std::uint8_t>(length);
    const Prefix network = without_host_bits(prefix);
    if (network != prefix) {
        return refused(text, "has bits set beyond its length; write " + to_text(network) +
                                 " for the network or " + to_text(*address) + " for the host");
    }
    return prefix;
}

std::string to_text(const Prefix& prefix) {
    return address_text(prefix) + "/" + std::to_string(prefix.length);
}

Result<std::vector<Prefix>> read_prefix_file(const std::filesystem::path& path) {
    const File file(std::fopen(path.c_str(), "re"));
    if (!file) {
        return failed(Error::Kind::io, path.string() + ": cannot read the prefixes to exclude: " +
                                           error_text(errno));
    }
    std::vector<Prefix> prefixes;
    for (std::size_t number = 1;; ++number) {
        const auto line = next_line(file.get());
        if (!line) {
            break;
        }
        const std::string place = path.string() + ":" + std::to_string(number) + ":";
        if (line->size() > line_octets_max) {
            return failed(Error::Kind::invalid_config, place + std::to_string(line_octets_max) +
                                                           ": the line is longer than that; one "
                                                           "prefix a line, # begins a comment");
        }
        const std::string_view text = prefix_in(*line);
        if (text.empty()) {
            continue;
        }
        const auto column = static_cast<std::size_t>(text.data() - line->data()) + 1;
        const auto prefix = parse_prefix(text);
        if (!prefix) {
            return failed(prefix.error().kind,
                          place + std::to_string(column) + ": " + prefix.error().message);
        }
        if (prefixes.size() == excluded_prefixes_max) {
            return failed(Error::Kind::invalid_config,
                          place + std::to_string(column) + ": more than " +
                              std::to_string(excluded_prefixes_max) +
                              " prefixes; join neighbours into shorter prefixes");
        }
        prefixes.push_back(*prefix);
    }
    if (std::ferror(file.get()) != 0) {
        return failed(Error::Kind::io, path.string() + ": reading failed: " + error_text(errno));
    }
    return prefixes;
}

}  // namespace tapmeter::xdp
