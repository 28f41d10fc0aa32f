#include "src/bench/traffic.h"

#include <algorithm>
#include <cstring>

#include "pipeline/base/expects.h"
#include "src/bench/frame_head.h"
#include "src/bench/random.h"

namespace tapmeter::bench {

namespace {

// A view of the last frame may reach so far beyond its own lines.
constexpr std::size_t overhang_octets = 2'048;

}  // namespace

Result<Traffic> Traffic::reserve(std::size_t packets, std::size_t octets) {
    auto region = Region::reserve({.octets = octets + overhang_octets, .populate = true});
    if (!region) {
        return tl::unexpected<Error>(std::move(region.error()));
    }
    Traffic traffic(std::move(*region));
    traffic.slots_.reserve(packets + burst_packets_max);
    return traffic;
}

void Traffic::add_made(const FrameHead& head, std::uint8_t flags) {
    constexpr std::uint16_t ipv4_source_at = 14 + 12;
    const std::size_t at = lines_used_ * line_octets;
    write_head(head, frames_.octets().subspan(at).first<frame_head_octets>());
    slots_.push_back({.place = static_cast<std::uint32_t>(lines_used_),
                      .captured_octets = head.frame_octets,
                      .wire_octets = head.frame_octets,
                      .addresses_at = ipv4_source_at,
                      .link = LinkType::ethernet,
                      .flags = flags});
    lines_used_ += std::min<std::size_t>((head.frame_octets + line_octets - 1) / line_octets,
                                         frame_stride_max / line_octets);
    expects(at + head.frame_octets <= frames_.octets().size());
}

void Traffic::add_captured(const Packet& packet, std::uint16_t addresses_at, std::uint8_t flags) {
    const auto room = frames_.octets().subspan(lines_used_ * line_octets);
    expects(packet.frame.size() <= room.size());
    std::ranges::copy(packet.frame, room.begin());
    slots_.push_back({.place = static_cast<std::uint32_t>(lines_used_),
                      .captured_octets = static_cast<std::uint32_t>(packet.frame.size()),
                      .wire_octets = packet.wire_octets,
                      .addresses_at = addresses_at,
                      .link = packet.link,
                      .flags = flags});
    lines_used_ += (packet.frame.size() + line_octets - 1) / line_octets;
}

bool Traffic::fits(const Packet& packet) const noexcept {
    return packet.frame.size() + lines_used_ * line_octets <= frames_.octets().size();
}

void Traffic::seal(Renewal renewal, std::uint64_t warm_packets, std::uint64_t first_flow) {
    packets_ = slots_.size();
    expects(packets_ != 0);
    renewal_ = renewal;
    warm_packets_ = warm_packets;
    next_flow_ = first_flow;
    for (std::size_t i = 0; i < burst_packets_max; ++i) {
        const Slot again = slots_[i];  // a copy: push_back may move what it refers to
        slots_.push_back(again);
    }
}

void Traffic::renew() noexcept {
    ++pass_;
    for (std::size_t i = 0; i < packets_ && renewal_ != Renewal::none; ++i) {
        if (renewal_ == Renewal::addresses) {
            move_addresses(slots_[i], change_of_pass(slots_[i]));
            continue;
        }
        const std::size_t at = std::size_t{slots_[i].place} * line_octets;
        write_head({.flow = next_flow_++, .frame_octets = slots_[i].wire_octets},
                   frames_.octets().subspan(at).first<frame_head_octets>());
    }
}

// The bits of this pass replace those of the last one; a conversation that began in the pass before
// keeps the bits that it began with.
std::uint32_t Traffic::change_of_pass(const Slot& slot) const noexcept {
    const auto bits_of = [](std::uint64_t pass) {
        return pass == 0 ? std::uint32_t{0} : static_cast<std::uint32_t>(stirred(pass));
    };
    const std::uint64_t pass = (slot.flags & Slot::begun_before) != 0 ? pass_ - 1 : pass_;
    return pass == 0 ? 0 : bits_of(pass) ^ bits_of(pass - 1);
}

void Traffic::move_addresses(std::size_t first, std::uint32_t change) noexcept {
    for (std::size_t i = first; i < slots_.size(); ++i) {
        move_addresses(slots_[i], change);
    }
}

// Both addresses are changed by the same bits, so both directions stay one flow, and the pairs of
// one pass stay as different as they were.
void Traffic::move_addresses(const Slot& slot, std::uint32_t change) noexcept {
    if (slot.addresses_at == 0) {
        return;
    }
    const std::size_t address_octets = (slot.flags & Slot::ipv6) != 0 ? 16 : 4;
    const std::size_t at = std::size_t{slot.place} * line_octets + slot.addresses_at;
    for (std::size_t address = 1; address <= 2; ++address) {
        // The last four octets of each address.
        const auto four =
            frames_.octets().subspan(at + address * address_octets - sizeof(change)).first<4>();
        std::uint32_t value = 0;
        std::memcpy(&value, four.data(), sizeof(value));
        value ^= change;
        std::memcpy(four.data(), &value, sizeof(value));
    }
}

}  // namespace tapmeter::bench
