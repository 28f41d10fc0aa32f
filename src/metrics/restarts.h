#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "pipeline/inspect/crash_slot.h"

namespace tapmeter::metrics {

// By which signal a data path ended.
enum class RestartReason : std::uint8_t { segv, abort, bus, fpe, ill, killed, other, count };
inline constexpr std::size_t restart_reasons = static_cast<std::size_t>(RestartReason::count);
inline constexpr std::array<std::string_view, restart_reasons> restart_reason_names{
    "segv", "abort", "bus", "fpe", "ill", "killed", "other"};

enum class DpiState : std::uint8_t {
    off,      // by the configuration
    on,       //
    faulted,  // by the supervisor: it ended the data path too often
    count,
};
inline constexpr std::size_t dpi_states = static_cast<std::size_t>(DpiState::count);
inline constexpr std::array<std::string_view, dpi_states> dpi_state_names{"off", "on", "faulted"};

// What the crashes of data paths have cost since the program started; all zero before the first,
// and without a supervisor. Plain octets, in memory that outlives each data path.
struct Restarts {
    std::array<std::uint64_t, restart_reasons> restarts{};
    std::array<std::uint64_t, inspect::doings> dpi_faults{};  // by what was being done
    std::uint64_t flows_quarantined = 0;                      // keys that are left alone
    std::uint64_t flows_adopted = 0;                          // by the next data path
    std::uint64_t flows_lost = 0;                             // of the tables, not adopted
    // Packets that reached the interfaces and no data path: in the rings when one ended, or there
    // while none was. Zero where an interface does not count by itself (packets_known).
    std::uint64_t packets_lost = 0;
    bool packets_known = true;
    DpiState dpi_state = DpiState::off;

    std::uint64_t total() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t count : restarts) {
            sum += count;
        }
        return sum;
    }
};
static_assert(std::is_trivially_copyable_v<Restarts>);

}  // namespace tapmeter::metrics
