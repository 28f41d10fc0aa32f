#pragma once

#include <cstdint>
#include <ostream>
#include <vector>

#include "src/capture_files/record_reader.h"
#include "tests/src/capture_files/capture_builder.h"
#include "tests/src/capture_files/memory_source.h"

namespace tapmeter::capture_files::testing {

// A packet with its octets copied, so that it outlives the reader.
struct Seen {
    File frame;
    std::int64_t ns = 0;
    std::uint32_t wire_octets = 0;
    LinkType link = LinkType::unknown;

    bool operator==(const Seen&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    return out << seen.frame.size() << " of " << seen.wire_octets << " octets at " << seen.ns
               << " ns, link " << static_cast<int>(seen.link);
}

inline Seen seen(const Packet& packet) {
    return {.frame = {packet.frame.begin(), packet.frame.end()},
            .ns = packet.observed_at.time_since_epoch().count(),
            .wire_octets = packet.wire_octets,
            .link = packet.link};
}

struct Reading {
    std::vector<Seen> packets;
    Turn last = Turn::packets;
    Damage damage;
};

// Reads a file, which must be a recognised one, to its end or damage.
inline Reading read_all(const File& file, std::size_t step_octets = std::size_t{1} << 20U) {
    Reading reading;
    MemorySource source(file, step_octets);
    RecordReader reader;
    reader.start(source, *recognise(Bytes{file}.first(std::min(file.size(), recognised_octets))),
                 0);
    Burst burst;
    do {
        burst.count = 0;
        reading.last = reader.read(burst);
        for (const Packet& packet : burst.view()) {
            reading.packets.push_back(seen(packet));
        }
    } while (reading.last == Turn::packets);
    reading.damage = reader.damage();
    return reading;
}

}  // namespace tapmeter::capture_files::testing
