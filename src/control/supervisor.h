#pragma once

#include <functional>
#include <string>

namespace tapmeter::control {

// A parent process and one child that does the work; where the child crashes, another one follows.
// Nothing that the child does can hurt the parent: it opens nothing, and waits for signals alone.
struct Supervised {
    // In the child, whose exit status it returns. Everything that the parent has made so far is
    // there, as it is at that moment.
    std::function<int()> data_path;
    // In the parent, when a signal that nobody sent on purpose has ended the child. Says what
    // happened to whom it concerns. False: no other child.
    std::function<bool(int signal)> crashed;
    int gave_up = 1;  // exit status after that
    // What a child ends with when it could not begin. After a crash that may be the kernel, which
    // has not let go of the last one's sockets: another one tries a little later, ten times.
    int could_not_begin = 2;
};

// Runs children until one ends by itself, and returns its status. SIGINT, SIGTERM, SIGHUP and
// SIGUSR1 are handed on; the caller has blocked them, and no thread runs yet. When this process is
// killed, the child gets SIGTERM.
int supervise(const Supervised& parts);

// "SIGSEGV"; a signal without a name by its number, "signal 40".
std::string signal_name(int signal);

// How a reader finds the core file of a process that has just crashed, as the kernel is set up.
std::string core_hint();

}  // namespace tapmeter::control
