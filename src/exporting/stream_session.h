#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "pipeline/base/bytes.h"

namespace tapmeter::exporting {

// A Transport Session that has a beginning and an end: octets in order, over TCP or TLS (RFC 7011
// section 10.4) or into a file (RFC 5655); or whole messages, over SCTP or DTLS. Never blocks
// longer than it is told. One thread.
class StreamSession {
public:
    enum class Progress : std::uint8_t {
        done,
        pending,  // call again, with the same message
        failed,   // this session is over; failure() says why
        renew,    // likewise, but by plan: open the next one at once
    };

    // Of octets that its transport moved: how many, 0 for the end of the stream, or one of these.
    static constexpr std::ptrdiff_t not_now = -1;
    static constexpr std::ptrdiff_t broken = -2;

    StreamSession() = default;
    StreamSession(const StreamSession&) = delete;
    StreamSession& operator=(const StreamSession&) = delete;
    virtual ~StreamSession() = default;

    // Opens a new session, or goes on with that. Called until it is no longer pending.
    virtual Progress open(std::chrono::milliseconds patience) = 0;

    // Writes one whole message; where only a part went out, the next call goes on with it.
    virtual Progress write(Bytes message) = 0;

    // Waits: until more can be written where `for_room`, else until the session changes.
    virtual Progress wait(bool for_room, std::chrono::milliseconds patience) = 0;

    // Octets given away in this session, and how many of them the other side has confirmed.
    virtual std::uint64_t written() const = 0;
    virtual std::uint64_t delivered() const = 0;

    // Ends the session; in order where nothing is wrong.
    virtual void close() = 0;

    // What is written may be lost on the way, and is not confirmed: Templates are sent again and
    // again (section 8.4), and what was written counts as delivered.
    virtual bool may_lose() const noexcept { return false; }

    // It has the Templates that it began with: others begin the next session. Else they are
    // withdrawn within it (section 8.1), or, where it may lose them, used no more.
    virtual bool keeps_templates() const noexcept { return false; }

    // The longest message that goes in one piece, as far as is known by now; 0: there is no such
    // limit.
    virtual std::size_t message_octets_max() const noexcept { return 0; }

    // "tcp://203.0.113.7:4739"
    virtual const std::string& peer() const = 0;
    // In words to act on, after `failed`.
    virtual const std::string& failure() const = 0;
};

}  // namespace tapmeter::exporting
