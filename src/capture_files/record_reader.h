#pragma once

#include "src/capture_files/classic.h"
#include "src/capture_files/format.h"
#include "src/capture_files/octet_source.h"
#include "src/capture_files/pcapng.h"

namespace tapmeter::capture_files {

// What a turn of the reader came to.
enum class Turn : std::uint8_t {
    packets,      // the burst has some
    nothing_now,  // a pipe's writer is slow
    end,          // the file ends after a whole record
    damaged,      // nothing more can be read of this file; damage() says why
};

// Walks the records of one octet source after the other, whatever their format.
class RecordReader {
public:
    // The source stands at its first octet and shows what recognise() found to begin a file of
    // this format.
    void start(OctetSource& source, const Format& format, std::uint16_t observation_point) noexcept;

    // Fills an empty burst. Views follow the rules of the source.
    Turn read(Burst& burst) noexcept;

    // After Turn::damaged. The offset counts from the start of the file.
    const Damage& damage() const noexcept { return damage_; }

    std::uint64_t octets_read() const noexcept { return octets_read_; }  // of this source
    std::uint64_t wire_octets() const noexcept { return wire_octets_; }  // of the last burst

private:
    Parsed read_window(Bytes window, Burst& burst) noexcept;
    Turn turn_after_fill(Fill fill, const Parsed& parsed) noexcept;
    Turn damaged(const Damage& damage) noexcept;

    OctetSource* source_ = nullptr;
    ClassicReader classic_;
    PcapngReader pcapng_;
    bool is_pcapng_ = false;
    std::uint64_t octets_read_ = 0;
    std::uint64_t wire_octets_ = 0;
    Damage damage_;
};

}  // namespace tapmeter::capture_files
