#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/base/ring.h"
#include "pipeline/flow/flow_key.h"

namespace tapmeter::inspect {

// What a worker is about to do with octets that others wrote, in code that others wrote.
enum class Doing : std::uint32_t {
    nothing,
    dissecting,  // nDPI looks at a packet
    reading,     // extractors and signatures do
    ending,      // what is known of a flow is settled
    count,
};
inline constexpr std::size_t doings = static_cast<std::size_t>(Doing::count);
inline constexpr std::array<std::string_view, doings> doing_names{"nothing", "dissecting",
                                                                  "reading", "ending"};

// What a worker leaves behind for the case that it does not come back: one line of memory that
// outlives the process. Written with plain stores by the worker, read when it is no more.
struct alignas(cache_line_octets) CrashSlot {
    flow::FlowKey key{};  // of the flow that is looked into
    std::atomic<Doing> doing{Doing::nothing};
    std::atomic<std::int32_t> signal{0};  // by which this worker's thread ended the process
};
static_assert(sizeof(CrashSlot) == cache_line_octets);
static_assert(std::atomic<Doing>::is_always_lock_free, "written where no lock may be");

// As long as it lives, the slot says what is being done. A null slot is nobody's.
class Marked {
public:
    Marked(CrashSlot* slot, Doing doing, const flow::FlowKey& key) noexcept : slot_(slot) {
        if (slot_ != nullptr) {
            slot_->key = key;
            // After the key: who reads the slot believes it only then.
            slot_->doing.store(doing, std::memory_order_release);
        }
    }
    ~Marked() {
        if (slot_ != nullptr) {
            slot_->doing.store(Doing::nothing, std::memory_order_release);
        }
    }
    Marked(const Marked&) = delete;
    Marked& operator=(const Marked&) = delete;

    // The next thing, of the same flow.
    void go_on(Doing doing) const noexcept {
        if (slot_ != nullptr) {
            slot_->doing.store(doing, std::memory_order_release);
        }
    }

private:
    CrashSlot* slot_;
};

}  // namespace tapmeter::inspect
