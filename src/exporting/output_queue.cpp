#include "src/exporting/output_queue.h"

#include <poll.h>

#include <algorithm>
#include <bit>
#include <thread>

#include "pipeline/base/expects.h"

namespace tapmeter::exporting {

OutputQueue::OutputQueue(Size size, Descriptor event)
    : size_(size),
      blocks_(std::bit_ceil(size.blocks)),
      octets_(std::make_unique_for_overwrite<std::byte[]>(  // NOLINT(*-avoid-c-arrays)
          std::bit_ceil(size.blocks) * size.block_octets)),
      event_(std::move(event)) {
    expects(size.blocks > 0 && event_.is_open());
}

std::span<std::byte> OutputQueue::writable() noexcept {
    // The ring is a power of two; what it has beyond the limit stays free.
    const std::size_t kept_free = blocks_.capacity() - size_.blocks;
    if (blocks_.free_slots(kept_free + 1) <= kept_free) {
        return {};
    }
    return storage(pushed_);
}

bool OutputQueue::has_room(std::size_t blocks) noexcept {
    const std::size_t wanted = blocks_.capacity() - size_.blocks + std::min(blocks, size_.blocks);
    return blocks_.free_slots(wanted) >= wanted;
}

void OutputQueue::push(const Block& block) noexcept {
    expects(block.octets <= size_.block_octets);
    const bool taken = blocks_.push(block);
    expects(taken);
    ++pushed_;
    blocks_.publish();
}

void OutputQueue::wake() noexcept {
    // Either this exchange comes after the one in wait(), and the sender is woken; or it comes
    // before, and then the sender, which looks once more after its own exchange, sees the push.
    if (asleep_.exchange(false, std::memory_order_acq_rel)) {
        ring_bell();
    }
}

void OutputQueue::drain(std::chrono::steady_clock::time_point deadline) noexcept {
    constexpr std::chrono::milliseconds look_again{1};
    raise(finishing_);
    while (blocks_.waiting() != 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(look_again);
    }
    if (blocks_.waiting() != 0) {
        raise(abandoned_);
    }
    while (blocks_.waiting() != 0) {
        std::this_thread::sleep_for(look_again);
    }
}

void OutputQueue::stop() noexcept {
    raise(stopping_);
}

Bytes OutputQueue::octets_of(std::size_t index) noexcept {
    return writable_octets_of(index);
}

std::span<std::byte> OutputQueue::writable_octets_of(std::size_t index) noexcept {
    return storage(consumed_ + index).first(blocks_.readable()[index].octets);
}

void OutputQueue::consume(std::size_t count) noexcept {
    blocks_.consume(count);
    consumed_ += count;
}

void OutputQueue::wait(std::chrono::milliseconds patience) noexcept {
    asleep_.exchange(true, std::memory_order_acq_rel);
    if (blocks_.readable().empty()) {
        sleep(patience);
    }
    asleep_.store(false, std::memory_order_release);
}

void OutputQueue::pause(std::chrono::milliseconds patience) noexcept {
    sleep(patience);
}

void OutputQueue::raise(std::atomic<bool>& flag) noexcept {
    flag.store(true, std::memory_order_release);
    ring_bell();
}

void OutputQueue::ring_bell() noexcept {
    const std::uint64_t one = 1;
    // Cannot fail but by an overflow of 2^64 wakings.
    [[maybe_unused]] const auto written = ::write(event_.number(), &one, sizeof one);
}

void OutputQueue::sleep(std::chrono::milliseconds patience) noexcept {
    pollfd event{event_.number(), POLLIN, 0};
    if (::poll(&event, 1, static_cast<int>(patience.count())) > 0) {
        std::uint64_t wakings = 0;
        [[maybe_unused]] const auto got = ::read(event_.number(), &wakings, sizeof wakings);
    }
}

std::span<std::byte> OutputQueue::storage(std::size_t block) const noexcept {
    const std::size_t at = block & (blocks_.capacity() - 1);
    return {&octets_[at * size_.block_octets], size_.block_octets};
}

}  // namespace tapmeter::exporting
