#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tapmeter {

// Why a packet that was to be written is not.
enum class NotWritten : std::uint8_t {
    ring_full,          // of live packets: the writer did not come in time
    unknown_link_type,  // of a capture file: its link layer has no number that we know
    disk_full,          // the file system took no more
    file_error,         // a file could not be made or written
    files_used_up,      // as many files as may be made with time alone are there
    count,
};
inline constexpr std::size_t not_written_reasons = static_cast<std::size_t>(NotWritten::count);
inline constexpr std::array<std::string_view, not_written_reasons> not_written_names{
    "ring_full", "unknown_link_type", "disk_full", "file_error", "files_used_up"};

struct SavedTotals {
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;  // of frames, as far as they are written

    constexpr SavedTotals& operator+=(const SavedTotals& other) noexcept {
        packets += other.packets;
        octets += other.octets;
        return *this;
    }
    constexpr bool operator==(const SavedTotals&) const = default;
};

// What a worker did with packets that were to be written:
//     wanted = handed + refused{reason}
struct SavingBooks {
    SavedTotals wanted{};
    SavedTotals handed{};  // into the ring to the writer
    std::array<SavedTotals, not_written_reasons> refused{};

    constexpr SavingBooks& operator+=(const SavingBooks& other) noexcept {
        wanted += other.wanted;
        handed += other.handed;
        for (std::size_t i = 0; i < refused.size(); ++i) {
            refused[i] += other.refused[i];
        }
        return *this;
    }
};

}  // namespace tapmeter
