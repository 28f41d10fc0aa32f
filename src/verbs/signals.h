#pragma once

#include <functional>
#include <thread>

namespace tapmeter::verbs {

// Turns signals into calls, in a thread of its own: what they do is then ordinary code. Made
// before any other thread, because all threads must inherit the blocked mask.
class Signals {
public:
    struct Actions {
        std::function<void()> stop;         // SIGINT, SIGTERM; a second one ends the process
        std::function<void()> reload;       // SIGHUP; empty: ignored
        std::function<void()> print_books;  // SIGUSR1; empty: ignored
    };

    // Blocks the signals in the calling thread and all that it starts from now on.
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    // From now on signals are answered; those that came before, too.
    void watch(Actions actions);

private:
    void wait_and_act(const Actions& actions) const;

    std::thread thread_;
};

}  // namespace tapmeter::verbs
