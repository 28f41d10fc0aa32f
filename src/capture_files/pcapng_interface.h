#pragma once

#include <cstdint>

#include "src/capture_files/octets.h"
#include "src/capture_files/parsed.h"
#include "src/capture_files/time_scale.h"

namespace tapmeter::capture_files {

// What an interface description block says about the packets of its interface.
struct Interface {
    TimeScale times;
    std::uint32_t snap_octets = 0;  // 0: no limit
    LinkType link = LinkType::unknown;
    std::uint8_t fcs_octets = 0;  // at the end of every packet, 0 where the file does not say
};

// body    the block without its type and lengths
// damage  an option that we need has the wrong length
Damage read_interface(FileOrder order, Bytes body, Interface& interface) noexcept;

}  // namespace tapmeter::capture_files
