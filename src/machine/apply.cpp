#include "src/machine/apply.h"

#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>

namespace tapmeter::machine {

namespace {

using Kind = Outcome::Kind;

Outcome write_and_look(const Step& step, const Tree& tree) {
    if (const auto written = tree.write(step.path, step.value); !written) {
        // The kernel keeps the queues of some devices where they are; isolcpus=managed_irq moves
        // them at the next boot.
        return {step.path.starts_with("/proc/irq/") ? Kind::left : Kind::failed,
                written.error().message};
    }
    if (step.topic == "binding") {  // its files cannot be read back; the next plan looks
        return {};
    }
    const auto found = tree.text(step.path);
    if (found && *found != step.value) {
        return {Kind::failed, "the kernel made it " + *found +
                                  (step.topic == "hugepages"
                                       ? ": memory is too fragmented or too small; earlier after "
                                         "a boot there is more"
                                       : "")};
    }
    return {};
}

}  // namespace

int run_command(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));  // the system's interface
    }
    arguments.push_back(nullptr);
    pid_t process = 0;
    if (::posix_spawnp(&process, arguments.front(), nullptr, nullptr, arguments.data(), environ) !=
        0) {
        return 127;
    }
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Outcome apply(const Step& step, const Tree& tree, const RunCommand& run) {
    switch (step.how) {
        case Step::How::write:
            return write_and_look(step, tree);
        case Step::How::run: {
            const int status = run(step.words);
            return status == 0 ? Outcome{}
                               : Outcome{Kind::failed, "exit status " + std::to_string(status)};
        }
        case Step::How::by_hand:
        case Step::How::reboot:
            break;
    }
    return {Kind::left, ""};
}

}  // namespace tapmeter::machine
