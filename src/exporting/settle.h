#pragma once

#include <cstddef>

#include "src/exporting/account.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/spool.h"

namespace tapmeter::exporting {

// Sending thread: books the oldest `count` blocks of the queue under `fate`, a member of
// account.sender, and gives them back.
inline void settle_as(OutputQueue& queue, Account& account, std::size_t count,
                      RecordTotals& fate) noexcept {
    if (count == 0) {
        return;
    }
    const ObservedAt now = observed_now();
    for (const Block& block : queue.readable().first(count)) {
        fate += block.contents;
        if (&fate == &account.sender.sent) {
            account.sender.messages += 1;
            account.sender.message_octets += block.octets;
            account.sender.lag.add(block.contents.records, block.ended, now);
        }
    }
    account.publish_sender();  // before the blocks are gone: drain() looks at the queue
    queue.consume(count);
}

// The same, as sent, or else as what could not be sent.
inline void settle(OutputQueue& queue, Account& account, std::size_t count, bool sent) noexcept {
    settle_as(queue, account, count, sent ? account.sender.sent : account.sender.send_error);
}

// Sending thread: books what the spool had to give up, and publishes.
inline void book_losses(Spool& spool, Account& account) noexcept {
    const Spool::Lost lost = spool.take_lost();
    account.sender.spool_full += lost.full;
    account.sender.spool_error += lost.damaged;
    account.sender.spooled -= lost.full;
    account.sender.spooled -= lost.damaged;
    account.sender.spool_damage += lost.places;
    account.publish_sender();
}

}  // namespace tapmeter::exporting
