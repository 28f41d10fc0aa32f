#include "pipeline/inspect/signature_search.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

namespace tapmeter::inspect {

namespace {

Bytes octets_of(const rules::Content& content) noexcept {
    return std::as_bytes(std::span{content.octets});
}

bool equal_but_case(Bytes octets, Bytes lower) noexcept {
    return std::ranges::equal(octets, lower, {}, lower_case);
}

// The next place of either spelling of the first letter.
std::size_t find_letter(Bytes octets, std::size_t from, std::byte lower) noexcept {
    const bool letter = lower >= std::byte{'a'} && lower <= std::byte{'z'};
    if (!letter) {
        const void* const found =
            std::memchr(octets.data() + from, std::to_integer<int>(lower), octets.size() - from);
        return found == nullptr
                   ? octets.size()
                   : static_cast<std::size_t>(static_cast<const std::byte*>(found) - octets.data());
    }
    while (from < octets.size() && lower_case(octets[from]) != lower) {
        ++from;
    }
    return from;
}

std::optional<std::uint64_t> number_of_text(unsigned base, Bytes octets) noexcept {
    const auto digit_of = [](std::byte octet) noexcept {
        const auto c = std::to_integer<unsigned>(lower_case(octet));
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99U;
    };
    while (!octets.empty() && (octets[0] == std::byte{' '} || octets[0] == std::byte{'\t'})) {
        octets = octets.subspan(1);
    }
    const bool prefixed = base == 16 && octets.size() > 2 && octets[0] == std::byte{'0'} &&
                          lower_case(octets[1]) == std::byte{'x'};
    octets = prefixed ? octets.subspan(2) : octets;
    std::uint64_t number = 0;
    bool any = false;
    for (const std::byte octet : octets) {
        const unsigned digit = digit_of(octet);
        if (digit >= base) {
            break;
        }
        any = true;
        constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
        number = number > (most - digit) / base ? most : number * base + digit;
    }
    return any ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<std::size_t> find_octets(Bytes octets, const rules::Content& content) noexcept {
    const Bytes wanted = octets_of(content);
    if (octets.size() < wanted.size()) {
        return std::nullopt;
    }
    if (!content.nocase) {
        const void* const found =
            memmem(octets.data(), octets.size(), wanted.data(), wanted.size());
        return found == nullptr ? std::nullopt
                                : std::optional(static_cast<std::size_t>(
                                      static_cast<const std::byte*>(found) - octets.data()));
    }
    const std::size_t places = octets.size() - wanted.size() + 1;
    const Bytes starts = octets.first(places);
    for (std::size_t at = 0; at < places; ++at) {
        at = find_letter(starts, at, wanted[0]);
        if (at >= places) {
            break;
        }
        if (equal_but_case(octets.subspan(at, wanted.size()), wanted)) {
            return at;
        }
    }
    return std::nullopt;
}

bool has_run(Bytes octets, std::byte octet, std::size_t length) noexcept {
    while (octets.size() >= length) {
        const std::size_t starts = octets.size() - length + 1;
        const void* const found = std::memchr(octets.data(), std::to_integer<int>(octet), starts);
        if (found == nullptr) {
            return false;
        }
        octets = octets.subspan(
            static_cast<std::size_t>(static_cast<const std::byte*>(found) - octets.data()));
        // From its end back: what breaks the run lies behind all that could begin before it.
        std::size_t same = 0;
        while (same < length && octets[length - 1 - same] == octet) {
            ++same;
        }
        if (same == length) {
            return true;
        }
        octets = octets.subspan(length - same);
    }
    return false;
}

std::optional<std::uint64_t> number_of_octets(const rules::Reading& reading,
                                              Bytes octets) noexcept {
    if (reading.base != 0) {
        return number_of_text(reading.base, octets);
    }
    if (octets.size() > sizeof(std::uint64_t)) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const std::byte octet = octets[reading.little_endian ? octets.size() - 1 - i : i];
        number = (number << 8U) | std::to_integer<std::uint64_t>(octet);
    }
    return number;
}

}  // namespace tapmeter::inspect
