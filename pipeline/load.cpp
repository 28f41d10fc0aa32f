#include "pipeline/load.h"

#include <algorithm>

namespace tapmeter {

void Load::Measure::follow(double value, const LoadLevel& level, double leave) noexcept {
    const double keeps_hot = state == LoadState::hot ? leave : 1.0;
    const double keeps_warm = state != LoadState::normal ? leave : 1.0;
    if (value >= level.hot * keeps_hot) {
        state = LoadState::hot;
    } else {
        state = value >= level.warm * keeps_warm ? LoadState::warm : LoadState::normal;
    }
}

void Load::measure(const Sample& sample) noexcept {
    const auto elapsed = sample.now - began_.now;
    const bool comparable = started_ && elapsed >= window;
    const Sample before = began_;
    began_ = sample;
    started_ = true;
    if (!comparable) {  // the first look, or a clock that went back: only shares can be judged
        return;
    }
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const std::uint64_t turns = sample.turns - before.turns;
    const auto full = static_cast<double>(sample.full_bursts - before.full_bursts);
    new_flows_rate_ = static_cast<double>(sample.new_flows - before.new_flows) / seconds;

    of(LoadCause::table).follow(sample.table, levels_.table, levels_.leave);
    of(LoadCause::ring).follow(sample.ring, levels_.ring, levels_.leave);
    of(LoadCause::backlog)
        .follow(turns == 0 ? 0 : full / static_cast<double>(turns), levels_.backlog, levels_.leave);
    of(LoadCause::new_flows)
        .follow(new_flows_rate_,
                {.warm = levels_.flood_new_flows / 2, .hot = levels_.flood_new_flows},
                levels_.leave);
    note_flood(sample.table);
    conclude();
    shed();
}

// New flows alone are no danger while the table has room; once there is a flood, only their rate
// ends it, because aggregation itself empties the table.
void Load::note_flood(double table) noexcept {
    const bool fast = of(LoadCause::new_flows).state == LoadState::hot;
    flood_ = fast && (flood_ || table >= levels_.flood_table);
}

void Load::conclude() noexcept {
    state_ = LoadState::normal;
    for (std::size_t i = 0; i < load_causes; ++i) {
        // Many new flows in a table with room are worth a look, no more.
        const bool only_warm = static_cast<LoadCause>(i) == LoadCause::new_flows;
        const LoadState own = measures_[i].state;
        state_ = std::max(state_, only_warm ? std::min(own, LoadState::warm) : own);
    }
    causes_ = 0;
    for (std::size_t i = 0; i < load_causes; ++i) {
        const bool pressing =
            measures_[i].state != LoadState::normal && measures_[i].state >= state_;
        causes_ |= pressing ? bit_of(static_cast<LoadCause>(i)) : 0;
    }
    if (flood_) {
        state_ = LoadState::flood;
        causes_ |= bit_of(LoadCause::new_flows);
    }
}

// Up while the worker cannot keep up; back more slowly, so that the load which comes back with a
// step is seen before the next.
void Load::shed() noexcept {
    const auto worst = std::max(of(LoadCause::backlog).state, of(LoadCause::ring).state);
    hot_ = worst == LoadState::hot ? hot_ + 1 : 0;
    calm_ = worst == LoadState::normal ? calm_ + 1 : 0;
    if (hot_ == hot_windows) {
        level_ = std::min(level_ + 1, steps_before_flows() + levels_.sampling_exponent_max);
        hot_ = 0;
    }
    if (calm_ == calm_windows) {
        level_ -= level_ != 0 ? 1U : 0U;
        calm_ = 0;
    }
}

}  // namespace tapmeter
