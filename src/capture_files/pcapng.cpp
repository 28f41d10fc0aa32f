#include "src/capture_files/pcapng.h"

#include <algorithm>

#include "src/capture_files/pcapng_format.h"

namespace tapmeter::capture_files {
namespace {

constexpr std::size_t section_octets_min = 28;
constexpr std::size_t interface_octets_min = 20;
constexpr std::size_t packet_octets_min = 32;
constexpr std::size_t simple_packet_octets_min = 16;

// A packet with its padding and a few options always lies within the head.
static_assert(packet_octets_min + captured_octets_max + 1'024 < block_head_octets_max);

constexpr std::size_t packet_fixed_octets = 20;  // interface, time, two lengths
constexpr std::size_t simple_packet_fixed_octets = 4;

}  // namespace

void PcapngReader::start(std::uint16_t observation_point) noexcept {
    interfaces_.clear();
    skip_octets_ = 0;
    order_ = FileOrder::ours;
    observation_point_ = observation_point;
    last_time_ = {};
}

Parsed PcapngReader::read(Bytes window, Burst& burst) noexcept {
    Parsed parsed;
    damage_ = {};
    std::size_t passed = 0;
    while (burst.count < burst_packets_max &&
           step(window.subspan(parsed.consumed), burst, parsed)) {
        prefetch_ahead(window, passed, parsed.consumed - passed);
        passed = parsed.consumed;
    }
    parsed.damage = damage_;
    return parsed;
}

bool PcapngReader::step(Bytes rest, Burst& burst, Parsed& parsed) noexcept {
    return skip_octets_ > 0 ? skip(rest, parsed) : read_block(rest, burst, parsed);
}

bool PcapngReader::read_block(Bytes rest, Burst& burst, Parsed& parsed) noexcept {
    if (rest.size() < block_octets_min) {
        parsed.wanted = block_octets_min;
        return false;
    }
    if (BlockType{load32(order_, rest.first<4>())} == BlockType::section_header &&
        !enter_section(rest)) {  // before anything else: it gives the byte order of the rest
        return false;
    }
    const Block block = block_at(rest);
    if (block.total_octets < block.octets_min || block.total_octets % 4 != 0) {
        return refuse({.kind = Damage::Kind::block_length,
                       .found = block.total_octets,
                       .wanted = block.octets_min});
    }
    if (rest.size() < block.head_octets) {
        parsed.wanted = block.head_octets;
        return false;
    }
    total_octets_ = block.total_octets;
    const bool all_in_head = block.head_octets == block.total_octets;
    if (all_in_head && !check_trailer(rest.subspan(block.head_octets - block_trailer_octets))) {
        return false;
    }
    const std::size_t body_end = block.head_octets - (all_in_head ? block_trailer_octets : 0);
    const std::size_t packets_before = burst.count;
    if (!read_body(block.type, rest.first(body_end).subspan(block_start_octets), burst)) {
        return false;
    }
    if (burst.count > packets_before) {
        parsed.wire_octets += burst.packets[packets_before].wire_octets;
    }
    parsed.consumed += block.head_octets;
    skip_octets_ = block.total_octets - block.head_octets;
    return true;
}

// The rest of a block whose head was read, up to and with its trailing length.
bool PcapngReader::skip(Bytes rest, Parsed& parsed) noexcept {
    const auto passed = std::min<std::uint64_t>(skip_octets_ - block_trailer_octets, rest.size());
    parsed.consumed += passed;
    skip_octets_ -= passed;
    rest = rest.subspan(passed);
    if (skip_octets_ > block_trailer_octets || rest.size() < block_trailer_octets) {
        parsed.wanted = skip_octets_;
        return false;
    }
    if (!check_trailer(rest)) {
        return false;
    }
    parsed.consumed += block_trailer_octets;
    skip_octets_ = 0;
    return true;
}

PcapngReader::Block PcapngReader::block_at(Bytes rest) const noexcept {
    const BlockType type{load32(order_, rest.first<4>())};
    const std::uint32_t total = load32(order_, rest.subspan<4, 4>());
    const auto block = [type, total](std::size_t octets_min, std::size_t head_octets_max) {
        return Block{.type = type,
                     .total_octets = total,
                     .octets_min = static_cast<std::uint32_t>(octets_min),
                     .head_octets = std::min(total, static_cast<std::uint32_t>(head_octets_max))};
    };
    switch (type) {
        case BlockType::enhanced_packet:
        case BlockType::packet:
            return block(packet_octets_min, block_head_octets_max);
        case BlockType::simple_packet:
            return block(simple_packet_octets_min, block_head_octets_max);
        case BlockType::interface_description:
            return block(interface_octets_min, block_head_octets_max);
        case BlockType::section_header:
            return block(section_octets_min, section_octets_min);
    }
    return block(block_octets_min, block_octets_min);  // any other is skipped
}

bool PcapngReader::read_body(BlockType type, Bytes body, Burst& burst) noexcept {
    switch (type) {
        case BlockType::enhanced_packet:
            return read_packet(body, load32(order_, body.first<4>()), burst);
        case BlockType::packet:  // 16 bits of interface, 16 bits of drop count
            return read_packet(body, load16(order_, body.first<2>()), burst);
        case BlockType::simple_packet:
            return read_simple_packet(body, burst);
        case BlockType::interface_description:
            return add_interface(body);
        case BlockType::section_header:
            return check_version(body);
    }
    return true;
}

// A new section: its own byte order, and none of the interfaces of the section before.
bool PcapngReader::enter_section(Bytes block) noexcept {
    const std::uint32_t magic = load32(FileOrder::ours, block.subspan<8, 4>());
    if (magic != byte_order_magic && magic != __builtin_bswap32(byte_order_magic)) {
        return refuse(
            {.kind = Damage::Kind::byte_order_magic, .found = load_be32(block.subspan<8, 4>())});
    }
    order_ = magic == byte_order_magic ? FileOrder::ours : FileOrder::swapped;
    interfaces_.clear();
    return true;
}

bool PcapngReader::check_version(Bytes section) noexcept {
    const std::uint16_t version = load16(order_, section.subspan<4, 2>());
    return version == section_version_major || refuse({.kind = Damage::Kind::section_version,
                                                       .found = version,
                                                       .wanted = section_version_major});
}

bool PcapngReader::add_interface(Bytes body) noexcept {
    if (interfaces_.size() == interfaces_max) {
        return refuse({.kind = Damage::Kind::too_many_interfaces, .wanted = interfaces_max});
    }
    const Damage damage = read_interface(order_, body, interfaces_.emplace_back());
    return !damage || refuse(damage);
}

// body  interface, time (high word first), captured octets, octets on the wire, packet, options
bool PcapngReader::read_packet(Bytes body, std::uint32_t interface_id, Burst& burst) noexcept {
    if (interface_id >= interfaces_.size()) {
        return refuse({.kind = Damage::Kind::unknown_interface,
                       .found = interface_id,
                       .wanted = interfaces_.size()});
    }
    const auto fixed = body.first<packet_fixed_octets>();
    const Bytes rest = body.subspan(packet_fixed_octets);
    const std::uint32_t captured = load32(order_, fixed.subspan<12, 4>());
    if (!fits(captured, rest)) {
        return false;
    }
    const Interface& interface = interfaces_[interface_id];
    const std::uint64_t ticks = (std::uint64_t{load32(order_, fixed.subspan<4, 4>())} << 32U) |
                                load32(order_, fixed.subspan<8, 4>());
    last_time_ = interface.times.at(ticks);

    Packet& packet = burst.packets[burst.count++];
    packet.frame = rest.first(captured);
    packet.observed_at = last_time_;
    packet.wire_octets = std::max(load32(order_, fixed.last<4>()), captured);
    packet.observation_point = observation_point_;
    packet.link = interface.link;
    const std::size_t options_start = std::min(padded_to_words(captured), rest.size());
    cut_fcs(packet, fcs_octets_of(interface, rest.subspan(options_start)));
    return true;
}

// A packet of the section's first interface, cut at that interface's snap length. It has no time:
// it gets that of the packet before it, 1970-01-01 when it is the first.
bool PcapngReader::read_simple_packet(Bytes body, Burst& burst) noexcept {
    if (interfaces_.empty()) {
        return refuse({.kind = Damage::Kind::unknown_interface});
    }
    const Interface& interface = interfaces_.front();
    const std::uint32_t original = load32(order_, body.first<simple_packet_fixed_octets>());
    const std::uint32_t captured =
        interface.snap_octets == 0 ? original : std::min(original, interface.snap_octets);
    const Bytes rest = body.subspan(simple_packet_fixed_octets);
    if (!fits(captured, rest)) {
        return false;
    }
    Packet& packet = burst.packets[burst.count++];
    packet = {.frame = rest.first(captured),
              .observed_at = last_time_,
              .wire_octets = original,
              .observation_point = observation_point_,
              .link = interface.link};
    cut_fcs(packet, interface.fcs_octets);
    return true;
}

// The packet's own flags win over its interface.
std::uint32_t PcapngReader::fcs_octets_of(const Interface& interface,
                                          Bytes packet_options) const noexcept {
    BlockOptions options{order_, packet_options};
    for (Option option; options.next(option);) {
        if (option.code == OptionCode::packet_flags && option.value.size() == 4) {
            // Bits 5 to 8: octets of check sequence, 0 where this packet does not say.
            const std::uint32_t octets = (load32(order_, option.value.first<4>()) >> 5U) & 0xfU;
            return octets != 0 ? octets : interface.fcs_octets;
        }
    }
    return interface.fcs_octets;
}

// rest  of the block, from the packet's first octet
bool PcapngReader::fits(std::uint32_t captured, Bytes rest) noexcept {
    if (captured > captured_octets_max) {
        return refuse({.kind = Damage::Kind::captured_too_long,
                       .found = captured,
                       .wanted = captured_octets_max});
    }
    return captured <= rest.size() || refuse({.kind = Damage::Kind::packet_beyond_block,
                                              .found = captured,
                                              .wanted = rest.size()});
}

bool PcapngReader::check_trailer(Bytes trailer) noexcept {
    const std::uint32_t length = load32(order_, trailer.first<block_trailer_octets>());
    return length == total_octets_ ||
           refuse(
               {.kind = Damage::Kind::trailing_length, .found = length, .wanted = total_octets_});
}

bool PcapngReader::refuse(const Damage& damage) noexcept {
    damage_ = damage;
    return false;
}

}  // namespace tapmeter::capture_files
