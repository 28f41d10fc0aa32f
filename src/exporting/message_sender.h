#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "src/exporting/message.h"
#include "src/exporting/pacer.h"
#include "src/exporting/rate_limited_log.h"
#include "src/exporting/sender.h"
#include "src/exporting/template_schedule.h"
#include "src/exporting/udp_session.h"

namespace tapmeter::exporting {

// The sending thread of one output of IPFIX or NetFlow over UDP: takes messages from the queue and
// brings them to the Collector, each Observation Domain's Templates before its first message and
// again in time.
//
// While the Collector is known to be away (refused by ICMP, no route), messages wait in the queue
// and the Collector is tried once a second with Templates alone; so a Collector that restarts
// finds what it missed, as far as the queue holds it, and Templates first. A Collector of a group
// is tried so even when nothing waits for it, because others have its records until it is back.
class MessageSender final : public Sender {
public:
    // `queue` and `account` outlive it.
    MessageSender(Setup setup, UdpSession session, OutputQueue& queue, Account& account);

    void run() override;
    std::size_t message_octets() const noexcept override {
        return message_octets_.load(std::memory_order_relaxed);
    }

private:
    struct Stream {
        TemplateSchedule templates;
        Announcement announcement;
        MessageHeader next{};            // as the next message will have it
        std::int64_t uptime_origin = 0;  // of the messages since the Templates
        std::uint32_t shift = 0;         // options records so far: the sequence counts them too
        bool in_use = false;             // a message of it was seen
        Clock::time_point statistics_at{};
    };

    void idle();
    void send_waiting();
    void change_templates(const TemplateSet* templates);
    void on_error(int error);
    void reached();
    void unreachable(int error);
    void settle(std::size_t count, bool sent);
    bool probe();
    bool probe_with(Stream& first);
    void look_whether_back();
    bool send_templates(Stream& stream);
    bool send_statistics(Stream& stream);
    bool send_prepared(Stream& stream, const PreparedMessage& prepared);
    std::uint32_t export_time_of(const PreparedMessage& prepared) noexcept;
    void patch_sequence(std::size_t index) noexcept;
    void look_for_restart(Stream& stream, std::size_t index) noexcept;
    int send_patiently(Bytes message);
    void once_a_second();
    void ask_path();
    MessageHeader header_of(std::size_t index) noexcept;

    Setup setup_;
    UdpSession session_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    std::vector<Stream> streams_;
    const TemplateSet* templates_ = nullptr;  // that they tell of
    std::atomic<std::size_t> message_octets_{message_octets_unknown_path};
    bool reachable_ = false;      // until the first probe, we do not know
    bool fragments_ = false;      // messages older than the path's present size may still wait
    std::uint32_t attempts_ = 0;  // at the oldest message
    std::uint64_t queue_full_told_ = 0;
    Clock::time_point last_look_{};
    Clock::time_point last_probe_{};
    Pacer pacer_;
};

}  // namespace tapmeter::exporting
