#include "src/appliance/crash_watch.h"

#include <csignal>

namespace tapmeter {

namespace {

thread_local inspect::CrashSlot* slot_of_thread = nullptr;

// Nothing here but what a signal handler may do. The signal has its default action again: behind
// the handler the faulting instruction runs once more and ends the process. A signal that was sent
// does not come again by itself.
void note(int signal, siginfo_t* info, void* /*context*/) {
    if (slot_of_thread != nullptr) {
        slot_of_thread->signal.store(signal, std::memory_order_release);
    }
    if (info->si_code <= 0) {
        (void)::raise(signal);
    }
}

}  // namespace

void note_crashes() {
    struct sigaction action {};
    action.sa_sigaction = note;
    action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        (void)::sigaction(signal, &action, nullptr);
    }
}

CrashWatch::CrashWatch(inspect::CrashSlot* slot) noexcept {
    const stack_t stack{.ss_sp = stack_.data(), .ss_flags = 0, .ss_size = stack_.size()};
    (void)::sigaltstack(&stack, nullptr);
    slot_of_thread = slot;
}

CrashWatch::~CrashWatch() {
    slot_of_thread = nullptr;
    const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    (void)::sigaltstack(&none, nullptr);
}

}  // namespace tapmeter
