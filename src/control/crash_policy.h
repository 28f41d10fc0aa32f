#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace tapmeter::control {

// What follows a crash of the data path. Pure: time is given.
//
// Inspection is code of others that reads hostile octets: it may crash again and again, and is
// switched off before that becomes a way to keep us from metering. What crashes without it is a
// fault of ours, or of the machine; trying for ever would hide it.
class CrashPolicy {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds window{60};
    static constexpr std::size_t faults_max = 3;   // of inspection in a window: then without it
    static constexpr std::size_t crashes_max = 5;  // others in a window: then no more

    enum class Verdict : std::uint8_t { again, without_inspection, give_up };

    // by_inspection  the crash came while a worker inspected
    Verdict judge(bool by_inspection, Time now) {
        std::deque<Time>& times = by_inspection ? faults_ : crashes_;
        times.push_back(now);
        while (now - times.front() > window) {
            times.pop_front();
        }
        if (by_inspection) {
            return times.size() >= faults_max ? Verdict::without_inspection : Verdict::again;
        }
        return times.size() >= crashes_max ? Verdict::give_up : Verdict::again;
    }

private:
    std::deque<Time> faults_;
    std::deque<Time> crashes_;
};

}  // namespace tapmeter::control
