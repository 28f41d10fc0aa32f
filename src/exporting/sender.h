#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/options.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/spool.h"

namespace tapmeter::exporting {

// Largest message unless the operator says otherwise: leaves room for a tunnel or two on an
// Ethernet of 1,500 octets.
inline constexpr std::size_t message_octets_cap = 1'420;

// What the sending thread of one IPFIX output is, whatever the transport: it takes messages from
// the queue and brings them to the Collector, each Observation Domain's Templates before them.
class Sender {
public:
    using Clock = std::chrono::steady_clock;

    struct Setup {
        std::string output;  // "ipfix/main", for the log
        Config::Ipfix config;
        std::vector<Announcement::Setup> streams;  // one an Observation Domain, as in the queue
        LogLine log;
        Clock::time_point (*now)() = Clock::now;  // tests give the time
        const Protocol* protocol = &ipfix_protocol;
        std::unique_ptr<Spool> spool{};  // of a stream; null: messages wait in the queue alone
    };

    Sender() = default;
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    virtual ~Sender() = default;

    // The thread. Returns after queue.stop(), once nothing waits.
    virtual void run() = 0;

    // Any thread: the largest message that should be built now.
    virtual std::size_t message_octets() const noexcept = 0;

    // Any thread: a session is open and what waited on disk is on its way to the Collector.
    virtual bool catches_up() const noexcept { return false; }

    // Any thread: false once it is known that the Collector cannot be reached, or reads nothing;
    // true again when that is over.
    bool is_reachable() const noexcept { return reachable_.load(std::memory_order_relaxed); }

    // Exporter core: what waits for a Collector that is away may go to another one. A sender that
    // can lends its queue soon, as its consumer, and does not touch it until it has it back.
    void ask_for_queue() noexcept {
        Lending none = Lending::none;
        lending_.compare_exchange_strong(none, Lending::asked, std::memory_order_acq_rel);
    }
    bool has_lent_queue() const noexcept {
        return lending_.load(std::memory_order_acquire) == Lending::lent;
    }
    void give_queue_back() noexcept { lending_.store(Lending::none, std::memory_order_release); }

    // Exporter core: what the Metering Process says. Never waits: where the sender is just looking
    // at the last report, that one stays.
    void report(const MeteringReport& latest) {
        if (const std::unique_lock guard(lock_, std::try_to_lock); guard.owns_lock()) {
            report_ = latest;
        }
    }

protected:
    MeteringReport latest_report() {
        const std::lock_guard guard(lock_);
        return report_;
    }

    bool is_asked_for_queue() const noexcept {
        return lending_.load(std::memory_order_acquire) == Lending::asked;
    }
    // Nothing, where it is not asked for any more.
    void lend_queue() noexcept {
        Lending asked = Lending::asked;
        lending_.compare_exchange_strong(asked, Lending::lent, std::memory_order_acq_rel);
    }

    void set_reachable(bool reachable) noexcept {
        reachable_.store(reachable, std::memory_order_relaxed);
    }

private:
    enum class Lending : std::uint8_t { none, asked, lent };

    std::atomic<bool> reachable_{true};
    std::atomic<Lending> lending_{Lending::none};
    std::mutex lock_;
    MeteringReport report_;
};

// What the account of an output says for RFC 7011 sections 4.1 and 4.3. Sending thread.
inline ExportingTotals totals_of(const Account& account) {
    ExportingTotals totals;
    totals.messages = account.sender.messages;
    totals.message_octets = account.sender.message_octets;
    totals.records = account.sender.sent.records;
    totals.not_sent = account.read_taker().queue_full;
    totals.not_sent += account.sender.send_error;
    totals.not_sent += account.sender.spool_full;
    totals.not_sent += account.sender.spool_error;
    totals.not_sent += account.sender.refused;
    return totals;
}

}  // namespace tapmeter::exporting
