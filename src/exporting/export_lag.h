#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/units.h"

namespace tapmeter::exporting {

// Upper bounds of the classes of ExportLag, in milliseconds; the last class has none.
inline constexpr std::array<std::uint32_t, 11> export_lag_bounds_ms{
    100, 250, 500, 1'000, 2'500, 5'000, 10'000, 30'000, 60'000, 120'000, 300'000};

// How long after the last packet of a flow record it was sent: the wait for the end of its flow,
// and for the output. The first record of a message speaks for all of it.
struct ExportLag {
    // Records of a recording have times of their own: what is older than this is not counted.
    static constexpr std::chrono::hours oldest{24};

    std::array<std::uint64_t, export_lag_bounds_ms.size() + 1> records{};
    std::uint64_t milliseconds = 0;  // sum over those records

    void add(std::uint64_t count, ObservedAt ended, ObservedAt sent) noexcept {
        const auto lag = std::chrono::duration_cast<std::chrono::milliseconds>(sent - ended);
        if (lag > oldest || ended == ObservedAt{}) {
            return;
        }
        // Clocks of capture and host may differ a little: nothing is sent before it ended.
        const auto past = static_cast<std::uint64_t>(std::max<std::int64_t>(lag.count(), 0));
        const auto* const bound = std::ranges::lower_bound(export_lag_bounds_ms, past);
        records[static_cast<std::size_t>(bound - export_lag_bounds_ms.begin())] += count;
        milliseconds += count * past;
    }

    std::uint64_t count() const noexcept {
        std::uint64_t all = 0;
        for (const std::uint64_t one : records) {
            all += one;
        }
        return all;
    }

    // The bound, in milliseconds, that so many percent of the records keep; 0: there are none, or
    // none of the bounds is kept by so many.
    std::uint32_t bound_of(unsigned percent) const noexcept {
        const std::uint64_t all = count();
        std::uint64_t within = 0;
        for (std::size_t i = 0; i < export_lag_bounds_ms.size() && all != 0; ++i) {
            within += records[i];
            if (within * 100 >= all * percent) {
                return export_lag_bounds_ms[i];
            }
        }
        return 0;
    }

    ExportLag& operator+=(const ExportLag& other) noexcept {
        for (std::size_t i = 0; i < records.size(); ++i) {
            records[i] += other.records[i];
        }
        milliseconds += other.milliseconds;
        return *this;
    }
};

// Now, as the times of packets count.
inline ObservedAt observed_now() noexcept {
    return ObservedAt{std::chrono::duration_cast<Nanoseconds>(
        std::chrono::system_clock::now().time_since_epoch())};
}

}  // namespace tapmeter::exporting
