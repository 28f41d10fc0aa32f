// Preloaded into a program, moves its wall clock and leaves the monotonic one: the number of
// seconds in the file that SHIFTED_CLOCK names is added to CLOCK_REALTIME, at every call as it
// stands there. (libfaketime does the same, but not beside jemalloc.)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

// Eight octets, in the order of this machine; null: there is no such file.
const volatile std::int64_t* map_offset() noexcept {
    const char* const path = std::getenv("SHIFTED_CLOCK");
    const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return nullptr;
    }
    void* const octets = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    return octets == MAP_FAILED ? nullptr : static_cast<const volatile std::int64_t*>(octets);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    static const volatile std::int64_t* const offset = map_offset();
    const auto status = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
    if (status == 0 && clock == CLOCK_REALTIME && offset != nullptr) {
        time->tv_sec += *offset;
    }
    return status;
}
