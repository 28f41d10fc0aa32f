#include "src/appliance/cores.h"

#include <pthread.h>
#include <sched.h>

#include <cstring>

namespace tapmeter {

namespace {

std::string text_of(const std::vector<unsigned>& cores) {
    std::string text;
    for (const unsigned core : cores) {
        text += (text.empty() ? "" : ",") + std::to_string(core);
    }
    return text;
}

}  // namespace

Result<void> pin_this_thread(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (core < CPU_SETSIZE) {
        CPU_SET(core, &set);
    }
    const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof(set), &set);
    if (error != 0) {
        return failed(Error::Kind::invalid_config, "workers.cores: core " + std::to_string(core) +
                                                       " cannot be used (" + std::strerror(error) +
                                                       "); this process may use " +
                                                       text_of(usable_cores()));
    }
    return {};
}

void name_this_thread(const std::string& name) {
    constexpr std::size_t name_max = 15;
    ::pthread_setname_np(::pthread_self(), name.substr(0, name_max).c_str());
}

std::vector<unsigned> usable_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<unsigned> cores;
    if (::sched_getaffinity(0, sizeof(set), &set) == 0) {
        for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(core, &set)) {
                cores.push_back(core);
            }
        }
    }
    return cores;
}

}  // namespace tapmeter
