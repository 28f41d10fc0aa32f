#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace tapmeter::exporting {

// A token bucket that lets flow records out evenly: no more than 10 ms' worth at once, and one
// message, which is never cut. What a message takes beyond the bucket is paid back before the next.
// One thread.
class Pacer {
public:
    using Clock = std::chrono::steady_clock;

    // records_a_second  0: no limit
    explicit Pacer(std::uint64_t records_a_second) noexcept
        : rate_(static_cast<double>(records_a_second)) {}

    // Whether the next message may go now.
    bool open(Clock::time_point now) noexcept {
        if (rate_ == 0) {
            return true;
        }
        const double seconds = std::chrono::duration<double>(now - filled_at_).count();
        filled_at_ = now;
        tokens_ = std::min(tokens_ + seconds * rate_, std::max(rate_ / bursts_a_second, 1.0));
        return tokens_ > 0;
    }

    // It went.
    void spend(std::uint64_t records) noexcept {
        if (rate_ != 0) {
            tokens_ -= static_cast<double>(records);
        }
    }

    // How long until the next may go, 1 to 100 ms; ask again then.
    std::chrono::milliseconds patience() const noexcept {
        constexpr double milliseconds_a_second = 1'000;
        const double owed = std::clamp(-tokens_ / rate_ * milliseconds_a_second, 0.0, 99.0);
        return std::chrono::milliseconds{static_cast<std::int64_t>(owed) + 1};
    }

private:
    static constexpr double bursts_a_second = 100;

    double rate_;
    double tokens_ = 0;
    Clock::time_point filled_at_{};
};

}  // namespace tapmeter::exporting
