#include "pipeline/inspect/arena.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace tapmeter::inspect {

namespace {

constexpr std::size_t unit_octets = 16;  // blocks start at multiples of it
constexpr std::size_t smallest = 2 * unit_octets;
constexpr std::uint32_t given_back = 0xffff'ffff;  // in place of a block's size class

// Four sizes to each power of two: 32, 40, 48, 56, 64, 80, ... rounded to whole units.
constexpr std::size_t class_of(std::size_t octets) noexcept {
    const std::size_t wanted = std::max(octets, smallest);
    const auto power = static_cast<std::size_t>(std::bit_width(wanted - 1)) - 1;
    const std::size_t quarter = (wanted - 1 - (std::size_t{1} << power)) >> (power - 2);
    return wanted == smallest ? 0 : (power - 5) * 4 + quarter + 1;
}

constexpr std::size_t octets_of(std::size_t size_class) noexcept {
    const std::size_t power = (size_class + 3) / 4 + 4;
    const std::size_t quarters = size_class == 0 ? 4 : (size_class - 1) % 4 + 1;
    const std::size_t octets =
        size_class == 0 ? smallest
                        : (std::size_t{1} << power) + quarters * (std::size_t{1} << (power - 2));
    return (octets + unit_octets - 1) / unit_octets * unit_octets;
}
static_assert(class_of(1) == 0 && class_of(32) == 0 && class_of(33) == 1 && class_of(40) == 1);
static_assert(octets_of(class_of(41)) == 48 && octets_of(class_of(57)) == 64);
static_assert(octets_of(class_of(64)) == 64 && octets_of(class_of(65)) == 80);
static_assert(octets_of(class_of(1000)) == 1024 && octets_of(class_of(1025)) == 1280);
static_assert(class_of(Arena::block_octets_max) < 80);

}  // namespace

Result<Arena> Arena::reserve(std::size_t octets, bool populate) {
    auto region = Region::reserve({.octets = octets, .populate = populate});
    if (!region) {
        return failed(Error::Kind::no_memory,
                      std::to_string(octets >> 20U) +
                          " MiB for the dissection of applications: no memory; lower "
                          "dpi.states_max or workers.count, or set dpi.enabled = false");
    }
    return Arena(std::move(*region), octets);
}

// Both casts: the region is raw memory, and this file is where blocks are made of it.
Arena::Header& Arena::header_at(std::size_t octet) noexcept {
    // NOLINTNEXTLINE(*-reinterpret-cast): see above
    return *reinterpret_cast<Header*>(region_.octets().subspan(octet, sizeof(Header)).data());
}

void* Arena::allocate(std::size_t octets) noexcept {
    if (octets > block_octets_max) {
        ++refused_;
        return nullptr;
    }
    const std::size_t size_class = class_of(octets);
    const std::size_t size = octets_of(size_class);
    std::size_t at = std::size_t{free_[size_class]} * unit_octets;
    if (at != 0) {
        free_[size_class] = header_at(at).next;
    } else if (left() >= sizeof(Header) + size) {
        at = taken_;
        taken_ += sizeof(Header) + size;
    } else {
        ++refused_;
        return nullptr;
    }
    header_at(at) = {.size_class = static_cast<std::uint32_t>(size_class)};
    used_ += size;
    return region_.octets().subspan(at + sizeof(Header)).data();
}

void Arena::release(void* block) noexcept {
    if (block == nullptr) {
        return;
    }
    // What is no block of ours, or was given back before, is left alone: it is a library that asks.
    const auto place = static_cast<std::byte*>(block) - region_.octets().data();
    const auto at = static_cast<std::size_t>(place) - sizeof(Header);
    if (place <= 0 || at >= taken_ || at % unit_octets != 0) {
        return;
    }
    Header& header = header_at(at);
    if (header.size_class >= size_classes) {
        return;
    }
    const std::uint32_t size_class = header.size_class;
    used_ -= octets_of(size_class);
    header = {.size_class = given_back, .next = free_[size_class]};
    free_[size_class] = static_cast<std::uint32_t>(at / unit_octets);
}

}  // namespace tapmeter::inspect
