#pragma once

#include <atomic>
#include <cstdint>

namespace tapmeter {

// A count that one thread writes and any thread may read, a little late. Load and store instead
// of fetch_add: with a single writer that is enough, and it spares the locked instruction.
class Counter {
public:
    void add(std::uint64_t amount) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
    std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

}  // namespace tapmeter
