#include "src/appliance/crew.h"

#include <algorithm>
#include <string>
#include <utility>

#include "src/appliance/cores.h"
#include "src/appliance/crash_watch.h"

namespace tapmeter {

namespace {

using namespace std::chrono_literals;

// A live queue is empty once so many turns in a row found nothing; bounded in time, because a
// mirror port need not fall silent for us.
constexpr unsigned empty_turns = 64;
constexpr std::chrono::milliseconds emptying_max{1'000};  // halved below: seconds would be 0
// Steered workers wait for the steering, which may itself take so long, and be late to hear of it.
constexpr auto steered_emptying_max = 2 * emptying_max;

// How a thread spends turns that bring nothing: look again at once, then give the core away,
// then sleep so shortly that no ring of usual size can fill meanwhile.
class Nap {
public:
    explicit Nap(bool allowed) noexcept : allowed_(allowed) {}

    void after(std::size_t packets) {
        constexpr unsigned turns_before_yield = 32;
        constexpr unsigned turns_before_sleep = 64;
        idle_turns_ = packets != 0 ? 0 : idle_turns_ + 1;
        if (!allowed_ || idle_turns_ < turns_before_yield) {
            return;
        }
        if (idle_turns_ < turns_before_sleep) {
            std::this_thread::yield();
        } else {
            std::this_thread::sleep_for(50us);
        }
    }

private:
    bool allowed_;
    unsigned idle_turns_ = 0;
};

}  // namespace

Crew::Crew(Parts parts) : parts_(std::move(parts)) {}

Crew::~Crew() {
    stop({});
}

Result<void> Crew::start() {
    for (std::size_t number = 0; number < parts_.members.size(); ++number) {
        threads_.emplace_back(
            [this, number] { run_inside([&] { work(parts_.members[number], number); }); });
    }
    if (parts_.steering != nullptr) {
        threads_.emplace_back([this] { run_inside([this] { steer(); }); });
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return started_ == parts_.members.size(); });
    const std::string error = start_error_;
    lock.unlock();
    if (!error.empty()) {
        stop({});
        return failed(Error::Kind::invalid_config, error);
    }
    return {};
}

void Crew::run_inside(const std::function<void()>& body) const {
    if (parts_.around) {
        parts_.around(body);
    } else {
        body();
    }
}

void Crew::work(const Member& member, std::size_t number) {
    name_this_thread("worker-" + std::to_string(number));
    const CrashWatch watch(member.slot);
    const auto pinned =
        member.core < 0 ? Result<void>{} : pin_this_thread(static_cast<unsigned>(member.core));
    {
        const std::lock_guard lock(mutex_);
        ++started_;
        if (!pinned) {
            start_error_ = pinned.error().message;
        }
    }
    changed_.notify_all();
    if (pinned) {
        meter(member);
    }
    arrive();
    drain_.wait(false);
    const ObservedAt end{Nanoseconds{end_ns_.load(std::memory_order_relaxed)}};
    while (!member.worker->drain(end)) {
        std::this_thread::sleep_for(50us);  // the exporter core makes room
    }
}

void Crew::meter(const Member& member) {
    Worker& worker = *member.worker;
    Nap nap(parts_.nap_when_idle);
    while (!told_to_stop() && !worker.exhausted()) {
        nap.after(worker.step());
    }
    if (member.live || parts_.steering != nullptr) {
        empty(worker);
    }
}

// Steered workers end when the steering has handed everything over; others when their queue is
// quiet.
void Crew::empty(Worker& worker) const {
    const auto deadline =
        Clock::now() + (parts_.steering != nullptr ? steered_emptying_max : emptying_max);
    unsigned quiet = 0;
    while (!worker.exhausted() && Clock::now() < deadline &&
           (parts_.steering != nullptr || quiet < empty_turns)) {
        if (worker.step() != 0) {
            quiet = 0;
        } else {
            ++quiet;
            std::this_thread::yield();
        }
    }
}

void Crew::steer() {
    name_this_thread("steering");
    Steering& steering = *parts_.steering;
    Nap nap(parts_.nap_when_idle);
    while (!told_to_stop() && !steering.finished()) {
        nap.after(steering.turn());
    }
    const auto deadline = Clock::now() + emptying_max;
    const auto take_until = deadline - emptying_max / 2;
    for (unsigned quiet = 0;
         parts_.steering_live && quiet < empty_turns && Clock::now() < take_until;) {
        quiet = steering.turn() != 0 ? 0 : quiet + 1;
        std::this_thread::yield();
    }
    steering.stop_taking();
    while (!steering.finished() && Clock::now() < deadline) {
        nap.after(steering.turn());
    }
}

void Crew::arrive() {
    {
        const std::lock_guard lock(mutex_);
        ++arrived_;
    }
    changed_.notify_all();
}

bool Crew::wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(
        lock, time, [this] { return told_to_stop() || arrived_ == parts_.members.size(); });
}

void Crew::request_stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_.store(true, std::memory_order_relaxed);
    }
    changed_.notify_all();
}

void Crew::stop(ObservedAt now) {
    if (threads_.empty()) {
        return;
    }
    request_stop();
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return arrived_ == parts_.members.size(); });
    }
    std::int64_t end = now.time_since_epoch().count();
    for (const Member& member : parts_.members) {
        end = std::max(end, static_cast<std::int64_t>(member.worker->books().newest_packet_ns));
    }
    end_ns_.store(end, std::memory_order_relaxed);
    drain_.store(true);
    drain_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

}  // namespace tapmeter
