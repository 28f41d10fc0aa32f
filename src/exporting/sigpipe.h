#pragma once

#include <csignal>

namespace tapmeter::exporting {

// The calling thread's: a reader that went away (EPIPE) is an error to count, not a signal to die
// of.
inline void block_sigpipe() noexcept {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace tapmeter::exporting
