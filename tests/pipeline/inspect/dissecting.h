#pragma once

#include "pipeline/base/bytes.h"
#include "pipeline/decode/frame.h"

namespace tapmeter::testing {

// The headers of a packet that begins with its IP header; of what is no packet there are none, and
// a dissector is given the octets all the same.
inline decode::Headers headers_of(Bytes ip) {
    const auto headers = decode::decode_frame({.frame = ip,
                                               .wire_octets = static_cast<std::uint32_t>(ip.size()),
                                               .link = LinkType::raw_ip});
    decode::Headers none;
    none.ip = ip;
    return headers ? *headers : none;
}

}  // namespace tapmeter::testing
