#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "pipeline/base/packet.h"
#include "pipeline/filter/program.h"

namespace tapmeter::filter {

inline constexpr std::size_t link_types = static_cast<std::size_t>(LinkType::unknown);

// One expression, compiled for every link layer that a packet may come with. A link layer of which
// the expression cannot be said has an empty program, and no packet of it is accepted. Never
// changes; any thread.
struct PacketFilter {
    std::array<Program, link_types> programs{};  // by LinkType
    // The frame is looked at without its VLAN tags, MPLS labels and PPPoE header, as a SPAN port
    // adds them; false where the expression speaks of them itself.
    bool through_tags = true;

    bool accepts(const Packet& packet) const noexcept;
};

// The frame without what stands between its link header and its packet: up to four VLAN tags,
// eight MPLS labels above IP, and the header of a PPPoE session with IP. A frame without any is
// seen as it stands; so is one whose tags are cut off or too many.
Sight without_tags(const Packet& packet) noexcept;

// The filters of all observation points, by number; null: every packet of it is accepted.
class PacketFilters {
public:
    explicit PacketFilters(std::vector<std::unique_ptr<const PacketFilter>> by_point)
        : by_point_(std::move(by_point)) {}

    bool accepts(const Packet& packet) const noexcept {
        const PacketFilter* const filter = packet.observation_point < by_point_.size()
                                               ? by_point_[packet.observation_point].get()
                                               : nullptr;
        return filter == nullptr || filter->accepts(packet);
    }

    // Packets of the burst that are not accepted are taken out of it.
    struct Refused {
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;  // layer 2, on the wire
    };
    Refused sift(Burst& burst) const noexcept;

private:
    std::vector<std::unique_ptr<const PacketFilter>> by_point_;
};

}  // namespace tapmeter::filter
