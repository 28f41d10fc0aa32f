#pragma once

#include <functional>
#include <thread>

namespace tapmeter::verbs {

// Keeps the signals that a SignalWatch answers from ending the process. Called before any other
// thread starts, because all threads must inherit the blocked mask.
void block_signals();

// Turns signals into calls, in a thread of its own: what they do is then ordinary code. Signals
// that came since block_signals() are answered too. Declared after all that its actions touch: the
// end of the watch is the end of its calls.
class SignalWatch {
public:
    struct Actions {
        // SIGINT, SIGTERM; a second one ends the process. The parent's count by themselves: a
        // supervisor hands on what may have reached us too, and stop() is called once more then.
        std::function<void()> stop;
        std::function<void()> reload;       // SIGHUP; empty: ignored
        std::function<void()> print_books;  // SIGUSR1; empty: ignored
    };

    explicit SignalWatch(Actions actions);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

private:
    std::thread thread_;
};

}  // namespace tapmeter::verbs
