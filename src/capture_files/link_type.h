#pragma once

#include <cstdint>

#include "pipeline/base/packet.h"

namespace tapmeter::capture_files {

// The link layer that a LINKTYPE_ number names (the registry of the pcap and pcapng drafts,
// draft-ietf-opsawg-pcaplinktype); `unknown` for those that the decoder does not read.
LinkType link_type_of(std::uint32_t linktype) noexcept;

}  // namespace tapmeter::capture_files
