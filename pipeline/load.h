#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/base/units.h"

namespace tapmeter {

// How hard a worker is pressed. Each state is entered at a level and left at a lower one, so that
// a load at a level does not flicker.
enum class LoadState : std::uint8_t {
    normal,
    warm,   // worth a look: there is less room than there should be
    hot,    // something is about to be lost; what can be shed is shed
    flood,  // new flows come faster than the table can hold them: they are aggregated
    count,
};
inline constexpr std::size_t load_states = static_cast<std::size_t>(LoadState::count);
inline constexpr std::array<std::string_view, load_states> load_state_names{"normal", "warm", "hot",
                                                                            "flood"};

// What presses it.
enum class LoadCause : std::uint8_t {
    table,      // the flow table fills
    ring,       // the ring to the exporter core fills
    backlog,    // bursts are full: the source has more than the worker takes
    new_flows,  // flows begin faster than the table can hold them
    count,
};
inline constexpr std::size_t load_causes = static_cast<std::size_t>(LoadCause::count);
inline constexpr std::array<std::string_view, load_causes> load_cause_names{"table", "ring",
                                                                            "backlog", "new_flows"};

// Where a measure makes a worker warm and hot; shares from 0 to 1.
struct LoadLevel {
    double warm = 0;
    double hot = 0;
};

// All levels of a worker. A state is left at `leave` times the level at which it is entered.
struct LoadLevels {
    LoadLevel table{.warm = 0.60, .hot = 0.80};    // flows, of flows_max
    LoadLevel ring{.warm = 0.50, .hot = 0.75};     // records waiting, of the ring's capacity
    LoadLevel backlog{.warm = 0.50, .hot = 0.95};  // full bursts, of all turns
    // A flood: so many new flows a second while the table is so full. Half as many are warm.
    double flood_new_flows = 35'000;
    double flood_table = 0.85;
    double leave = 0.80;
    // Most steps of flow sampling: 1 in 2^k flows is metered at the hardest; 0: never.
    unsigned sampling_exponent_max = 0;
    // Steps in which inspection is given up before any flow is; 0: nothing is inspected.
    unsigned inspection_steps = 0;
    unsigned analytics_steps = 0;  // likewise, behind inspection; 0 or 1
};

// What is given up when a worker cannot keep up, in this order: the first goes first.
enum class Shed : std::uint8_t {
    inspection,     // first most of it, then all
    analytics,      // what is found in packets beside the counts
    flow_sampling,  // each further level meters half as many of the flows that begin
    count,
};
inline constexpr std::size_t shed_steps = static_cast<std::size_t>(Shed::count);
inline constexpr std::array<std::string_view, shed_steps> shed_names{"inspection", "analytics",
                                                                     "flow_sampling"};

// Sampling of flows knows no larger exponent: 1 in 65,536.
inline constexpr unsigned sampling_exponent_limit = 16;

// The state of one worker and what it sheds. Measured in windows of packet time; nothing here
// costs anything a packet. The worker's thread only.
class Load {
public:
    static constexpr Nanoseconds window{std::int64_t{1} << 27U};  // 134 ms
    // So many windows in a row must be hot before a step is taken, longer than any receive ring
    // takes to be emptied; and so many calm before one is taken back.
    static constexpr unsigned hot_windows = 3;
    static constexpr unsigned calm_windows = 8;

    // Counters since the start and shares at this moment.
    struct Sample {
        ObservedAt now{};
        std::uint64_t new_flows = 0;    // flows that wanted to begin, let in or not
        std::uint64_t turns = 0;        // of the worker
        std::uint64_t full_bursts = 0;  // turns that brought as many packets as a burst holds
        double table = 0;
        double ring = 0;
    };

    explicit Load(const LoadLevels& levels) noexcept : levels_(levels) {}

    // True once a window is over, or time ran backwards: measure() is due.
    bool due(ObservedAt now) const noexcept {
        return now - began_.now >= window || now < began_.now;
    }

    // Ends a window: the state and the level of shedding follow from it.
    void measure(const Sample& sample) noexcept;

    LoadState state() const noexcept { return state_; }
    bool has(LoadCause cause) const noexcept { return (causes_ & bit_of(cause)) != 0; }
    std::uint64_t causes() const noexcept { return causes_; }  // bit c is cause c
    double new_flows_per_second() const noexcept { return new_flows_rate_; }

    // True where this step has been taken.
    bool sheds(Shed step) const noexcept {
        switch (step) {
            case Shed::inspection:
                return inspection_steps() != 0;
            case Shed::analytics:
                return levels_.analytics_steps != 0 && level_ > levels_.inspection_steps;
            default:
                return level_ > steps_before_flows();
        }
    }
    unsigned level() const noexcept { return level_; }
    // 1 in 2^k of the flows that begin is metered; 0: all.
    unsigned sampling_exponent() const noexcept {
        return sheds(Shed::flow_sampling) ? level_ - steps_before_flows() : 0;
    }
    // How much of inspection is given up: 0 nothing, 1 most of it, 2 all.
    unsigned inspection_steps() const noexcept {
        return std::min(level_, levels_.inspection_steps);
    }

private:
    // One measure's own state, from which the worker's is made.
    struct Measure {
        LoadState state = LoadState::normal;
        void follow(double value, const LoadLevel& level, double leave) noexcept;
    };

    static constexpr std::uint64_t bit_of(LoadCause cause) noexcept {
        return std::uint64_t{1} << static_cast<unsigned>(cause);
    }
    unsigned steps_before_flows() const noexcept {
        return levels_.inspection_steps + levels_.analytics_steps;
    }
    Measure& of(LoadCause cause) noexcept { return measures_[static_cast<std::size_t>(cause)]; }
    void note_flood(double table) noexcept;
    void conclude() noexcept;
    void shed() noexcept;

    LoadLevels levels_;
    Sample began_{};
    bool started_ = false;
    std::array<Measure, load_causes> measures_{};
    bool flood_ = false;
    LoadState state_ = LoadState::normal;
    std::uint64_t causes_ = 0;
    double new_flows_rate_ = 0;
    unsigned level_ = 0;
    unsigned hot_ = 0;   // windows in a row
    unsigned calm_ = 0;  // windows in a row
};

}  // namespace tapmeter
