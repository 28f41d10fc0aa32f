#include "src/verbs/signals.h"

#include <pthread.h>
#include <unistd.h>

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

void wait_and_act(const SignalWatch::Actions& actions) {
    const sigset_t set = watched_signals();
    // Who asks once may reach us twice, by way of a supervisor that hands signals on.
    bool stopping = false;
    bool stopping_for_parent = false;
    for (;;) {
        siginfo_t info{};
        const int signal = ::sigwaitinfo(&set, &info);
        if (signal == SIGUSR2 && info.si_pid == ::getpid()) {
            return;  // the watch's own end; SIGUSR2 of another process means nothing
        }
        if (signal == SIGINT || signal == SIGTERM) {
            const bool from_parent = info.si_pid == ::getppid();
            if (std::exchange(from_parent ? stopping_for_parent : stopping, true)) {
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

}  // namespace

void block_signals() {
    const sigset_t set = watched_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    // A reader of our output that goes away is told by write(), not by a signal that kills.
    (void)std::signal(SIGPIPE, SIG_IGN);
}

SignalWatch::SignalWatch(Actions actions)
    : thread_([actions = std::move(actions)] {
          name_this_thread("signals");
          wait_and_act(actions);
      }) {}

SignalWatch::~SignalWatch() {
    ::pthread_kill(thread_.native_handle(), SIGUSR2);
    thread_.join();
}

}  // namespace tapmeter::verbs
