#include "src/exporting/block_filler.h"

namespace tapmeter::exporting {

std::span<std::byte> BlockFiller::room(std::size_t octets) noexcept {
    if (!empty() && left() < octets) {
        hand_over();
    }
    if (room_.empty()) {
        room_ = queue_.writable();
        begun_ = now_;
    }
    return left() < octets ? std::span<std::byte>{} : room_.subspan(block_.octets);
}

void BlockFiller::add(std::size_t octets, const RecordTotals& contents, ObservedAt ended) noexcept {
    account_.taker.encoding += contents;
    block_.contents += contents;
    block_.ended = empty() ? ended : block_.ended;
    block_.octets += static_cast<std::uint32_t>(octets);
}

void BlockFiller::refuse(const RecordTotals& contents) noexcept {
    account_.taker.queue_full += contents;
}

void BlockFiller::hand_over() noexcept {
    if (empty()) {
        return;
    }
    account_.taker.encoding -= block_.contents;
    account_.taker.handed_over += block_.contents;
    account_.publish_taker();  // before the sender can finish it: the account's promise
    queue_.push(block_);
    ++handed_over_;
    block_ = {};
    room_ = {};
}

void BlockFiller::tick(std::chrono::steady_clock::time_point now) noexcept {
    now_ = now;
    if (!empty() && now - begun_ >= age_max_) {
        hand_over();
    }
    queue_.wake();
}

}  // namespace tapmeter::exporting
