// With ten million flows in one table: does each end within 100 ms of its timeout, whatever the
// rate of packets beside it? How long does expiry hold the packets up at most? Does memory grow?
//
// A real metering process in real time, its records taken by the same thread. In each phase the
// table is filled at a steady rate with flows of one packet; they live for the idle timeout while
// packets of other flows go on at the phase's rate, and end at the rate at which they came.
//
// A pause of the whole machine looks like a long walk. So walks are counted by their own work too
// (the steps of flow::Expiry), and beside each a loop as long (30 us at most) that only reads the
// clock is timed: the pauses that it meets are not the table's doing.
// usage: expiry_bench [FLOWS [IDLE_SECONDS]]; 10,000,000 and 12
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/cycles.h"
#include "pipeline/metering.h"

namespace tapmeter {
namespace {

using Clock = std::chrono::steady_clock;
using flow::FlowEndReason;

constexpr std::size_t records_max = 256;        // of a walk, as the worker's
constexpr std::uint64_t steady_flows = 65'536;  // they never end
constexpr double filling_share = 0.8;           // of the idle timeout: then all are in at once

double ns_a_cycle() {
    const auto began = Clock::now();
    const std::uint64_t cycles = cycles_now();
    while (Clock::now() - began < std::chrono::milliseconds(200)) {
    }
    return std::chrono::duration<double, std::nano>(Clock::now() - began).count() /
           static_cast<double>(cycles_now() - cycles);
}

std::uint64_t resident_octets() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t whole = 0;
    std::uint64_t resident = 0;
    statm >> whole >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

flow::FlowKey key_of(std::uint64_t number, bool steady) {
    flow::FlowKey key;
    key.ip_version = 4;
    key.protocol = 17;
    key.low[12] = 10;
    key.low[13] = static_cast<std::uint8_t>(number >> 16U);
    key.low[14] = static_cast<std::uint8_t>(number >> 8U);
    key.low[15] = static_cast<std::uint8_t>(number);
    key.high[12] = steady ? 192 : 172;
    key.high[15] = static_cast<std::uint8_t>(number >> 24U);
    key.low_port = 1'024;
    key.high_port = 53;
    return key;
}

// How long something took, many times: in classes of a 64th of a power of two.
class Durations {
public:
    void add(std::uint64_t cycles) {
        ++counts_[std::min(class_of(cycles), counts_.size() - 1)];
        ++total_;
        longest_ = std::max(longest_, cycles);
    }
    // So many of a million took no longer, in cycles.
    std::uint64_t below(double per_million) const {
        const auto wanted =
            static_cast<std::uint64_t>(static_cast<double>(total_) * per_million / 1e6);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) {
                return end_of(i);
            }
        }
        return longest_;
    }
    std::uint64_t above(std::uint64_t cycles) const {
        std::uint64_t seen = 0;
        for (std::size_t i = class_of(cycles) + 1; i < counts_.size(); ++i) {
            seen += counts_[i];
        }
        return seen;
    }
    std::uint64_t longest() const { return longest_; }
    std::uint64_t total() const { return total_; }

private:
    static constexpr unsigned fine_bits = 6;
    static std::size_t class_of(std::uint64_t cycles) {
        if (cycles < (1U << fine_bits)) {
            return cycles;
        }
        const auto power = static_cast<unsigned>(std::bit_width(cycles)) - 1;
        const std::uint64_t fine = (cycles >> (power - fine_bits)) & ((1U << fine_bits) - 1);
        return ((std::size_t{power} - fine_bits + 1) << fine_bits) + fine;
    }
    static std::uint64_t end_of(std::size_t index) {
        if (index < (1U << fine_bits)) {
            return index;
        }
        const std::size_t power = (index >> fine_bits) + fine_bits - 1;
        const std::uint64_t fine = index & ((1U << fine_bits) - 1);
        return ((std::uint64_t{1} << power) + ((fine + 1) << (power - fine_bits))) - 1;
    }

    std::array<std::uint64_t, (64 - fine_bits + 1) << fine_bits> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t longest_ = 0;
};

// What one phase found.
struct Found {
    std::uint64_t ended = 0;
    Nanoseconds latest{0};    // longest from the end of a timeout to the record
    Durations late;           // all of them, in microseconds
    Nanoseconds earliest{0};  // below zero: a flow that ended before its time
    Durations walks;          // those that did more than compare a few groups
    Durations turns;
    Durations control;
    flow::Expiry::Work most_work = 0;
    std::uint64_t work_above = 0;  // most work of a walk of more than 50 us
    std::uint64_t flows_most = 0;
};

