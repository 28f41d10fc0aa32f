#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/base/bytes.h"
#include "pipeline/inspect/metadata.h"

namespace tapmeter::inspect::extract {

// One part of a message, whole, for signatures to look at.
struct Found {
    Bytes octets{};
    std::uint16_t message = 0;  // parts of one request (or query, hello, ...) have one number
    Buffer buffer{};
    std::uint8_t side = 0;  // who sent it: 0 or 1, as the packets were given
};

// What one packet brought to light: parts of the messages that it completed. Views into the
// packet, the stream's window or the scratch room here; they last until the next packet.
class Findings {
public:
    static constexpr std::size_t found_max = 96;
    static constexpr std::size_t scratch_octets = std::size_t{40} << 10U;

    void clear() noexcept {
        count_ = 0;
        used_ = 0;
        left_out_ = 0;
    }

    std::span<const Found> view() const noexcept { return std::span{found_}.first(count_); }
    std::uint64_t left_out() const noexcept { return left_out_; }

    void add(const Found& found) noexcept {
        if (count_ == found_max) {
            ++left_out_;
            return;
        }
        found_[count_++] = found;
    }

    // Room for octets that stand nowhere as they are shown. What was written to its beginning is
    // kept by keep(); without it the next asker gets the same room.
    std::span<std::byte> room() noexcept { return std::span{scratch_}.subspan(used_); }
    Bytes keep(std::size_t octets) noexcept {
        const std::size_t kept = std::min(octets, scratch_octets - used_);
        const Bytes view = Bytes{scratch_}.subspan(used_, kept);
        used_ += kept;
        return view;
    }
    // A copy, cut where the room ends.
    Bytes keep_copy(Bytes octets) noexcept {
        const auto free = room();
        const std::size_t count = std::min(octets.size(), free.size());
        std::ranges::copy(octets.first(count), free.begin());
        return keep(count);
    }

private:
    std::array<Found, found_max> found_{};
    std::size_t count_ = 0;
    std::uint64_t left_out_ = 0;
    std::array<std::byte, scratch_octets> scratch_{};
    std::size_t used_ = 0;
};

// Text as octets and octets as text: both are views, nothing is converted.
inline Bytes octets_of(std::string_view text) noexcept {
    return std::as_bytes(std::span{text});
}
inline std::string_view text_of(Bytes octets) noexcept {
    // NOLINTNEXTLINE(*-reinterpret-cast): char may alias anything
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

}  // namespace tapmeter::inspect::extract
