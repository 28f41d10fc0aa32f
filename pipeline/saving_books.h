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
    left_history,       // of recalled packets: others took their place before there was room
    file_full,          // of recalled packets: the file holds as much as it may
    count,
};
inline constexpr std::size_t not_written_reasons = static_cast<std::size_t>(NotWritten::count);
inline constexpr std::array<std::string_view, not_written_reasons> not_written_names{
    "ring_full",     "unknown_link_type", "disk_full", "file_error",
    "files_used_up", "left_history",      "file_full"};

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

// What a worker keeps of the packets that have just passed, and what became of those that somebody
// asked for:
//     begun = ended + open,   recalled.wanted = recalled.handed + recalled.refused{reason}
struct HistoryBooks {
    SavedTotals held{};           // at this moment
    std::uint64_t oldest_ns = 0;  // of what is held, since 1970-01-01 UTC; 0: nothing is
    std::uint64_t not_held = 0;   // packets of a link layer that has no number
    std::uint64_t begun = 0;      // recalls
    std::uint64_t ended = 0;
    std::uint64_t open = 0;         // at this moment
    std::uint64_t joined = 0;       // alerts of a flow that is being recalled already
    std::uint64_t turned_away = 0;  // alerts, as many recalls as there may be were open
    SavingBooks recalled{};

    constexpr HistoryBooks& operator+=(const HistoryBooks& other) noexcept {
        held += other.held;
        const bool older = oldest_ns == 0 || (other.oldest_ns != 0 && other.oldest_ns < oldest_ns);
        oldest_ns = older ? other.oldest_ns : oldest_ns;
        not_held += other.not_held;
        begun += other.begun;
        ended += other.ended;
        open += other.open;
        joined += other.joined;
        turned_away += other.turned_away;
        recalled += other.recalled;
        return *this;
    }
};

}  // namespace tapmeter
