#include "src/exporting/sctp_stack.h"

#include <usrsctp.h>

#include <chrono>
#include <memory>
#include <set>

namespace tapmeter::exporting {
namespace {

using Clock = std::chrono::steady_clock;

struct Stack {
    std::mutex mutex;
    bool started = false;
    Clock::time_point timers_at{};
    std::set<void*> ends;  // in use
};

// Outputs may end after main() does, so it is never destroyed.
Stack& stack() {
    static Stack& only = *std::make_unique<Stack>().release();
    return only;
}

// Called by the library, in whose hands the lock is by then.
int transmit(void* address, void* packet, std::size_t octets, std::uint8_t /*traffic_class*/,
             std::uint8_t /*whole*/) {
    if (stack().ends.contains(address)) {
        static_cast<SctpStack::End*>(address)->transmit(
            {static_cast<const std::byte*>(packet), octets});
    }
    return 0;
}

}  // namespace

std::unique_lock<std::mutex> SctpStack::enter() {
    Stack& only = stack();
    std::unique_lock lock(only.mutex);
    if (!only.started) {
        only.started = true;
        only.timers_at = Clock::now();
        ::usrsctp_init_nothreads(0, &transmit, nullptr);
    }
    return lock;
}

void SctpStack::run_timers() {
    Stack& only = stack();
    const auto passed =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - only.timers_at);
    if (passed.count() > 0) {
        only.timers_at += passed;
        ::usrsctp_handle_timers(static_cast<std::uint32_t>(passed.count()));
    }
}

void SctpStack::put_in(End& end) {
    stack().ends.insert(&end);
    ::usrsctp_register_address(&end);
}

void SctpStack::take_out(End& end) {
    ::usrsctp_deregister_address(&end);
    stack().ends.erase(&end);
}

}  // namespace tapmeter::exporting
