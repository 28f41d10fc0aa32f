#include "src/exporting/backlog.h"

#include <thread>
#include <utility>

#include "src/exporting/settle.h"

namespace tapmeter::exporting {

Backlog::Backlog(Setup setup, OutputQueue& queue, Account& account)
    : spool_(std::move(setup.spool)),
      queue_(queue),
      account_(account),
      own_made_of_(std::move(setup.made_of)),
      in_hand_max_(setup.in_hand_max),
      spool_from_(setup.spool_from),
      next_id_(setup.first_id) {
    if (spool_ == nullptr) {
        return;
    }
    const Bytes words = std::as_bytes(std::span{own_made_of_});
    spool_->announce({{{.kind = SpoolFrame::Kind::announcement,
                        .octets = static_cast<std::uint32_t>(words.size()),
                        .contents = {}},
                       {words.begin(), words.end()}}});
    own_ = spool_->own_announcements();
    account_.sender.recovered = spool_->waiting();
    account_.sender.spooled = account_.sender.recovered;
    book_losses(*spool_, account_);
}

bool Backlog::empty() {
    return in_hand_.empty() && queue_.readable().empty() &&
           (spool_ == nullptr || leaving_ || spool_->next() == nullptr);
}

bool Backlog::has_older_than_queue() {
    return (!in_hand_.empty() && in_hand_.front().on_disk) ||
           (spool_ != nullptr && !leaving_ && spool_->next() != nullptr);
}

bool Backlog::take() {
    return in_hand_.size() < in_hand_max_ && (take_from_disk() || take_from_queue());
}

// What the queue has in hand is younger than all that is on disk.
bool Backlog::take_from_disk() {
    if (spool_ == nullptr || leaving_ || from_queue_ != 0) {
        return false;
    }
    const Spool::Next* const next = spool_->next();
    book_losses(*spool_, account_);
    if (next == nullptr) {
        return false;
    }
    Held& held = hold(next->octets);
    held.contents = next->frame.contents;
    held.ended = next->frame.ended;
    held.id = next->frame.id;
    held.made_as = next->announcements;
    held.on_disk = true;
    held.recovered = next->run != spool_->run();
    spool_->written();
    return true;
}

bool Backlog::take_from_queue() {
    const auto blocks = queue_.readable();
    if (from_queue_ == blocks.size()) {
        return false;
    }
    const std::span<std::byte> octets = queue_.writable_octets_of(from_queue_);
    Held& held = hold(spool_ == nullptr ? Bytes{} : Bytes{octets});
    held.octets = spool_ == nullptr ? octets : held.octets;
    held.contents = blocks[from_queue_].contents;
    held.ended = blocks[from_queue_].ended;
    held.id = next_id_ + from_queue_;
    held.made_as = own_;
    ++from_queue_;
    return true;
}

// With a copy of `octets`, in room that was taken before where there is some.
Backlog::Held& Backlog::hold(Bytes octets) {
    Held& held = in_hand_.emplace_back();
    if (!spare_.empty()) {
        held.own = std::move(spare_.back());
        spare_.pop_back();
    }
    held.own.assign(octets.begin(), octets.end());
    held.octets = held.own;
    return held;
}

void Backlog::let_go() {
    if (spool_ != nullptr) {
        spare_.push_back(std::move(in_hand_.front().own));
    }
    in_hand_.pop_front();
}

std::string_view Backlog::made_of(const Held& held) const noexcept {
    if (spool_ == nullptr || held.made_as == own_) {
        return own_made_of_;
    }
    const auto& announced = spool_->announced(held.made_as);
    if (announced.empty()) {
        return {};
    }
    const std::vector<std::byte>& words = announced.front().octets;
    // NOLINTNEXTLINE(*-reinterpret-cast): octets that were written as characters
    return {reinterpret_cast<const char*>(words.data()), words.size()};
}

void Backlog::give_back(const Fate& fate) {
    const Held& oldest = in_hand_.front();
    Account::Sender& sender = account_.sender;
    sender.sent += fate.sent;
    sender.refused += fate.refused;
    sender.send_error += fate.send_error;
    sender.spool_error += fate.spool_error;
    sender.messages += fate.messages;
    sender.message_octets += fate.message_octets;
    sender.lag.add(fate.sent.records, oldest.ended, observed_now());
    const bool on_disk = oldest.on_disk;
    if (on_disk) {
        sender.spooled -= oldest.contents;
        spool_->confirm(1);
    }
    account_.publish_sender();  // before the block is gone: who waits for it looks at the books
    if (on_disk) {
        tell_whether_it_catches_up();
    }
    let_go();
    if (!on_disk) {
        queue_.consume(1);
        ++next_id_;
        --from_queue_;
    }
}

void Backlog::relieve_queue(bool reached) {
    if (spool_ == nullptr) {
        return;
    }
    reached_ = reached;
    // At the end what is in the queue is waited for, where the server is there.
    if (queue_.waiting() >= spool_from_ && !queue_.finishing()) {
        spool_queue();
    }
    tell_whether_it_catches_up();
}

void Backlog::tell_whether_it_catches_up() noexcept {
    catches_up_.store(reached_ && !leaving_ && !spool_->empty(), std::memory_order_release);
}

void Backlog::spool_queue() {
    while (!queue_.readable().empty() && spool_oldest()) {
    }
    book_losses(*spool_, account_);
}

// Of the queue; false: the disk does not take it. What is in hand is on its way already.
bool Backlog::spool_oldest() {
    const Block& block = queue_.readable().front();
    const bool held = from_queue_ != 0;
    const std::size_t place = in_hand_.size() - from_queue_;
    const Bytes octets = held ? Bytes{in_hand_[place].octets} : queue_.octets_of(0);
    const SpoolFrame frame{.kind = SpoolFrame::Kind::block,
                           .octets = block.octets,
                           .id = next_id_,
                           .ended = block.ended,
                           .contents = block.contents};
    const Spool::Appended appended =
        held ? spool_->append_written(frame, octets) : spool_->append(frame, octets);
    if (appended != Spool::Appended::done) {
        return false;
    }
    if (held) {
        in_hand_[place].on_disk = true;
        --from_queue_;
    }
    account_.sender.spooled += block.contents;
    book_losses(*spool_, account_);
    tell_whether_it_catches_up();  // before the queue is empty: drain() looks at that
    queue_.consume(1);
    ++next_id_;
    return true;
}

void Backlog::leave_on_disk() {
    if (spool_ == nullptr) {
        return;
    }
    spool_queue();
    while (!in_hand_.empty() && in_hand_.front().on_disk) {
        let_go();
    }
    spool_->rewind();
    leaving_ = true;
    tell_whether_it_catches_up();
}

void Backlog::drain(std::chrono::steady_clock::time_point deadline) const {
    wait_for_disk(deadline);
    queue_.drain(deadline);
    wait_for_disk(deadline);  // what moved there just before
}

void Backlog::wait_for_disk(std::chrono::steady_clock::time_point deadline) const {
    constexpr std::chrono::milliseconds look_again{1};
    while (catches_up_.load(std::memory_order_acquire) &&
           std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(look_again);
    }
}

}  // namespace tapmeter::exporting
