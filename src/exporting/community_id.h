#pragma once

#include <array>
#include <string_view>

#include "src/exporting/flow_fields.h"

namespace tapmeter::exporting {

// "1:" and 28 characters of base64.
inline constexpr std::size_t community_id_characters = 30;
using CommunityId = std::array<char, community_id_characters>;

inline std::string_view text_of(const CommunityId& id) noexcept {
    return {id.data(), id.size()};
}

// The Community ID, version 1, seed 0, of the record's flow: the same for both directions, and the
// same in Suricata, Zeek and others (github.com/corelight/community-id-spec). Not cryptography:
// SHA-1 serves as a checksum there.
CommunityId community_id(const FlowRecord& record) noexcept;

}  // namespace tapmeter::exporting
