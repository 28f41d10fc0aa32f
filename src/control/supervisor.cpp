#include "src/control/supervisor.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>
#include <thread>
#include <utility>

namespace tapmeter::control {

namespace {

constexpr unsigned beginnings_after_crash_max = 10;
constexpr std::chrono::milliseconds between_beginnings{100};

constexpr std::array handed_on{SIGINT, SIGTERM, SIGHUP, SIGUSR1};

sigset_t signals_of_parent() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : handed_on) {
        ::sigaddset(&set, signal);
    }
    ::sigaddset(&set, SIGCHLD);
    return set;
}

class Parent {
public:
    explicit Parent(const Supervised& parts) : parts_(parts) {
        sigset_t child_ends;
        ::sigemptyset(&child_ends);
        ::sigaddset(&child_ends, SIGCHLD);
        ::pthread_sigmask(SIG_BLOCK, &child_ends, &before_);
    }

    int run() {
        begin();
        while (child_ > 0) {
            siginfo_t info{};
            const sigset_t set = signals_of_parent();
            const int signal = ::sigwaitinfo(&set, &info);
            if (signal == SIGCHLD) {
                look_at_child();
            } else if (signal > 0) {
                hand_on(signal, info);
            }
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        return status_;
    }

private:
    void begin() {
        const pid_t parent = ::getpid();
        std::fflush(nullptr);  // or the child would write it once more
        child_ = ::fork();
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (::getppid() != parent) {
                std::_Exit(parts_.gave_up);  // the parent was gone before we asked to be told
            }
            ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
            std::exit(parts_.data_path());
        }
        if (child_ < 0) {
            std::fprintf(stderr, "tapmeter: no process for the data path: %s\n",
                         std::strerror(errno));
            status_ = parts_.gave_up;
        }
    }

    void look_at_child() {
        int status = 0;
        const pid_t ended = ::waitpid(child_, &status, WNOHANG);
        if (ended != child_) {
            return;  // stopped, or gone on; or nobody of ours
        }
        child_ = -1;
        if (WIFSIGNALED(status)) {
            after_crash(WTERMSIG(status));
            return;
        }
        status_ = WEXITSTATUS(status);
        if (status_ == parts_.could_not_begin && beginnings_left_ != 0 && !stopping_) {
            --beginnings_left_;
            std::this_thread::sleep_for(between_beginnings);
            begin();
        }
    }

    void after_crash(int signal) {
        status_ = parts_.gave_up;
        const bool again = parts_.crashed(signal);
        if (again && !stopping_) {
            beginnings_left_ = beginnings_after_crash_max;
            begin();
        }
    }

    // The terminal's signals have reached the child by themselves.
    void hand_on(int signal, const siginfo_t& info) {
        stopping_ = stopping_ || signal == SIGINT || signal == SIGTERM;
        if (info.si_code != SI_KERNEL) {
            ::kill(child_, signal);
        }
    }

    const Supervised& parts_;
    sigset_t before_{};
    pid_t child_ = -1;
    int status_ = 0;
    unsigned beginnings_left_ = 0;
    bool stopping_ = false;
};

}  // namespace

int supervise(const Supervised& parts) {
    return Parent(parts).run();
}

std::string signal_name(int signal) {
    const char* const abbreviation = ::sigabbrev_np(signal);
    return abbreviation != nullptr ? std::string("SIG") + abbreviation
                                   : "signal " + std::to_string(signal);
}

std::string core_hint() {
    std::string pattern;
    std::getline(std::ifstream("/proc/sys/kernel/core_pattern"), pattern);
    if (!pattern.empty() && pattern.front() == '|') {
        return "core file: handed to " + pattern.substr(1, pattern.find(' ') - 1) +
               " (coredumpctl, where that is systemd's)";
    }
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_cur == 0) {
        return "no core file: the limit is 0 (ulimit -c unlimited, or LimitCORE=infinity)";
    }
    return "core file: \"" + pattern + "\" (/proc/sys/kernel/core_pattern)";
}

}  // namespace tapmeter::control