class Bench {
public:
    Bench(std::uint64_t flows, std::chrono::seconds idle)
        : flows_(flows),
          idle_(idle),
          ns_a_cycle_(ns_a_cycle()),
          metering_(std::make_unique<Metering>(Metering::Parts{
              .ring = ring_,
              .books = books_,
              .table = made_table(flows + steady_flows),
              .hasher = flow::FlowHasher({1, 2}),
              .timeouts = {.idle = idle, .active = std::chrono::hours(1), .tcp_end = idle}})) {}

    Found phase(double packets_a_second) {
        found_ = {};
        const ObservedAt began = clock_.now();
        const double fill_seconds = std::chrono::duration<double>(idle_).count() * filling_share;
        const double fill_rate = static_cast<double>(flows_) / fill_seconds;
        const ObservedAt over = began + idle_ * 2 + std::chrono::milliseconds(500);
        std::uint64_t filled = 0;
        std::uint64_t steady = 0;
        for (ObservedAt now = began; now < over; now = clock_.now()) {
            const double seconds = std::chrono::duration<double>(now - began).count();
            const auto fresh = owed(seconds * fill_rate, filled, flows_);
            const auto known = owed(seconds * packets_a_second, steady, ~std::uint64_t{0},
                                    burst_packets_max - fresh);
            turn(now, {filled, fresh}, {steady, known});
            filled += fresh;
            steady += known;
        }
        generation_ += flows_;
        return found_;
    }

    std::size_t table_octets() const { return metering_->table().octets(); }
    double microseconds(std::uint64_t cycles) const {
        return static_cast<double>(cycles) * ns_a_cycle_ / 1e3;
    }
    std::uint64_t cycles_in(double microseconds) const {
        return static_cast<std::uint64_t>(microseconds * 1e3 / ns_a_cycle_);
    }
    std::uint64_t in_table() const { return books_.flows_active; }
    std::uint64_t for_want_of_room() const {
        return books_.flows_ended[index_of(FlowEndReason::lack_of_resources)];
    }

private:
    // Packets of consecutive flows.
    struct Run {
        std::uint64_t first;
        std::uint64_t count;
    };

    static flow::FlowTable made_table(std::uint64_t flows) {
        auto table = flow::FlowTable::make({.flows_max = flows, .populate = true});
        if (!table) {
            std::fprintf(stderr, "expiry_bench: %s\n", table.error().message.c_str());
            std::exit(1);
        }
        return std::move(*table);
    }

    static std::uint64_t owed(double until_now, std::uint64_t done, std::uint64_t most,
                              std::uint64_t burst = burst_packets_max / 2) {
        const std::uint64_t due = std::min(static_cast<std::uint64_t>(until_now), most);
        return std::min(due - std::min(due, done), burst);
    }

