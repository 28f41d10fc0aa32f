#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tapmeter::metrics {

// 33102551 -> "33,102,551"
inline std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4) {
        digits.insert(digits.size() - from_end, 1, ',');
    }
    return digits;
}

// Names come from the configuration; on a terminal they are shown, never run.
inline std::string shown(std::string_view name) {
    std::string text;
    for (const char c : name) {
        const auto octet = static_cast<unsigned char>(c);
        text += octet < 0x20 || octet == 0x7f ? '?' : c;
    }
    return text;
}

}  // namespace tapmeter::metrics
