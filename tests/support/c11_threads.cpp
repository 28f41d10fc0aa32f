// For the thread sanitizer alone, which knows POSIX threads and not those of C11: a thread that
// librdkafka makes with thrd_create() has no place in its books, and ends the program at the first
// function that it watches. So here those of C11 are those of POSIX, as they are inside glibc.
#include <pthread.h>
#include <threads.h>

#include <cerrno>
#include <ctime>
#include <memory>

namespace {

static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t));

// NOLINTBEGIN(*-reinterpret-cast): glibc keeps the one in the other's octets
pthread_mutex_t* posix(mtx_t* mutex) {
    return reinterpret_cast<pthread_mutex_t*>(mutex);
}
pthread_cond_t* posix(cnd_t* condition) {
    return reinterpret_cast<pthread_cond_t*>(condition);
}
// NOLINTEND(*-reinterpret-cast)

int told(int error) {
    return error == 0 ? thrd_success : thrd_error;
}

struct Start {
    thrd_start_t run = nullptr;
    void* argument = nullptr;
};

void* run(void* given) {
    const std::unique_ptr<Start> start(static_cast<Start*>(given));
    start->run(start->argument);
    return nullptr;
}

}  // namespace

extern "C" {

// Nor does it see the atomic operations inside of the library, which was not built for it: only
// what both of us touch is of interest here.
// NOLINTBEGIN(*-reserved-identifier): the name that it looks for
const char* __tsan_default_suppressions();
const char* __tsan_default_suppressions() {
    return "race:librdkafka.so\n";
}
// NOLINTEND(*-reserved-identifier)

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
    auto start = std::make_unique<Start>(Start{.run = function, .argument = argument});
    const int error = pthread_create(thread, nullptr, &run, start.get());
    if (error == 0) {
        static_cast<void>(start.release());
    }
    return told(error);
}
// What it returned nobody asks for.
int thrd_join(thrd_t thread, int* result) {
    if (result != nullptr) {
        *result = 0;
    }
    return told(pthread_join(thread, nullptr));
}

int mtx_init(mtx_t* mutex, int type) noexcept {
    pthread_mutexattr_t kind{};
    pthread_mutexattr_init(&kind);
    const bool recursive = (static_cast<unsigned>(type) & unsigned{mtx_recursive}) != 0;
    pthread_mutexattr_settype(&kind, recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
    const int error = pthread_mutex_init(posix(mutex), &kind);
    pthread_mutexattr_destroy(&kind);
    return told(error);
}
void mtx_destroy(mtx_t* mutex) noexcept {
    pthread_mutex_destroy(posix(mutex));
}
int mtx_lock(mtx_t* mutex) {
    return told(pthread_mutex_lock(posix(mutex)));
}
int mtx_unlock(mtx_t* mutex) noexcept {
    return told(pthread_mutex_unlock(posix(mutex)));
}

int cnd_init(cnd_t* condition) noexcept {
    return told(pthread_cond_init(posix(condition), nullptr));
}
void cnd_destroy(cnd_t* condition) noexcept {
    pthread_cond_destroy(posix(condition));
}
int cnd_signal(cnd_t* condition) noexcept {
    return told(pthread_cond_signal(posix(condition)));
}
int cnd_broadcast(cnd_t* condition) noexcept {
    return told(pthread_cond_broadcast(posix(condition)));
}
int cnd_wait(cnd_t* condition, mtx_t* mutex) {
    return told(pthread_cond_wait(posix(condition), posix(mutex)));
}
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
    const int error = pthread_cond_timedwait(posix(condition), posix(mutex), until);
    return error == ETIMEDOUT ? thrd_timedout : told(error);
}

}  // extern "C"
