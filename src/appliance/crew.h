#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/steering.h"
#include "pipeline/worker.h"

namespace tapmeter {

// The threads of the Metering Process: one a worker, and one that steers where packets do not
// find their worker by themselves. They start together and leave in step:
//
//   running   step() until told to stop or until the source is exhausted
//   emptying  live sources: what already waits in the queues is still metered
//   waiting   for all others: the time of the newest packet of all decides what is due at the end
//   draining  every flow leaves through the ring
class Crew {
public:
    struct Member {
        Worker* worker = nullptr;  // outlives the crew
        bool live = true;          // false: a recording; told to stop, it stops where it is
        int core = -1;             // -1: not pinned
        inspect::CrashSlot* slot = nullptr;  // outlives the process; null: nobody reads it
    };
    struct Parts {
        std::vector<Member> members;
        Steering* steering = nullptr;  // outlives the crew; null where none is needed
        bool steering_live = true;
        bool nap_when_idle = true;  // false: workers spin, for the lowest latency
        // Runs a thread's whole body inside of what that thread needs, as DPDK's registration;
        // empty: nothing is needed.
        std::function<void(const std::function<void()>& body)> around;
    };
    explicit Crew(Parts parts);
    ~Crew();  // as stop()
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    // errors  invalid_config  a core cannot be used; no thread runs then
    Result<void> start();

    // Waits until every source is exhausted or request_stop() was called, at most so long.
    // True: it is time to stop().
    bool wait_for(std::chrono::milliseconds time);
    void request_stop();

    // Empties the queues, drains the tables and joins the threads. Someone must drain the rings
    // meanwhile. The time of the newest packet of all workers, or of `now` where that is later.
    void stop(ObservedAt now);

private:
    using Clock = std::chrono::steady_clock;

    void run_inside(const std::function<void()>& body) const;
    void work(const Member& member, std::size_t number);
    void meter(const Member& member);
    void steer();
    void empty(Worker& worker) const;
    void arrive();
    bool told_to_stop() const noexcept { return stop_.load(std::memory_order_relaxed); }

    Parts parts_;
    std::vector<std::thread> threads_;
    std::atomic<bool> stop_{false};
    std::atomic<bool> drain_{false};
    std::atomic<std::int64_t> end_ns_{0};
    mutable std::mutex mutex_;  // of the three below; taken at start and stop only
    std::condition_variable changed_;
    std::size_t started_ = 0;
    std::size_t arrived_ = 0;
    std::string start_error_;
};

}  // namespace tapmeter
