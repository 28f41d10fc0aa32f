#include "pipeline/save_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

namespace tapmeter {

namespace {

constexpr std::size_t room_for(std::size_t frame_octets) noexcept {
    return SavedPacket::room_for(frame_octets);
}

constexpr std::size_t frame_octets_max = 262'144;
static_assert(room_for(frame_octets_max) <= SaveRing::chunk_octets);

}  // namespace

Result<std::unique_ptr<SaveRing>> SaveRing::make(std::uint64_t octets, bool populate) {
    const std::size_t chunks =
        std::bit_ceil(std::max<std::size_t>(chunks_min, octets / chunk_octets));
    auto memory = Region::reserve({.octets = chunks * chunk_octets, .populate = populate});
    if (!memory) {
        return failed(Error::Kind::no_memory,
                      "no memory for packets that are to be written (" +
                          std::to_string(chunks * chunk_octets >> 20U) +
                          " MiB a worker); lower write.ring or workers.count");
    }
    return std::make_unique<SaveRing>(std::move(*memory), chunks);
}

SaveRing::SaveRing(Region memory, std::size_t chunks)
    : memory_(std::move(memory)), ready_(chunks) {}

bool SaveRing::put(const Packet& packet, std::uint32_t snap_octets) noexcept {
    const Bytes frame = packet.frame.first(std::min<std::size_t>(packet.frame.size(), snap_octets));
    return put({.observed_ns = packet.observed_at.time_since_epoch().count(),
                .octets = static_cast<std::uint32_t>(frame.size()),
                .wire_octets = packet.wire_octets,
                .observation_point = packet.observation_point,
                .link = packet.link},
               frame);
}

bool SaveRing::put(const SavedPacket& head, Bytes octets) noexcept {
    const std::size_t room = room_for(octets.size());
    if (room > chunk_octets) {
        return false;
    }
    if (filled_ + room > chunk_octets) {
        flush();
    }
    if (filled_ == 0 && ready_.free_slots(1) == 0) {
        return false;
    }
    const auto to = chunk(filling_).subspan(filled_, room);
    std::memcpy(to.data(), &head, sizeof(head));
    std::ranges::copy(octets, to.begin() + sizeof(head));
    filled_ += room;
    return true;
}

// At the worst each packet of the burst needs a chunk of its own.
bool SaveRing::has_room_for_burst() noexcept {
    constexpr std::size_t longest = burst_packets_max * room_for(frame_octets_max);
    constexpr std::size_t wanted = longest / (chunk_octets / 2) + 1;
    const std::size_t needed = std::min(wanted, ready_.capacity());
    return ready_.free_slots(needed) >= needed;
}

void SaveRing::flush() noexcept {
    if (filled_ == 0) {
        return;
    }
    // There is a place: one was free when the chunk was begun, and only this thread takes any.
    expects(ready_.push(static_cast<std::uint32_t>(filled_)));
    ready_.publish();
    ++filling_;
    filled_ = 0;
}

void SaveRing::show() noexcept {
    if (!holds_back()) {
        waits_ = false;
        return;
    }
    const auto now = Clock::now();
    if (!waits_) {
        waits_ = true;
        since_ = now;
    } else if (now - since_ >= shown_after) {
        flush();
        waits_ = false;
    }
}

std::span<const std::byte> SaveRing::oldest() noexcept {
    const auto waiting = ready_.readable();
    return waiting.empty() ? std::span<const std::byte>() : chunk(reading_).first(waiting.front());
}

}  // namespace tapmeter
