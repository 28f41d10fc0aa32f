#pragma once

#include <mutex>

#include "pipeline/base/bytes.h"

namespace tapmeter::exporting {

// usrsctp: one SCTP stack in a process, without threads or sockets of its own. Whoever calls it
// holds its lock; packets that it makes go to the end that they belong to.
class SctpStack {
public:
    // Where the packets of one association leave.
    class End {
    public:
        virtual void transmit(Bytes packet) noexcept = 0;

    protected:
        ~End() = default;
    };

    // Starts the stack the first time.
    static std::unique_lock<std::mutex> enter();

    // Under the lock, what follows. Lets timers run as far as time has passed; belongs behind what
    // has come in, or they take it for missing.
    static void run_timers();

    // Nothing is transmitted to an end that was taken out.
    static void put_in(End& end);
    static void take_out(End& end);
};

}  // namespace tapmeter::exporting
