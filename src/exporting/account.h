#pragma once

#include <cstdint>

#include "pipeline/base/published.h"
#include "src/exporting/output.h"

namespace tapmeter::exporting {

constexpr RecordTotals& operator+=(RecordTotals& sum, const RecordTotals& other) noexcept {
    sum.records += other.records;
    sum.packets += other.packets;
    sum.octets += other.octets;
    sum.alerts += other.alerts;
    return sum;
}

constexpr RecordTotals& operator-=(RecordTotals& sum, const RecordTotals& other) noexcept {
    sum.records -= other.records;
    sum.packets -= other.packets;
    sum.octets -= other.octets;
    sum.alerts -= other.alerts;
    return sum;
}

// One record with what it counts, both directions together.
inline RecordTotals totals_of(const flow::FlowRecord& record) noexcept {
    return {1, record.forward.packets.value + record.reverse.packets.value,
            record.forward.octets.value + record.reverse.octets.value, 0};
}

// The books of one output. Two threads write, each its own half and without waiting: the exporter
// core that takes records, and the sending thread. Any thread reads.
//
//     exporter core:   taken + inherited = left_out + elsewhere + handed_on + encoding +
//                                          handed_over + queue_full + not_expressible
//     sending thread:  finished = sent + send_error + refused + spool_full + spool_error +
//                                 spooled
//                      finished <= handed_over + recovered
//
// The exporter core publishes a message before the sending thread can see it, and a reader looks
// at the sender's half first; so what it finds handed over covers what it found finished, the
// difference is what is queued, and the law of OutputCounters holds at every read. A reader also
// looks again whether the sender stood still meanwhile, a few times if need be; else `queued` can
// be more than the queue holds, by what left in between.
class Account {
public:
    struct Taker {
        RecordTotals taken;
        RecordTotals encoding;
        RecordTotals handed_over;
        RecordTotals queue_full;
        RecordTotals not_expressible;
        RecordTotals left_out;
        RecordTotals elsewhere;
        RecordTotals inherited;
        RecordTotals handed_on;
    };
    struct Sender {
        RecordTotals sent;
        RecordTotals send_error;
        RecordTotals recovered;
        RecordTotals spooled;  // on disk now
        RecordTotals spool_full;
        RecordTotals spool_error;
        RecordTotals refused;
        std::uint64_t messages = 0;
        std::uint64_t message_octets = 0;
        std::uint64_t templates = 0;
        std::uint64_t spool_damage = 0;
        std::uint64_t up = 1;
        ExportLag lag;
    };

    Account() noexcept { publish_sender(); }

    Taker taker;    // exporter core only
    Sender sender;  // sending thread only

    void publish_taker() noexcept { published_taker_.publish(taker); }
    void publish_sender() noexcept { published_sender_.publish(sender); }

    // Any thread; for the sending thread's own log.
    Taker read_taker() const noexcept { return published_taker_.read(); }

    // Any thread.
    OutputCounters read() const noexcept {
        Sender finished = published_sender_.read();  // first: see above
        Taker given = published_taker_.read();
        for (int looks = 0; looks < looks_max; ++looks) {
            const Sender again = published_sender_.read();
            const RecordTotals then = left_queue(finished);
            const RecordTotals now = left_queue(again);
            if (now.records == then.records && now.alerts == then.alerts) {
                break;
            }
            finished = again;
            given = published_taker_.read();
        }
        OutputCounters counters;
        counters.taken = given.taken;
        counters.left_out = given.left_out;
        counters.elsewhere = given.elsewhere;
        counters.inherited = given.inherited;
        counters.handed_on = given.handed_on;
        counters.encoding = given.encoding;
        counters.recovered = finished.recovered;
        counters.queued = given.handed_over;
        counters.queued += finished.recovered;
        counters.queued -= left_queue(finished);
        counters.spooled = finished.spooled;
        counters.sent = finished.sent;
        counters.dropped[index_of(RecordDropped::queue_full)] = given.queue_full;
        counters.dropped[index_of(RecordDropped::send_error)] = finished.send_error;
        counters.dropped[index_of(RecordDropped::not_expressible)] = given.not_expressible;
        counters.dropped[index_of(RecordDropped::spool_full)] = finished.spool_full;
        counters.dropped[index_of(RecordDropped::spool_error)] = finished.spool_error;
        counters.dropped[index_of(RecordDropped::refused)] = finished.refused;
        counters.messages = finished.messages;
        counters.message_octets = finished.message_octets;
        counters.templates = finished.templates;
        counters.spool_damage = finished.spool_damage;
        counters.up = finished.up != 0;
        counters.lag = finished.lag;
        return counters;
    }

private:
    static constexpr int looks_max = 16;

    // What no longer waits in the queue, with what came from the disk.
    static RecordTotals left_queue(const Sender& sender) noexcept {
        RecordTotals totals = sender.sent;
        totals += sender.send_error;
        totals += sender.spooled;
        totals += sender.spool_full;
        totals += sender.spool_error;
        totals += sender.refused;
        return totals;
    }

    static constexpr std::size_t index_of(RecordDropped reason) noexcept {
        return static_cast<std::size_t>(reason);
    }

    Published<Taker> published_taker_;
    Published<Sender> published_sender_;
};

}  // namespace tapmeter::exporting
