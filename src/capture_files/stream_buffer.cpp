#include "src/capture_files/stream_buffer.h"

#include <poll.h>

#include <cerrno>
#include <cstring>

#include "pipeline/base/expects.h"

namespace tapmeter::capture_files {

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
    const ssize_t octets =
        ::read(file_.number(), buffer_.data() + present_, buffer_.size() - present_);
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
    if (waiting == 0 || consumed_ > buffer_.size() - block_head_octets_max) {
        std::memmove(buffer_.data(), buffer_.data() + consumed_, waiting);
        consumed_ = 0;
        present_ = waiting;
    }
    expects(present_ < buffer_.size());  // no reader wants more than block_head_octets_max
}

}  // namespace tapmeter::capture_files
