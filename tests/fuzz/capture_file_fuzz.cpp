#include <algorithm>
#include <cstdlib>

#include "src/capture_files/record_reader.h"
#include "src/capture_files/time_scale.h"
#include "tests/src/capture_files/memory_source.h"

namespace tapmeter::capture_files {
namespace {

void must(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Totals {
    std::uint64_t packets = 0;
    std::uint64_t wire_octets = 0;
    std::uint64_t mixed = 0;  // of everything in every packet, in order
    std::uint64_t octets_read = 0;
    Turn last = Turn::packets;
    Damage damage;

    void add(const Packet& packet, Bytes file) {
        must(packet.frame.size() <= packet.wire_octets);
        must(packet.frame.size() <= captured_octets_max);
        must(packet.frame.data() >= file.data() &&
             packet.frame.data() + packet.frame.size() <= file.data() + file.size());
        const auto ns = packet.observed_at.time_since_epoch().count();
        must(ns >= -time_bound_ns && ns <= time_bound_ns);
        ++packets;
        wire_octets += packet.wire_octets;
        const auto start = static_cast<std::uint64_t>(packet.frame.data() - file.data());
        for (const std::uint64_t value :
             {start, std::uint64_t{packet.frame.size()}, static_cast<std::uint64_t>(ns),
              static_cast<std::uint64_t>(packet.link)}) {
            mixed = (mixed ^ value) * 0x9e3779b97f4a7c15U;
        }
    }
};

Totals read(Bytes file, const Format& format, std::size_t step_octets) {
    testing::MemorySource source(file, step_octets);
    static RecordReader reader;  // the same for all files, as in a capture of many
    reader.start(source, format, 0);
    Totals totals;
    Burst burst;
    do {
        burst.count = 0;
        totals.last = reader.read(burst);
        std::uint64_t wire_octets = 0;
        for (const Packet& packet : burst.view()) {
            totals.add(packet, file);
            wire_octets += packet.wire_octets;
        }
        must(wire_octets == reader.wire_octets());
    } while (totals.last == Turn::packets);
    totals.octets_read = reader.octets_read();
    totals.damage = reader.damage();
    return totals;
}

}  // namespace
}  // namespace tapmeter::capture_files

// Any octets are a file. What must hold: no read outside it (the sanitizers' part), every packet
// inside it with possible lengths and time, and the same packets and the same end in whatever
// pieces the file comes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tapmeter::capture_files;  // NOLINT(google-build-using-namespace)
    const tapmeter::Bytes file = std::as_bytes(std::span{data, size});
    const auto format = recognise(file.first(std::min(size, recognised_octets)));
    if (!format) {
        must(!format.error().message.empty());
        return 0;
    }
    must(!describe(*format).empty());
    const Totals whole = read(file, *format, size);
    const Totals pieces = read(file, *format, 1 + size / 5);
    must(whole.packets == pieces.packets && whole.wire_octets == pieces.wire_octets);
    must(whole.mixed == pieces.mixed && whole.octets_read == pieces.octets_read);
    must(whole.last == pieces.last && whole.damage.kind == pieces.damage.kind);
    must(whole.octets_read <= size && !describe(whole.damage).empty());
    return 0;
}
