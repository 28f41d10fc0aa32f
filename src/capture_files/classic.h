#pragma once

#include <cstdint>

#include "src/capture_files/octets.h"
#include "src/capture_files/parsed.h"

namespace tapmeter::capture_files {

inline constexpr std::size_t classic_header_octets = 24;

// What the file header of a classic pcap file says about its records (draft-ietf-opsawg-pcap).
struct ClassicFormat {
    FileOrder order = FileOrder::ours;
    // 16, or 24 in the "modified" format of patched Linux libpcaps of about 1999.
    std::uint8_t record_header_octets = 16;
    std::uint8_t fcs_octets = 0;  // at the end of every packet, 0 where the file does not say
    // Programs before file version 2.4 wrote the two lengths in either order.
    bool lengths_may_be_exchanged = false;
    LinkType link = LinkType::unknown;
    std::uint32_t fraction_ns = 1'000;  // one unit of the fraction of a second: 1,000 or 1
    std::uint32_t linktype = 0;         // LINKTYPE_ number
    std::uint32_t snap_octets = 0;      // as the file says; for the operator only
};

// Reads the records of a classic pcap file. Holds no octets: looks at windows that the caller
// moves along the file.
class ClassicReader {
public:
    void start(const ClassicFormat& format, std::uint16_t observation_point) noexcept;

    // Adds the packets of the complete records at the window's start to the burst, until it is
    // full. Frames are views into the window.
    Parsed read(Bytes window, Burst& burst) const noexcept;

private:
    template <FileOrder order>
    Parsed read_records(Bytes window, Burst& burst) const noexcept;

    ClassicFormat format_;
    std::uint16_t observation_point_ = 0;
};

}  // namespace tapmeter::capture_files
