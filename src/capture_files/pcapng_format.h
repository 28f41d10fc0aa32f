#pragma once

#include <cstdint>

#include "src/capture_files/octets.h"

namespace tapmeter::capture_files {

// The blocks of a pcapng file (draft-ietf-opsawg-pcapng section 4) that concern us.
//
//   octet  0        4              8                        total - 4
//          +--------+--------------+- - - - - - - - - - - - +--------------+
//          | type   | total octets | body, options at end   | total octets |
//          +--------+--------------+- - - - - - - - - - - - +--------------+
enum class BlockType : std::uint32_t {
    section_header = 0x0a0d0d0a,  // the same in either byte order
    interface_description = 1,
    packet = 2,  // obsolete, but old files have it
    simple_packet = 3,
    enhanced_packet = 6,
};
inline constexpr std::size_t block_start_octets = 8;    // type and total length
inline constexpr std::size_t block_trailer_octets = 4;  // total length again
inline constexpr std::size_t block_octets_min = block_start_octets + block_trailer_octets;

inline constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
inline constexpr std::uint16_t section_version_major = 1;

constexpr std::size_t padded_to_words(std::size_t octets) noexcept {
    return (octets + 3) & ~std::size_t{3};
}

enum class OptionCode : std::uint16_t {
    end = 0,
    packet_flags = 2,          // epb_flags, pack_flags
    time_resolution = 9,       // if_tsresol
    fcs_length = 13,           // if_fcslen
    time_offset_seconds = 14,  // if_tsoffset
};

struct Option {
    OptionCode code = OptionCode::end;
    Bytes value{};
};

// The options at the end of a block, one after the other.
class BlockOptions {
public:
    BlockOptions(FileOrder order, Bytes octets) noexcept : order_(order), rest_(octets) {}

    // False after the last whole option; what follows an option that runs past the block is not
    // looked at.
    bool next(Option& option) noexcept {
        constexpr std::size_t start_octets = 4;  // code and length, 16 bits each
        if (rest_.size() < start_octets) {
            return false;
        }
        option.code = OptionCode{load16(order_, rest_.first<2>())};
        const std::size_t octets = load16(order_, rest_.subspan<2, 2>());
        if (option.code == OptionCode::end || rest_.size() - start_octets < octets) {
            return false;
        }
        option.value = rest_.subspan(start_octets, octets);
        const std::size_t all_octets = start_octets + padded_to_words(octets);
        rest_ = rest_.subspan(all_octets < rest_.size() ? all_octets : rest_.size());
        return true;
    }

private:
    FileOrder order_;
    Bytes rest_;
};

}  // namespace tapmeter::capture_files
