#include "src/capture_files/stream_buffer.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "pipeline/base/expects.h"

namespace tapmeter::capture_files {

namespace {

// Read from a file at a time: half of what the second-level cache of a server CPU holds at least,
// so that its packets are still there when they are decoded.
constexpr std::size_t file_window_octets = std::size_t{256} << 10U;

}  // namespace

Fill StreamBuffer::fill() noexcept {
    if (ended_) {
        return failure_ == 0 ? Fill::end : Fill::failed;
    }
    pollfd wait{.fd = file_.number(), .events = POLLIN, .revents = 0};
    const int ready = octets_total_ != 0 ? 1 : ::poll(&wait, 1, stream_wait_milliseconds);
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
        return Fill::nothing_now;
    }
    if (ready < 0) {
        return fail(errno);
    }
    make_room();
    const std::size_t wanted = std::min(buffer_.size() - present_, file_window_octets);
    const ssize_t octets = ::read(file_.number(), buffer_.data() + present_, wanted);
    if (octets < 0) {
        const bool later = errno == EINTR || errno == EAGAIN;
        return later ? Fill::nothing_now : fail(errno);
    }
    ended_ = octets == 0;
    present_ += static_cast<std::size_t>(octets);
    return ended_ ? Fill::end : Fill::more;
}

Fill StreamBuffer::fail(int error) noexcept {
    ended_ = true;
    failure_ = error;
    return Fill::failed;
}

// A record of block_head_octets_max must fit behind the window's start.
void StreamBuffer::make_room() noexcept {
    const std::size_t waiting = present_ - consumed_;
    // Of a file little waits: from the buffer's start on it stays in the cache.
    if (waiting < file_window_octets || consumed_ > buffer_.size() - block_head_octets_max) {
        std::memmove(buffer_.data(), buffer_.data() + consumed_, waiting);
        consumed_ = 0;
        present_ = waiting;
    }
    expects(present_ < buffer_.size());  // no reader wants more than block_head_octets_max
}

}  // namespace tapmeter::capture_files
