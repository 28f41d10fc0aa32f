// The part of Appliance that writes packets to files.

#include "pipeline/saving.h"

#include <algorithm>
#include <utility>

#include "src/appliance/appliance.h"

namespace tapmeter {

namespace {

constexpr std::uint32_t every_octet = 262'144;  // no frame is longer

// What a recording may need at once, so that it can wait for room and never lacks any.
constexpr std::uint64_t recorded_ring_octets = 64ULL << 20U;

void add_named(std::string& text, std::string_view label, std::string_view name,
               std::uint64_t count) {
    if (count != 0) {
        text += text.empty() ? "" : "; ";
        text += std::string(label) + " " + std::string(name) + " " + std::to_string(count);
    }
}

}  // namespace

Result<std::unique_ptr<Saving>> Appliance::make_saving() {
    const Config::Write& write = parts_.config.write;
    if (write.file.empty()) {
        return nullptr;
    }
    const std::uint64_t octets =
        recorded() ? std::max(write.ring_octets, recorded_ring_octets) : write.ring_octets;
    auto ring = SaveRing::make(octets, !recorded());
    if (!ring) {
        return tl::unexpected<Error>(std::move(ring.error()));
    }
    save_rings_.push_back(std::move(*ring));
    return std::make_unique<Saving>(*save_rings_.back(),
                                    write.snap_octets != 0 ? write.snap_octets : every_octet);
}

// What data paths before this one wrote stays as they left it.
std::string Appliance::packets_file() const {
    const std::string& file = parts_.config.write.file;
    const std::uint64_t restarts = handover_ != nullptr ? handover_->restarts().total() : 0;
    return restarts == 0 ? file : file + ".restart" + std::to_string(restarts);
}

Result<void> Appliance::build_writer() {
    const Config::Write& write = parts_.config.write;
    if (write.file.empty()) {
        return {};
    }
    saving::PacketWriter::Parts parts{
        .rotation = {.file = packets_file(),
                     .file_octets = write.file_octets,
                     .files = write.files,
                     .rotate = write.rotate},
        .snap_octets = write.snap_octets,
        .compress = write.compress,
        .rings = {},
        .points = packet_points(),
        .statistics = [this](std::size_t point) { return statistics_of(point); },
        .log = parts_.log,
        .steps = parts_.steps};
    for (const auto& ring : save_rings_) {
        parts.rings.push_back(ring.get());
    }
    auto writer = saving::PacketWriter::make(std::move(parts));
    if (!writer) {
        return tl::unexpected<Error>(std::move(writer.error()));
    }
    writer_ = std::move(*writer);
    return {};
}

std::vector<saving::PacketWriter::Point> Appliance::packet_points() const {
    std::vector<saving::PacketWriter::Point> points;
    for (const Config::Capture& capture : parts_.config.captures) {
        points.push_back(
            {.name = capture.name,
             .filter = capture.filter_raw.empty() ? capture.filter : capture.filter_raw});
    }
    return points;
}

// Of an interface: what was lost in front of us. What was not written is nobody's in particular: it
// is told with each.
saving::Blocks::Statistics Appliance::statistics_of(std::size_t point) const {
    const CaptureCounters counters = parts_.captures.points[point]->counters();
    saving::Blocks::Statistics statistics;
    statistics.received = counters.offered.value;
    for (std::size_t reason = 0; reason < counters.dropped.size(); ++reason) {
        statistics.dropped += counters.dropped[reason];
        add_named(statistics.comment, "dropped", dropped_names[reason], counters.dropped[reason]);
    }
    for (std::size_t reason = 0; reason < counters.ignored.size(); ++reason) {
        add_named(statistics.comment, "ignored", ignored_names[reason], counters.ignored[reason]);
    }
    std::uint64_t filtered = 0;
    SavingBooks saving;
    for (const auto& worker : workers_) {
        const WorkerBooks books = worker->books();
        saving += books.saving;
        filtered += books.ignored[index_of(LeftOut::filter)].packets;
    }
    add_named(statistics.comment, "ignored", "filter", filtered);
    const saving::WriterBooks writer =
        writer_ != nullptr ? writer_->books() : saving::WriterBooks{};
    for (std::size_t reason = 0; reason < not_written_reasons; ++reason) {
        add_named(statistics.comment, "not written", not_written_names[reason],
                  saving.refused[reason].packets + writer.dropped[reason].packets);
    }
    return statistics;
}

}  // namespace tapmeter
