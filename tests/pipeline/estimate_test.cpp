#include "pipeline/estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>

#include "tests/support/metering_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using testing::broken_law;
using testing::MeteringBench;
using testing::Sent;

constexpr ObservedAt began{1'000s};

struct Truth {
    double flows = 0;
    double packets = 0;
    double octets = 0;
};
struct Guess {
    Truth value;
    Truth bound;
};

// All flows, as the books and records of one run tell: what stands for itself, and what stands
// for others.
Guess guess_of(const MeteringBench& bench) {
    const WorkerBooks& books = bench.books();
    const auto all = [](std::uint64_t counted, const SampledSum& sampled) {
        return static_cast<double>(counted - sampled.counted) + sampled.estimated;
    };
    const SampledTotals& sampled = books.sampled;
    return {.value = {all(books.flows_created, sampled.flows),
                      all(books.emitted.packets, sampled.packets),
                      all(books.emitted.octets, sampled.octets)},
            .bound = {error_bound(sampled.flows.variance), error_bound(sampled.packets.variance),
                      error_bound(sampled.octets.variance)}};
}

// 600 flows of 1 to 40 packets in two minutes of changing rates: they begin at any time, are cut
// by the active timeout, and live through rates that rise and fall.
class Traffic600 {
public:
    static constexpr std::uint32_t flows = 600;

    Traffic600() {
        for (std::uint32_t number = 0; number < flows; ++number) {
            const std::uint32_t packets = 1 + number * number % 40;
            for (std::uint32_t i = 0; i < packets; ++i) {
                const auto at = began + 100ms * (number % 600) + 1500ms * i;
                Sent one{.source = number, .destination = 1, .source_port = 9, .at = at};
                one.octets = 40 + number * 37 % 1'400;
                sent_.push_back(one);
                truth_.packets += 1;
                truth_.octets += one.octets;
            }
        }
        truth_.flows = flows;
        std::ranges::stable_sort(sent_, {}, &Sent::at);
    }

    Guess run(std::uint64_t seed, std::initializer_list<unsigned> rates) const {
        MeteringBench bench({.flows_max = 2'048,
                             .hash_key = {seed, ~seed},
                             .timeouts = {.idle = 600s, .active = 5s, .tcp_end = 2s}});
        const std::size_t part = sent_.size() / rates.size() + 1;
        for (std::size_t i = 0; i < sent_.size(); ++i) {
            if (i % part == 0) {
                bench.metering().admit(false, rates.begin()[i / part]);
            }
            bench.send(sent_[i]);
        }
        bench.drain(sent_.back().at);
        EXPECT_EQ(broken_law(bench.books()), "");
        return guess_of(bench);
    }
    const Truth& truth() const { return truth_; }

private:
    std::vector<Sent> sent_;
    Truth truth_;
};

// How the guesses of many runs lie around the truth.
class Trials {
public:
    explicit Trials(double truth) : truth_(truth) {}
    void add(double value, double bound) {
        const double error = value - truth_;
        sum_ += error;
        squares_ += error * error;
        within_ += std::abs(error) <= bound ? 1 : 0;
        within_half_ += std::abs(error) <= bound / 2 ? 1 : 0;
        ++count_;
    }
    // The mean error in units of what chance alone makes of it.
    double bias() const { return sum_ / std::sqrt(squares_); }
    double coverage() const { return within_ / count_; }
    double coverage_of_half() const { return within_half_ / count_; }

private:
    double truth_;
    double sum_ = 0;
    double squares_ = 0;
    double within_ = 0;
    double within_half_ = 0;
    double count_ = 0;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t trials_count = 100;
#else
constexpr std::uint64_t trials_count = 500;
#endif

// Four standard deviations of a share that so many trials show.
double uncertainty_of(double share) {
    return 4 * std::sqrt(share * (1 - share) / static_cast<double>(trials_count));
}

void expect_sound(const Trials& trials) {
    EXPECT_LT(std::abs(trials.bias()), 4.0) << "4 standard deviations of the mean";
    EXPECT_GT(trials.coverage(), 0.95 - uncertainty_of(0.95));
    EXPECT_LT(trials.coverage_of_half(), 0.72 + uncertainty_of(0.72)) << "much wider than need be";
}

class Estimates : public ::testing::TestWithParam<std::vector<unsigned>> {};

TEST_P(Estimates, are_unbiased_and_their_bound_holds) {
    const Traffic600 traffic;
    const Truth& truth = traffic.truth();
    Trials flows(truth.flows);
    Trials packets(truth.packets);
    Trials octets(truth.octets);
    const auto& p = GetParam();
    for (std::uint64_t seed = 1; seed <= trials_count; ++seed) {
        const Guess guess = traffic.run(seed * 0x9e37'79b9'7f4a'7c15, {p[0], p[1], p[2], p[3]});
        flows.add(guess.value.flows, guess.bound.flows);
        packets.add(guess.value.packets, guess.bound.packets);
        octets.add(guess.value.octets, guess.bound.octets);
    }
    expect_sound(flows);
    expect_sound(packets);
    expect_sound(octets);
}

INSTANTIATE_TEST_SUITE_P(FlowSampling, Estimates,
                         ::testing::Values(std::vector<unsigned>{2, 2, 2, 2},
                                           std::vector<unsigned>{1, 2, 3, 3},
                                           std::vector<unsigned>{3, 2, 1, 1},
                                           std::vector<unsigned>{3, 1, 3, 2}));

TEST(FlowSampling, without_sampling_an_estimate_is_the_truth) {
    const Traffic600 traffic;
    const Guess guess = traffic.run(1, {0, 0, 0, 0});
    EXPECT_EQ(guess.value.flows, traffic.truth().flows);
    EXPECT_EQ(guess.value.packets, traffic.truth().packets);
    EXPECT_EQ(guess.value.octets, traffic.truth().octets);
    EXPECT_EQ(guess.bound.octets, 0);
}

}  // namespace
}  // namespace tapmeter
