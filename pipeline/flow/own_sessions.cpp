#include "pipeline/flow/own_sessions.h"

#include <algorithm>
#include <utility>

namespace tapmeter::flow {

OwnSessions::Turn::Turn(std::atomic<bool>& busy) noexcept : busy_(busy) {
    while (busy_.exchange(true, std::memory_order_acquire)) {
        busy_.wait(true, std::memory_order_relaxed);
    }
}

OwnSessions::Turn::~Turn() {
    busy_.store(false, std::memory_order_release);
    busy_.notify_one();
}

bool OwnSessions::find(const FlowKey& key) const noexcept {
    const Table table = published_.read();
    return std::ranges::any_of(table, [&key](const Session& one) {
        return one.protocol == key.protocol && one.protocol != 0 &&
               one.ip_version == key.ip_version && one.low_port == key.low_port &&
               one.high_port == key.high_port && one.low == key.low && one.high == key.high;
    });
}

void OwnSessions::enable(bool on) noexcept {
    const Turn turn(busy_);
    enabled_ = on;
    publish();
}

// At `place`, or where there is room if that is 0. Returns the place; 0: there is no room.
std::size_t OwnSessions::put(const FlowKey& key, std::size_t place) noexcept {
    const Turn turn(busy_);
    if (place == 0) {
        const auto free = std::ranges::find(table_, std::uint8_t{0}, &Session::protocol);
        if (free == table_.end()) {
            return 0;
        }
        place = static_cast<std::size_t>(free - table_.begin()) + 1;
    }
    table_[place - 1] = {key.low,        key.high, key.low_port, key.high_port, key.protocol,
                         key.ip_version, 0};
    publish();
    return place;
}

void OwnSessions::remove(std::size_t place) noexcept {
    if (place == 0) {
        return;
    }
    const Turn turn(busy_);
    table_[place - 1] = {};
    publish();
}

// First the table, then the classes: who sees a bit finds the session.
void OwnSessions::publish() noexcept {
    std::uint64_t classes = 0;
    for (const Session& one : table_) {
        const bool counts = enabled_ && one.protocol != 0;
        classes |= counts ? std::uint64_t{1} << ((one.low_port ^ one.high_port) & 63U) : 0;
    }
    published_.publish(table_);
    classes_.store(classes, std::memory_order_release);
}

OwnSession& OwnSession::operator=(OwnSession&& other) noexcept {
    std::swap(places_, other.places_);
    return *this;
}

OwnSession::~OwnSession() {
    for (const std::size_t place : places_) {
        own_sessions.remove(place);
    }
}

void OwnSession::begin(const Endpoint& local, const Endpoint& remote, std::uint8_t protocol,
                       std::uint8_t ip_version) noexcept {
    decode::Headers headers;
    headers.source = local.address;
    headers.destination = remote.address;
    headers.source_port = local.port;
    headers.destination_port = remote.port;
    headers.protocol = protocol;
    headers.ip_version = ip_version;
    FlowKey key;
    write_key(headers, false, key);
    std::swap(places_[0], places_[1]);
    places_[0] = own_sessions.put(key, places_[0]);
}

}  // namespace tapmeter::flow
