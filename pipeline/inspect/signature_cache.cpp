#include "pipeline/inspect/signature_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "pipeline/inspect/rules/rule_files.h"
#include "pipeline/inspect/signature_hyperscan.h"

namespace tapmeter::inspect {

namespace {

constexpr std::string_view magic = "tapmeter signatures 1\n";

// FNV-1a of 64 bits. Two of them with different starts make a name of 128 bits; nobody gains by a
// collision, because who can write the folder can write the rules.
class Digest {
public:
    explicit Digest(std::uint64_t start) noexcept : state_(start) {}
    void add(std::string_view octets) noexcept {
        constexpr std::uint64_t prime = 0x0000'0100'0000'01B3;
        for (const char c : octets) {
            state_ = (state_ ^ static_cast<unsigned char>(c)) * prime;
        }
    }
    void add_piece(std::string_view octets) noexcept {
        add(std::to_string(octets.size()) + ":");
        add(octets);
    }
    std::uint64_t value() const noexcept { return state_; }

private:
    std::uint64_t state_;
};
constexpr std::array<std::uint64_t, 2> starts{0xCBF2'9CE4'8422'2325, 0x9AE1'6A3B'2F90'404F};

void add_plan(Digest& digest, const ScanPlan& plan) {
    for (const SlotPlan& slot : plan.by_slot) {
        digest.add("slot");
        for (const SlotPlan::Literal& literal : slot.literals) {
            digest.add(literal.nocase ? "i" : "c");
            digest.add_piece(literal.octets);
        }
        for (const SlotPlan::Expression& expression : slot.expressions) {
            const rules::Regex& regex = expression.regex;
            for (const bool flag :
                 {regex.caseless, regex.multiline, regex.dot_all, regex.extended, regex.relative}) {
                digest.add(flag ? "1" : "0");
            }
            digest.add_piece(regex.pattern);
        }
    }
}

std::string hex_of(std::uint64_t number) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned shift = 64; shift > 0;) {
        shift -= 4;
        text += digits[(number >> shift) & 15U];
    }
    return text;
}

std::uint64_t checksum_of(std::string_view octets) {
    Digest digest{starts[0]};
    digest.add(octets);
    return digest.value();
}

void put(std::string& to, std::string_view octets) {
    const std::uint64_t size = octets.size();
    std::array<char, sizeof(size)> head{};
    std::memcpy(head.data(), &size, sizeof(size));
    to.append(head.data(), head.size());
    to += octets;
}

std::optional<std::string_view> get(std::string_view& from) {
    std::uint64_t size = 0;
    if (from.size() < sizeof(size)) {
        return std::nullopt;
    }
    std::memcpy(&size, from.data(), sizeof(size));
    from.remove_prefix(sizeof(size));
    if (size > from.size()) {
        return std::nullopt;
    }
    const std::string_view octets = from.substr(0, size);
    from.remove_prefix(size);
    return octets;
}

}  // namespace

std::string cache_name_of(const ScanPlan& plan) {
    std::string name;
    for (const std::uint64_t start : starts) {
        Digest digest{start};
        digest.add_piece(compiler_identity());
        add_plan(digest, plan);
        name += hex_of(digest.value());
    }
    return name + ".signatures";
}

std::optional<CompiledSlots> read_cache(const std::string& file) {
    const auto octets = rules::read_file(file);
    if (!octets || !octets->starts_with(magic)) {
        return std::nullopt;
    }
    std::string_view rest = std::string_view{*octets}.substr(magic.size());
    const auto sum = get(rest);
    if (!sum || *sum != hex_of(checksum_of(rest))) {
        return std::nullopt;
    }
    CompiledSlots out;
    for (std::size_t slot = 0; slot < slots; ++slot) {
        const auto literals = get(rest);
        const auto expressions = get(rest);
        const auto refused = get(rest);
        if (!literals || !expressions || !refused) {
            return std::nullopt;
        }
        out.literals[slot] = *literals;
        out.expressions[slot] = *expressions;
        out.refused[slot] = numbers_of(*refused);
    }
    return rest.empty() ? std::optional(std::move(out)) : std::nullopt;
}

std::string octets_of(std::span<const std::uint32_t> numbers) {
    std::string octets(numbers.size_bytes(), '\0');
    std::ranges::copy(std::as_bytes(numbers), std::as_writable_bytes(std::span{octets}).begin());
    return octets;
}

std::vector<std::uint32_t> numbers_of(std::string_view octets) {
    std::vector<std::uint32_t> numbers(octets.size() / sizeof(std::uint32_t));
    const auto whole =
        std::as_bytes(std::span{octets}).first(numbers.size() * sizeof(std::uint32_t));
    std::ranges::copy(whole, std::as_writable_bytes(std::span{numbers}).begin());
    return numbers;
}

bool write_cache(const std::string& file, const CompiledSlots& compiled) {
    std::string body;
    for (std::size_t slot = 0; slot < slots; ++slot) {
        put(body, compiled.literals[slot]);
        put(body, compiled.expressions[slot]);
        put(body, octets_of(compiled.refused[slot]));
    }
    std::string whole{magic};
    put(whole, hex_of(checksum_of(body)));
    whole += body;
    std::string beside = file + ".XXXXXX";
    const int made = mkstemp(beside.data());
    if (made < 0) {
        return false;
    }
    const ssize_t written = write(made, whole.data(), whole.size());
    const bool good = written == static_cast<ssize_t>(whole.size()) && fsync(made) == 0;
    close(made);
    if (!good || std::rename(beside.c_str(), file.c_str()) != 0) {
        unlink(beside.c_str());
        return false;
    }
    return true;
}

}  // namespace tapmeter::inspect
