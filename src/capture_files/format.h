#pragma once

#include <string>
#include <variant>

#include "pipeline/base/result.h"
#include "src/capture_files/classic.h"

namespace tapmeter::capture_files {

// A pcapng file says all it has to say in its blocks; this is only the order of its first section.
struct PcapngFormat {
    FileOrder order = FileOrder::ours;
};

using Format = std::variant<ClassicFormat, PcapngFormat>;

// Octets that recognise() wants to see, unless the file has fewer.
inline constexpr std::size_t recognised_octets = 28;

// Says what the file that begins with `start` is. The error names what was found at which offset
// and what would be right, with the cure where there is one (compressed files); the caller puts
// the file's name before it.
Result<Format> recognise(Bytes start);

// "pcap, little-endian, nanoseconds, link type 1"
std::string describe(const Format& format);

}  // namespace tapmeter::capture_files
