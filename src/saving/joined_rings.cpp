#include "src/saving/joined_rings.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace tapmeter::saving {

namespace {

// The share of a ring that may wait for others: a worker whose packets can wait stops at a half.
constexpr std::size_t waits_below = 4;

}  // namespace

JoinedRings::JoinedRings(std::vector<SaveRing*> rings) {
    for (SaveRing* const ring : rings) {
        sources_.push_back({.ring = ring});
    }
}

// What has come into the rings since the last look.
void JoinedRings::look(Clock::time_point now) {
    for (Source& source : sources_) {
        source.shown.resize(source.ring->waiting(), now);
        begin_chunk(source);
    }
}

// The first packet of the oldest chunk, where none is at hand.
void JoinedRings::begin_chunk(Source& source) {
    while (!source.has_packet() && !source.shown.empty()) {
        source.rest = source.ring->oldest();
        if (source.rest.size() < sizeof(SavedPacket)) {
            source.rest = {};
            source.ring->give_back();
            source.shown.pop_front();
        } else {
            std::memcpy(&source.head, source.rest.data(), sizeof(source.head));
        }
    }
}

// To its next packet. False: that is not in the same chunk, so it may have to wait.
bool JoinedRings::step(Source& source) {
    source.rest = source.rest.subspan(
        std::min(SavedPacket::room_for(source.head.octets), source.rest.size()));
    if (source.has_packet()) {
        std::memcpy(&source.head, source.rest.data(), sizeof(source.head));
        return true;
    }
    source.ring->give_back();
    source.shown.pop_front();
    begin_chunk(source);
    return false;
}

JoinedRings::Run JoinedRings::next_run(Clock::time_point now, bool last) noexcept {
    Run run{.until_ns = std::numeric_limits<std::int64_t>::max()};
    bool all_have = true;
    bool pressed = last;
    for (Source& source : sources_) {
        pressed = pressed || source.shown.size() > source.ring->chunks() / waits_below;
        if (!source.has_packet()) {
            all_have = false;
        } else if (run.from == nullptr || source.head.observed_ns < run.from->head.observed_ns) {
            run.until_ns = run.from == nullptr ? run.until_ns : run.from->head.observed_ns;
            run.from = &source;
        } else {
            run.until_ns = std::min(run.until_ns, source.head.observed_ns);
        }
    }
    const bool certain =
        all_have || pressed || (run.from != nullptr && now - run.from->shown.front() >= wait_max);
    return certain ? run : Run{};
}

}  // namespace tapmeter::saving
