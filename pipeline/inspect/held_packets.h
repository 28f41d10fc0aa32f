#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "pipeline/base/bytes.h"

namespace tapmeter::inspect {

// Packets of a flow in the order in which they came, packed into octets of somebody else, who keeps
// how many of them are used.
class HeldPackets {
    struct Head {
        std::int64_t milliseconds;
        std::uint16_t octets;
    };
    static constexpr std::size_t head_octets = 10;  // of it, without what pads it

public:
    HeldPackets(std::span<std::byte> room, std::uint16_t& used) noexcept
        : room_(room), used_(used) {}

    // False: there is no room for it.
    // milliseconds  when it was observed, since 1970
    bool hold(Bytes packet, std::int64_t milliseconds) noexcept {
        const auto left = room_.subspan(used_);
        if (left.size() < head_octets + packet.size()) {
            return false;
        }
        const Head head{milliseconds, static_cast<std::uint16_t>(packet.size())};
        std::memcpy(left.data(), &head, head_octets);
        std::ranges::copy(packet, left.subspan(head_octets).begin());
        used_ = static_cast<std::uint16_t>(used_ + head_octets + packet.size());
        return true;
    }

    // Lets go of all but the first.
    void keep_first() noexcept {
        if (used_ != 0) {
            used_ = static_cast<std::uint16_t>(head_octets + head_at(room_).octets);
        }
    }

    // see(packet, milliseconds) for each.
    template <class See>
    void for_each(const See& see) const {
        for (Bytes left = room_.first(used_); !left.empty();) {
            const Head head = head_at(left);
            see(left.subspan(head_octets, head.octets), head.milliseconds);
            left = left.subspan(head_octets + head.octets);
        }
    }

private:
    static Head head_at(Bytes octets) noexcept {
        Head head{};
        std::memcpy(&head, octets.data(), head_octets);
        return head;
    }

    std::span<std::byte> room_;
    std::uint16_t& used_;
};

}  // namespace tapmeter::inspect
