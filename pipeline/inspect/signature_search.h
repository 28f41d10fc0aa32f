#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/rules/rule.h"

namespace tapmeter::inspect {

constexpr std::byte lower_case(std::byte octet) noexcept {
    return octet >= std::byte{'A'} && octet <= std::byte{'Z'} ? octet | std::byte{0x20} : octet;
}

// True where `octet` stands `length` times in a row; 1 and more.
bool has_run(Bytes octets, std::byte octet, std::size_t length) noexcept;

// Where the content's octets first stand in `octets`.
std::optional<std::size_t> find_octets(Bytes octets, const rules::Content& content) noexcept;

// The number in `octets`, read as the rule says; none where text holds no digit.
std::optional<std::uint64_t> number_of_octets(const rules::Reading& reading, Bytes octets) noexcept;

}  // namespace tapmeter::inspect
