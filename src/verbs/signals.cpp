#include "src/verbs/signals.h"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "src/appliance/cores.h"

namespace tapmeter::verbs {

namespace {

// SIGUSR2 is our own: it ends the watching thread.
sigset_t watched_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) {
        ::sigaddset(&set, signal);
    }
    return set;
}

}  // namespace

Signals::Signals() {
    const sigset_t set = watched_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A reader of our output that goes away is told by write(), not by a signal that kills.
    (void)std::signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
    if (thread_.joinable()) {
        ::pthread_kill(thread_.native_handle(), SIGUSR2);
        thread_.join();
    }
}

void Signals::watch(Actions actions) {
    thread_ = std::thread([this, actions = std::move(actions)] {
        name_this_thread("signals");
        wait_and_act(actions);
    });
}

void Signals::wait_and_act(const Actions& actions) const {
    const sigset_t set = watched_signals();
    bool stopping = false;
    for (;;) {
        int signal = 0;
        if (::sigwait(&set, &signal) != 0 || signal == SIGUSR2) {
            return;
        }
        if (signal == SIGINT || signal == SIGTERM) {
            if (std::exchange(stopping, true)) {
                std::_Exit(128 + signal);  // asked twice: not even what is left is wanted
            }
            actions.stop();
        } else if (signal == SIGHUP && actions.reload) {
            actions.reload();
        } else if (signal == SIGUSR1 && actions.print_books) {
            actions.print_books();
        }
    }
}

}  // namespace tapmeter::verbs
