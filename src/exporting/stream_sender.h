#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/exporting/message.h"
#include "src/exporting/pacer.h"
#include "src/exporting/rate_limited_log.h"
#include "src/exporting/sender.h"
#include "src/exporting/stream_session.h"
#include "src/exporting/template_schedule.h"

namespace tapmeter::exporting {

// The sending thread of an output over TCP, TLS, SCTP, DTLS, a unix socket or into IPFIX files.
//
// Messages stay in the queue until the other side has confirmed their octets; what it had not when
// a session broke is sent again in the next, so nothing is lost by that, and what arrives twice is
// at most what one session had on the way. Each session begins with the Templates and counts its
// sequence numbers from 0 (RFC 7011 section 3.1).
//
// With a spool, what the queue has no more room for waits on disk, and what is left at the end
// waits there for the next run. It is older than what is in the queue, so it goes first. Messages
// of a run whose Templates were others have a session of their own, which begins with those.
//
// Where a session may lose what was written (DTLS), that counts as sent, as over UDP, and Templates
// are sent again in time.
//
// Without Observation Domains, blocks are lines of JSON, and go out as they are; what a session
// broke off in the middle is in the next one from its beginning.
//
// After a reload messages may have other Templates, under other ids: a session begins with those
// of the first message that it will have, and where they change the old ones are withdrawn behind
// their last Data Record (section 8.1). No id is used anew within a session (section 8).
class StreamSender final : public Sender {
public:
    // `queue` and `account` outlive it.
    StreamSender(Setup setup, std::unique_ptr<StreamSession> session, OutputQueue& queue,
                 Account& account);

    void run() override;
    std::size_t message_octets() const noexcept override {
        return message_octets_.load(std::memory_order_relaxed);
    }
    bool catches_up() const noexcept override {
        return catches_up_.load(std::memory_order_acquire);
    }

private:
    using Progress = StreamSession::Progress;
    enum class Phase : std::uint8_t { closed, opening, open };

    struct Stream {
        Announcement announcement;
        ObservationDomainId domain{};
        TemplateSchedule templates;
    };
    // One Observation Domain in the present session.
    struct Numbering {
        ObservationDomainId domain{};
        std::uint32_t next_sequence = 0;  // of the session
        std::uint32_t shift = 0;          // from the numbers of messages to the session's
        bool begun = false;               // a message went out: shift is known
        std::uint64_t run = 0;            // of which start of the program: shift is for it
    };
    struct Pending {
        PreparedMessage message;
        ObservationDomainId domain{};
    };
    // Which Templates a session has, or a message needs.
    struct Edition {
        const TemplateSet* templates = nullptr;  // null: of a run before, which the spool has kept
        std::size_t announcements = 0;           // by the spool's numbers; 0 where they are known
        bool operator==(const Edition&) const = default;
    };
    // What a message says of itself, wherever it waits.
    struct Numbers {
        ObservationDomainId domain{};
        std::uint32_t sequence = 0;
        std::uint32_t step = 0;
        std::uint64_t run = 0;
    };

    void step();
    void give_up();
    void rest();
    bool lends_queue();
    void open_further();
    void begin_session();
    void announce_templates(Stream& stream);
    void refresh_templates();
    void learn_limit();
    void serve();
    bool write_next();
    bool write_pending();
    bool write_block();
    bool write_lines();
    bool write_spooled(Spool::Next& next);
    bool write_numbered(std::span<std::byte> message, const Numbers& numbers);
    Numbering& numbering_of(ObservationDomainId domain);
    Spool::Next* spooled();
    Edition edition_of(const Spool::Next& next) const;
    Edition next_edition();
    bool needs_other_session();
    bool has_more();
    bool change_templates();
    std::uint32_t export_time_of(const PreparedMessage& message);
    Bytes next_message();
    void announce_to_spool(const TemplateSet& templates);
    void spool_queue();
    std::size_t spool_some();
    bool written(Progress progress);
    void announce_statistics();
    void acknowledge();
    void look_for_stall(bool progress);
    bool must_hold_back();
    void end_session(Progress how);
    void tell_queue_full();

    Setup setup_;
    std::unique_ptr<StreamSession> session_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    std::vector<Stream> streams_;
    std::vector<Numbering> numbering_;
    std::size_t spool_from_;
    std::atomic<std::size_t> message_octets_{message_octets_unknown_path};
    const TemplateSet* templates_ = nullptr;  // that streams_ tell of; null: no streams
    Edition edition_;                         // of the present session
    // What was announced to the spool, the latest behind.
    std::vector<std::pair<std::size_t, const TemplateSet*>> in_spool_;
    std::atomic<bool> catches_up_{false};
    Phase phase_ = Phase::closed;
    Clock::time_point attempt_at_{};  // when the present or the next attempt begins
    Clock::time_point statistics_at_{};
    Clock::time_point progress_at_{};  // something was confirmed, or nothing was to be
    Pacer pacer_;
    bool last_attempt_ = false;        // the end is near: nobody waits for the time of the next
    std::deque<Pending> pending_;      // before anything of the queue
    bool pending_begun_ = false;       // the first one has its header
    std::size_t next_ = 0;             // block of the queue to be written next
    bool block_begun_ = false;         // that one has its header
    std::deque<std::uint64_t> marks_;  // octets written when each of the blocks before it was whole
    std::uint64_t queue_full_told_ = 0;
};

}  // namespace tapmeter::exporting
