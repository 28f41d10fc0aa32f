#include "src/capture_files/classic.h"

#include <utility>

namespace tapmeter::capture_files {
namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;

//   octet  0         4           8                12               16
//          +---------+-----------+----------------+----------------+- - - - - - - - - -
//          | seconds | fraction  | captured octets| octets on wire | packet data
//          +---------+-----------+----------------+----------------+- - - - - - - - - -
struct Record {
    std::uint32_t seconds;
    std::uint32_t fraction;
    std::uint32_t captured;
    std::uint32_t original;
};
constexpr std::size_t record_octets = 16;

template <FileOrder order>
Record load_record(std::span<const std::byte, record_octets> header) noexcept {
    return {.seconds = load32(order, header.subspan<0, 4>()),
            .fraction = load32(order, header.subspan<4, 4>()),
            .captured = load32(order, header.subspan<8, 4>()),
            .original = load32(order, header.subspan<12, 4>())};
}

// A record that claims more captured octets than the packet had on the wire.
void mend_lengths(Record& record, bool may_be_exchanged) noexcept {
    if (may_be_exchanged) {
        std::swap(record.captured, record.original);
    } else {
        record.original = record.captured;
    }
}

}  // namespace

void ClassicReader::start(const ClassicFormat& format, std::uint16_t observation_point) noexcept {
    format_ = format;
    observation_point_ = observation_point;
}

Parsed ClassicReader::read(Bytes window, Burst& burst) const noexcept {
    return format_.order == FileOrder::ours ? read_records<FileOrder::ours>(window, burst)
                                            : read_records<FileOrder::swapped>(window, burst);
}

template <FileOrder order>
Parsed ClassicReader::read_records(Bytes window, Burst& burst) const noexcept {
    const std::size_t header_octets = format_.record_header_octets;
    const std::int64_t fraction_ns = format_.fraction_ns;
    Parsed parsed;
    while (burst.count < burst_packets_max) {
        const Bytes rest = window.subspan(parsed.consumed);
        if (rest.size() < header_octets) {
            parsed.wanted = header_octets;
            return parsed;
        }
        auto record = load_record<order>(rest.first<record_octets>());
        if (record.captured > record.original) [[unlikely]] {
            mend_lengths(record, format_.lengths_may_be_exchanged);
        }
        if (record.captured > captured_octets_max) [[unlikely]] {
            parsed.damage = {.kind = Damage::Kind::captured_too_long,
                             .found = record.captured,
                             .wanted = captured_octets_max};
            return parsed;
        }
        if (rest.size() - header_octets < record.captured) {
            parsed.wanted = header_octets + record.captured;
            return parsed;
        }
        prefetch_ahead(window, parsed.consumed, header_octets + record.captured);
        Packet& packet = burst.packets[burst.count];
        packet.frame = rest.subspan(header_octets, record.captured);
        packet.observed_at =
            ObservedAt{Nanoseconds{record.seconds * ns_per_second + record.fraction * fraction_ns}};
        packet.wire_octets = record.original;
        packet.observation_point = observation_point_;
        packet.link = format_.link;
        cut_fcs(packet, format_.fcs_octets);
        ++burst.count;
        parsed.wire_octets += packet.wire_octets;
        parsed.consumed += header_octets + record.captured;
    }
    return parsed;
}

}  // namespace tapmeter::capture_files
