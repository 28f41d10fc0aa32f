#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/published.h"
#include "pipeline/flow/flow_key.h"

namespace tapmeter::flow {

// One end of a Transport Session.
struct Endpoint {
    decode::Address address{};  // IPv4 in the last four octets
    std::uint16_t port = 0;
};

// The Transport Sessions of this process, which the Metering Process leaves out: a flow record
// about the packets that export flow records would make more of both. VLANs do not count.
//
// Workers ask for every new flow, so the common answer costs one load: a bit for each of 64 classes
// of port pairs says whether a session may be meant. There is one table in a process, as there is
// one set of sockets.
class OwnSessions {
public:
    // An output keeps two: the present one, and the one before, whose last packets may be late.
    static constexpr std::size_t sessions_max = 128;

    // Any thread, a worker for each new flow.
    bool contains(const FlowKey& key) const noexcept {
        return ((classes_.load(std::memory_order_relaxed) >> class_of(key)) & 1U) != 0 && find(key);
    }

    // Any thread, may wait for another that does the same. Whether sessions are noted from now on.
    void enable(bool on) noexcept;

private:
    friend class OwnSession;
    struct Session {
        decode::Address low{};
        decode::Address high{};
        std::uint16_t low_port = 0;
        std::uint16_t high_port = 0;
        std::uint8_t protocol = 0;  // 0: the place is free
        std::uint8_t ip_version = 0;
        std::uint16_t unused = 0;
    };
    using Table = std::array<Session, sessions_max>;

    static unsigned class_of(const FlowKey& key) noexcept {
        return (key.low_port ^ key.high_port) & 63U;
    }
    bool find(const FlowKey& key) const noexcept;
    std::size_t put(const FlowKey& key, std::size_t place) noexcept;
    void remove(std::size_t place) noexcept;
    void publish() noexcept;

    // Who changes the sessions; seldom, and for microseconds.
    class Turn {
    public:
        explicit Turn(std::atomic<bool>& busy) noexcept;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn();

    private:
        std::atomic<bool>& busy_;
    };

    std::atomic<std::uint64_t> classes_{0};
    Published<Table> published_;
    std::atomic<bool> busy_{false};  // somebody writes the two below
    Table table_{};
    bool enabled_ = true;
};

inline constinit OwnSessions own_sessions;

// The Transport Session that a socket has now, and the one that it had before. One thread; what it
// notes is gone with it.
class OwnSession {
public:
    OwnSession() noexcept = default;
    OwnSession(const OwnSession&) = delete;
    OwnSession& operator=(const OwnSession&) = delete;
    OwnSession(OwnSession&& other) noexcept : places_(other.places_) { other.places_ = {}; }
    OwnSession& operator=(OwnSession&& other) noexcept;
    ~OwnSession();

    // A new session; belongs before its first packet.
    // protocol    6 TCP, 17 UDP
    // ip_version  4 or 6
    void begin(const Endpoint& local, const Endpoint& remote, std::uint8_t protocol,
               std::uint8_t ip_version) noexcept;

private:
    static constexpr std::size_t none = 0;

    std::array<std::size_t, 2> places_{none, none};  // numbers from 1
};

}  // namespace tapmeter::flow
