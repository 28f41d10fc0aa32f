#pragma once

#include <chrono>
#include <cstdint>

namespace tapmeter::exporting {

// When the Templates of one Observation Domain are due (RFC 7011 section 8.4: over UDP they are
// sent again and again). At once; a second time soon, because the first datagram may be lost; then
// after `interval` or `messages`, whichever comes first.
class TemplateSchedule {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::milliseconds second_copy_after{500};
    static constexpr std::uint32_t second_copy_messages = 16;

    struct Refresh {
        Clock::duration interval;
        std::uint32_t messages;
        // Taken off the first interval, so that the domains of one collector do not all refresh in
        // the same moment for ever; below `interval`.
        Clock::duration spread{0};
    };

    explicit TemplateSchedule(const Refresh& refresh) noexcept : refresh_(refresh) {}

    bool due(Clock::time_point now) const noexcept {
        if (copies_ == 0) {
            return true;
        }
        return messages_ >= due_messages() || now - sent_at_ >= due_after();
    }

    void templates_sent(Clock::time_point now) noexcept {
        sent_at_ = now;
        messages_ = 0;
        copies_ += copies_ < copies_counted ? 1U : 0U;
    }

    void message_sent() noexcept { ++messages_; }

    // The Collector may have lost what it knew.
    void forget() noexcept { copies_ = 0; }

private:
    static constexpr std::uint32_t copies_counted = 3;

    std::uint32_t due_messages() const noexcept {
        return copies_ == 1 && second_copy_messages < refresh_.messages ? second_copy_messages
                                                                        : refresh_.messages;
    }
    Clock::duration due_after() const noexcept {
        if (copies_ == 1) {
            return second_copy_after;
        }
        return copies_ == 2 ? refresh_.interval - refresh_.spread : refresh_.interval;
    }

    Refresh refresh_;
    Clock::time_point sent_at_{};
    std::uint32_t messages_ = 0;  // since sent_at_
    std::uint32_t copies_ = 0;    // since start or forget(), up to copies_counted
};

}  // namespace tapmeter::exporting
