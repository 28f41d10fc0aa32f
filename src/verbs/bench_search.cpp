#include "src/verbs/bench_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tapmeter::verbs {

namespace {

using namespace std::chrono_literals;

constexpr auto unpaced = 1s;         // how long the first rate is measured
constexpr double resolution = 0.01;  // of the first rate: the search ends when it is that near

// What all workers take together when there is always a packet, each second of wall time.
double rate_of(const std::vector<bench::WorkerOutcome>& workers) {
    double rate = 0;
    for (const bench::WorkerOutcome& worker : workers) {
        rate += bench::per_second(worker.measured.packets, worker.measured);
    }
    return rate;
}

bool passes(const bench::PacedTrial& trial, double max_loss) {
    const auto lost = static_cast<double>(trial.dropped);
    return trial.refused == 0 && lost <= max_loss * static_cast<double>(trial.offered);
}

}  // namespace

Result<bench::SearchOutcome> search_zero_loss(const MemoryTrial::Request& request,
                                              const BenchCommand& command,
                                              const std::atomic<bool>& stop) {
    auto trial = MemoryTrial::make(request, stop);
    if (!trial) {
        return tl::unexpected<Error>(std::move(trial.error()));
    }
    if (auto warm = (*trial)->warm_up(); !warm) {
        return tl::unexpected<Error>(std::move(warm.error()));
    }
    bench::SearchOutcome outcome{.traffic = request.traffic,
                                 .workers = request.workers,
                                 .ring_slots = request.ring_slots,
                                 .trial = command.trial,
                                 .max_loss = command.max_loss};
    double too_much = rate_of((*trial)->measure(unpaced));
    double enough = 0;
    const double near = resolution * too_much;
    for (double rate = too_much; !stop.load() && too_much - enough > near;
         rate = (enough + too_much) / 2) {
        const auto per_worker = static_cast<std::int64_t>(std::llround(rate / request.workers));
        auto paced = (*trial)->pace(per_worker, command.trial);
        paced.packets_per_second = static_cast<double>(per_worker) * request.workers;
        paced.passed = passes(paced, command.max_loss);
        (paced.passed ? enough : too_much) = rate;
        outcome.trials.push_back(paced);
    }
    outcome.packets_per_second = enough;
    outcome.books = (*trial)->finish();
    outcome.balanced = metrics::balanced(metrics::laws(outcome.books));
    return outcome;
}

}  // namespace tapmeter::verbs
