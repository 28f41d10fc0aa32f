#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "pipeline/base/bytes.h"

namespace tapmeter::capture_files {

// Capture files are written in the byte order of the host that captured; a magic number says
// whether that is ours.
enum class FileOrder : std::uint8_t { ours, swapped };

constexpr std::string_view name_of(FileOrder order) noexcept {
    const bool little = (std::endian::native == std::endian::little) == (order == FileOrder::ours);
    return little ? "little-endian" : "big-endian";
}

// Loads in the file's byte order. As in pipeline/base/bytes.h the extent is part of the type.
inline std::uint16_t load16(FileOrder order, std::span<const std::byte, 2> octets) noexcept {
    std::uint16_t value = 0;
    std::memcpy(&value, octets.data(), sizeof value);
    return order == FileOrder::ours ? value : __builtin_bswap16(value);
}

inline std::uint32_t load32(FileOrder order, std::span<const std::byte, 4> octets) noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, octets.data(), sizeof value);
    return order == FileOrder::ours ? value : __builtin_bswap32(value);
}

inline std::uint64_t load64(FileOrder order, std::span<const std::byte, 8> octets) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, octets.data(), sizeof value);
    return order == FileOrder::ours ? value : __builtin_bswap64(value);
}

}  // namespace tapmeter::capture_files
