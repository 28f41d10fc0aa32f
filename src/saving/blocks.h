#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/packet.h"
#include "pipeline/save_ring.h"

namespace tapmeter::saving {

// The blocks of a pcapng file (draft-ietf-opsawg-pcapng section 4), in the byte order of this
// machine, with times in nanoseconds since 1970-01-01 UTC.
class Blocks {
public:
    struct Interface {
        std::uint16_t link_type = 0;    // a LINKTYPE_ number
        std::uint32_t snap_octets = 0;  // 0: no limit
        std::string name;
        std::string filter;  // tcpdump's expression; empty: none
    };
    // What became of an interface's packets since the start.
    struct Statistics {
        std::uint64_t received = 0;  // offered to the interface
        std::uint64_t dropped = 0;   // lost in front of us
        std::uint64_t written = 0;   // to files
        std::int64_t started_ns = 0;
        std::int64_t ended_ns = 0;
        std::string comment;  // names of what was lost; empty: none
    };

    // comment  for people; empty: none
    void section(const std::string& comment = {});
    void interface(const Interface& interface);
    void packet(std::uint32_t interface, const SavedPacket& head, Bytes frame);
    void statistics(std::uint32_t interface, const Statistics& statistics);

    // What was made and not yet taken away.
    Bytes octets() const noexcept { return octets_; }
    void clear() noexcept { octets_.clear(); }

private:
    void number32(std::uint32_t value);
    void number64(std::uint64_t value);
    void time(std::int64_t nanoseconds);
    void text_option(std::uint16_t code, const std::string& text);
    void option(std::uint16_t code, std::uint16_t octets);
    void end_options();
    std::size_t begin(std::uint32_t type);
    void end(std::size_t begin);
    void pad();

    std::vector<std::byte> octets_;
};

// LINKTYPE_ of a link layer that we know.
std::uint16_t link_type_number(LinkType link) noexcept;

}  // namespace tapmeter::saving
