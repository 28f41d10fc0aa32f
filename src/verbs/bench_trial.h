#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "src/appliance/appliance.h"
#include "src/bench/memory_capture.h"
#include "src/bench/outcome.h"

namespace tapmeter::verbs {

// The program as `run` builds it, around traffic in memory: workers, flow tables, rings, exporter
// core, outputs. Main thread. Every wait ends early when `stop` becomes true.
class MemoryTrial {
public:
    struct Request {
        const Config& config;
        bench::TrafficRequest traffic;
        unsigned workers = 1;
        std::uint32_t ring_slots = 4'096;
    };
    // errors  as traffic, outputs and the appliance give them
    static Result<std::unique_ptr<MemoryTrial>> make(const Request& request,
                                                     const std::atomic<bool>& stop);

    // Starts, and waits until the flow tables hold what this traffic lets them hold.
    Result<void> warm_up();

    // Takes every packet that can be taken for so long. No worker: told to stop before the end.
    std::vector<bench::WorkerOutcome> measure(std::chrono::milliseconds duration);

    // Lets so many packets a second arrive at each worker for so long, whether they are taken or
    // not, and then waits for what is still in the receive rings.
    bench::PacedTrial pace(std::int64_t packets_per_second, std::chrono::milliseconds duration);

    // Ends in good order. The books of the whole trial, settled.
    metrics::Snapshot finish();

    // "1 worker; flow table: ...".
    std::string table() const { return appliance_->describe().back(); }

private:
    explicit MemoryTrial(const std::atomic<bool>& stop) : stop_(stop) {}

    Result<void> build(const Request& request);
    template <class Ready>
    bool wait_for_sources(const Ready& ready);
    void wait(std::chrono::milliseconds duration) const;
    std::vector<bench::Reading> read_all();

    const std::atomic<bool>& stop_;
    LiveClock clock_;
    bool flows_end_ = false;  // of themselves, in this traffic
    std::chrono::milliseconds lingering_{};
    bench::MemoryCapture* capture_ = nullptr;  // the appliance's
    std::unique_ptr<Appliance> appliance_;
};

}  // namespace tapmeter::verbs