    // As Worker::step(): a burst, then expiry.
    void turn(ObservedAt now, Run fresh, Run known) {
        const std::uint64_t began = cycles_now();
        std::size_t count = 0;
        for (std::uint64_t i = 0; i < fresh.count; ++i) {
            keys_[count++] = key_of(generation_ + fresh.first + i, false);
        }
        for (std::uint64_t i = 0; i < known.count; ++i) {
            keys_[count++] = key_of((known.first + i) * 40'503 % steady_flows, true);
        }
        for (std::size_t i = 0; i < count; ++i) {
            packets_[i] = {.at = now, .octets = 46, .layer2_octets = 60, .protocol = 17};
        }
        if (count != 0) {
            metering_->meter(std::span{keys_}.first(count), std::span{packets_}.first(count), now);
        }
        const std::uint64_t walk_began = cycles_now();
        const flow::Expiry::Work work = metering_->expire(now, records_max);
        const std::uint64_t ended = cycles_now();
        ring_.publish();
        note(work, ended - walk_began, ended - began);
        take_records(now);
    }

    void note(flow::Expiry::Work work, std::uint64_t walk, std::uint64_t turn) {
        constexpr flow::Expiry::Work nearly_nothing = 64;
        found_.turns.add(turn);
        found_.flows_most = std::max(found_.flows_most, books_.flows_active);
        if (work < nearly_nothing) {
            return;
        }
        found_.walks.add(walk);
        found_.most_work = std::max(found_.most_work, work);
        if (walk > cycles_in(50)) {
            found_.work_above = std::max<std::uint64_t>(found_.work_above, work);
        }
        const std::uint64_t as_long = std::min(walk, cycles_in(30));
        const std::uint64_t began = cycles_now();
        std::uint64_t taken = 0;
        while (taken < as_long) {
            taken = cycles_now() - began;
        }
        found_.control.add(taken);
    }

    void take_records(ObservedAt now) {
        const auto records = ring_.readable();
        for (const flow::FlowRecord& record : records) {
            if (record.end_reason != FlowEndReason::idle_timeout) {
                continue;
            }
            const Nanoseconds late = now - (record.end + idle_);
            found_.latest = std::max(found_.latest, late);
            found_.late.add(static_cast<std::uint64_t>(std::max<std::int64_t>(late.count(), 0)) /
                            1'000);
            found_.earliest = std::min(found_.earliest, late);
            ++found_.ended;
        }
        ring_.consume(records.size());
    }

    std::uint64_t flows_;
    Nanoseconds idle_;
    double ns_a_cycle_;
    LiveClock clock_;
    RecordRing ring_{8'192};
    WorkerBooks books_{};
    std::unique_ptr<Metering> metering_;
    std::array<flow::FlowKey, burst_packets_max> keys_{};
    std::array<flow::Observation, burst_packets_max> packets_{};
    std::uint64_t generation_ = 0;
    Found found_;
};

void print(const char* what, const Durations& durations, const Bench& bench) {
    std::printf(
        "  %-8s %9llu; us: median %.1f, 99 %% %.1f, 99.9 %% %.1f, 99.99 %% %.1f, longest "
        "%.1f; over 50 us %llu\n",
        what, static_cast<unsigned long long>(durations.total()),
        bench.microseconds(durations.below(500'000)), bench.microseconds(durations.below(990'000)),
        bench.microseconds(durations.below(999'000)), bench.microseconds(durations.below(999'900)),
        bench.microseconds(durations.longest()),
        static_cast<unsigned long long>(durations.above(bench.cycles_in(50))));
}

int run(std::uint64_t flows, std::chrono::seconds idle) {
    Bench bench(flows, idle);
    const std::uint64_t resident = resident_octets();
    std::printf("%llu flows, idle timeout %lld s, table %.3f GB, resident %.3f GB\n",
                static_cast<unsigned long long>(flows), static_cast<long long>(idle.count()),
                static_cast<double>(bench.table_octets()) / 1e9,
                static_cast<double>(resident) / 1e9);
    bool good = true;
    for (const double rate : {0.0, 1e6, 5e6}) {
        const Found found = bench.phase(rate);
        const std::uint64_t now_resident = resident_octets();
        std::printf(
            "at %.0f Mpps beside: %llu flows at once, %llu ended, %llu for want of room; "
            "timeouts late by %.1f ms at most, 99.99 %% by %.1f, early by %.1f; resident "
            "%.3f GB\n",
            rate / 1e6, static_cast<unsigned long long>(found.flows_most),
            static_cast<unsigned long long>(found.ended),
            static_cast<unsigned long long>(bench.for_want_of_room()),
            static_cast<double>(found.latest.count()) / 1e6,
            static_cast<double>(found.late.below(999'900)) / 1e3,
            static_cast<double>(-found.earliest.count()) / 1e6,
            static_cast<double>(now_resident) / 1e9);
        print("walks", found.walks, bench);
        print("pauses", found.control, bench);
        print("turns", found.turns, bench);
        std::printf("  most work in a walk %u steps, of one over 50 us %llu\n", found.most_work,
                    static_cast<unsigned long long>(found.work_above));
        std::fflush(stdout);
        good =
            good && found.latest <= std::chrono::milliseconds(100) && found.earliest.count() == 0;
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace tapmeter

int main(int count, char** arguments) {
    const long long flows = count > 1 ? std::atoll(arguments[1]) : 10'000'000;
    const long long idle = count > 2 ? std::atoll(arguments[2]) : 12;
    return tapmeter::run(static_cast<std::uint64_t>(std::clamp(flows, 1'000LL, 12'000'000LL)),
                         std::chrono::seconds(std::clamp(idle, 1LL, 120LL)));
}
