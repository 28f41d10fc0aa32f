#include "pipeline/load.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tapmeter {
namespace {

using namespace std::chrono_literals;

const LoadLevels levels{.flood_new_flows = 1'000, .sampling_exponent_max = 4};

// A worker as its load sees it, one window after the other.
class Windows {
public:
    explicit Windows(const LoadLevels& of = levels) : load_(of) { load_.measure(sample_); }

    struct One {
        double table = 0;
        double ring = 0;
        double full_bursts = 0;  // share of the turns
        double new_flows_per_second = 0;
    };
    const Load& one(const One& window) {
        constexpr std::uint64_t turns = 1'000;
        const double seconds = std::chrono::duration<double>(Load::window).count();
        sample_.now += Load::window;
        sample_.table = window.table;
        sample_.ring = window.ring;
        sample_.turns += turns;
        sample_.full_bursts += static_cast<std::uint64_t>(window.full_bursts * turns);
        sample_.new_flows +=
            static_cast<std::uint64_t>(window.new_flows_per_second * seconds + 0.5);
        load_.measure(sample_);
        return load_;
    }
    const Load& many(unsigned count, const One& window) {
        for (unsigned i = 0; i < count; ++i) {
            one(window);
        }
        return load_;
    }
    Load& load() { return load_; }

private:
    Load load_;
    Load::Sample sample_{.now = ObservedAt{1'000s}};
};

TEST(Load, begins_normal_and_stays_so_without_pressure) {
    Windows windows;
    const Load& load = windows.many(10, {.table = 0.59, .ring = 0.49, .full_bursts = 0.49});
    EXPECT_EQ(load.state(), LoadState::normal);
    EXPECT_EQ(load.causes(), 0U);
    EXPECT_EQ(load.level(), 0U);
}

struct Step {
    std::string name;
    Windows::One just_below;
    Windows::One at;
    Windows::One not_yet_left;
    Windows::One left;
    LoadState state;
    LoadCause cause;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << step.name;
}

class EntryAndExit : public testing::TestWithParam<Step> {};

// Both sides of the level at which a state is entered, and of the lower one at which it is left.
TEST_P(EntryAndExit, differ) {
    const Step& step = GetParam();
    Windows windows;
    EXPECT_LT(windows.one(step.just_below).state(), step.state);
    EXPECT_EQ(windows.one(step.at).state(), step.state);
    EXPECT_TRUE(windows.load().has(step.cause));
    EXPECT_EQ(windows.one(step.not_yet_left).state(), step.state);
    EXPECT_LT(windows.one(step.left).state(), step.state);
    EXPECT_LT(windows.one(step.just_below).state(), step.state);
}

const std::vector<Step> steps{
    {"table_warm",
     {.table = 0.599},
     {.table = 0.6},
     {.table = 0.481},
     {.table = 0.479},
     LoadState::warm,
     LoadCause::table},
    {"table_hot",
     {.table = 0.799},
     {.table = 0.8},
     {.table = 0.641},
     {.table = 0.639},
     LoadState::hot,
     LoadCause::table},
    {"ring_warm",
     {.ring = 0.499},
     {.ring = 0.5},
     {.ring = 0.401},
     {.ring = 0.399},
     LoadState::warm,
     LoadCause::ring},
    {"ring_hot",
     {.ring = 0.749},
     {.ring = 0.75},
     {.ring = 0.601},
     {.ring = 0.599},
     LoadState::hot,
     LoadCause::ring},
    {"backlog_warm",
     {.full_bursts = 0.499},
     {.full_bursts = 0.5},
     {.full_bursts = 0.401},
     {.full_bursts = 0.399},
     LoadState::warm,
     LoadCause::backlog},
    {"backlog_hot",
     {.full_bursts = 0.949},
     {.full_bursts = 0.95},
     {.full_bursts = 0.761},
     {.full_bursts = 0.759},
     LoadState::hot,
     LoadCause::backlog},
    {"new_flows_warm",
     {.new_flows_per_second = 490},
     {.new_flows_per_second = 510},
     {.new_flows_per_second = 410},
     {.new_flows_per_second = 390},
     LoadState::warm,
     LoadCause::new_flows},
    {"flood_by_rate",
     {.table = 0.85, .new_flows_per_second = 990},
     {.table = 0.85, .new_flows_per_second = 1'010},
     {.table = 0.85, .new_flows_per_second = 810},
     {.table = 0.85, .new_flows_per_second = 790},
     LoadState::flood,
     LoadCause::new_flows},
    {"flood_by_table",
     {.table = 0.849, .new_flows_per_second = 2'000},
     {.table = 0.85, .new_flows_per_second = 2'000},
     {.table = 0.1, .new_flows_per_second = 2'000},
     {.table = 0.849, .new_flows_per_second = 0},
     LoadState::flood,
     LoadCause::new_flows},
};
INSTANTIATE_TEST_SUITE_P(Load, EntryAndExit, testing::ValuesIn(steps),
                         [](const auto& tested) { return tested.param.name; });

TEST(Load, many_new_flows_in_a_table_with_room_are_no_flood) {
    Windows windows;
    EXPECT_EQ(windows.one({.table = 0.2, .new_flows_per_second = 1e6}).state(), LoadState::warm);
}

TEST(Load, names_every_cause_of_its_state_and_no_lesser_one) {
    Windows windows;
    const Load& load = windows.one({.table = 0.7, .ring = 0.8, .full_bursts = 1.0});
    EXPECT_EQ(load.state(), LoadState::hot);
    EXPECT_TRUE(load.has(LoadCause::ring));
    EXPECT_TRUE(load.has(LoadCause::backlog));
    EXPECT_FALSE(load.has(LoadCause::table)) << "warm only";
}

TEST(Load, sheds_step_by_step_up_to_its_limit_and_takes_them_back_slowly) {
    Windows windows;
    const Load& load = windows.load();
    for (unsigned step = 1; step <= 6; ++step) {
        windows.many(Load::hot_windows - 1, {.full_bursts = 1.0});
        EXPECT_EQ(load.sampling_exponent(), std::min(step - 1, 4U));
        windows.one({.full_bursts = 1.0});
        EXPECT_EQ(load.sampling_exponent(), std::min(step, 4U));
        EXPECT_TRUE(load.sheds(Shed::flow_sampling));
    }
    windows.many(100, {.full_bursts = 0.6});
    EXPECT_EQ(load.sampling_exponent(), 4U) << "warm: neither more nor less";
    windows.many(Load::calm_windows - 1, {});
    EXPECT_EQ(load.sampling_exponent(), 4U);
    windows.one({});
    EXPECT_EQ(load.sampling_exponent(), 3U);
    windows.many(3 * Load::calm_windows, {});
    EXPECT_EQ(load.sampling_exponent(), 0U);
    EXPECT_FALSE(load.sheds(Shed::flow_sampling));
}

TEST(Load, a_ring_that_is_emptied_in_time_sheds_nothing) {
    Windows windows;
    for (int burst = 0; burst < 10; ++burst) {
        windows.many(Load::hot_windows - 1, {.full_bursts = 1.0});
        windows.one({});
    }
    EXPECT_EQ(windows.load().level(), 0U);
}

TEST(Load, sheds_nothing_where_it_may_not) {
    LoadLevels none = levels;
    none.sampling_exponent_max = 0;
    Windows windows(none);
    EXPECT_EQ(windows.many(10, {.full_bursts = 1.0}).level(), 0U);
    EXPECT_EQ(windows.load().state(), LoadState::hot);
}

TEST(Load, a_full_table_alone_sheds_nothing) {
    Windows windows;
    EXPECT_EQ(windows.many(10, {.table = 1.0}).level(), 0U);
}

TEST(Load, a_clock_that_goes_back_is_taken_as_a_new_beginning) {
    Load load(levels);
    load.measure({.now = ObservedAt{1'000s}});
    load.measure({.now = ObservedAt{1'001s}, .new_flows = 800});
    EXPECT_EQ(load.state(), LoadState::warm);
    EXPECT_TRUE(load.due(ObservedAt{1s}));
    load.measure({.now = ObservedAt{1s}, .new_flows = 900});
    EXPECT_EQ(load.state(), LoadState::warm) << "nothing is known yet";
    EXPECT_FALSE(load.due(ObservedAt{1s} + Load::window - 1ns));
    EXPECT_TRUE(load.due(ObservedAt{1s} + Load::window));
    load.measure({.now = ObservedAt{2s}, .new_flows = 900});
    EXPECT_EQ(load.state(), LoadState::normal);
}

TEST(Load, gives_up_inspection_before_any_flow) {
    LoadLevels inspecting = levels;
    inspecting.inspection_steps = 2;
    inspecting.sampling_exponent_max = 1;
    Load load(inspecting);
    std::vector<std::pair<unsigned, unsigned>> given_up;
    Load::Sample sample{.now = ObservedAt{Load::window}};
    load.measure(sample);
    for (unsigned window = 0; window < 4 * Load::hot_windows; ++window) {
        sample.now += Load::window;
        sample.turns += 100;
        sample.full_bursts += 100;
        load.measure(sample);
        const std::pair step{load.inspection_steps(), load.sampling_exponent()};
        if (given_up.empty() || given_up.back() != step) {
            given_up.push_back(step);
        }
        EXPECT_EQ(load.sheds(Shed::inspection), step.first != 0);
        EXPECT_EQ(load.sheds(Shed::flow_sampling), step.second != 0);
    }
    EXPECT_EQ(given_up,
              (std::vector<std::pair<unsigned, unsigned>>{{0, 0}, {1, 0}, {2, 0}, {2, 1}}));
}

}  // namespace
}  // namespace tapmeter
