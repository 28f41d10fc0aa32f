// The part of Appliance that keeps packets in memory and writes those that are recalled.

#include "pipeline/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/appliance/appliance.h"
#include "src/filters/compile.h"

namespace tapmeter {

namespace {

constexpr std::uint32_t every_octet = 262'144;  // no frame is longer

// The history itself is the buffer: a walk waits where the ring is full.
constexpr std::uint64_t ring_octets = 8ULL << 20U;
// A recording goes on only where a whole burst of the longest frames has room.
constexpr std::uint64_t recorded_ring_octets = 64ULL << 20U;

constexpr std::uint32_t recalls_by_command_max = (1U << 24U) - 1;  // then numbers begin anew

}  // namespace

// Null where nothing is kept.
Result<std::unique_ptr<History>> Appliance::make_history(std::size_t worker) {
    const Config::History& history = parts_.config.history;
    if (!history.enabled) {
        return nullptr;
    }
    auto ring = SaveRing::make(recorded() ? recorded_ring_octets : ring_octets, !recorded());
    if (!ring) {
        return tl::unexpected<Error>(std::move(ring.error()));
    }
    recall_rings_.push_back(std::move(*ring));
    return History::make(
        {.octets = history.octets,
         .snap_octets = history.snap_octets != 0 ? history.snap_octets : every_octet,
         .after = history.after,
         .packets_after_max = history.packets_after,
         .on_alert = history.alerts,
         .outer_points = outer_points(parts_.config),
         .worker = static_cast<std::uint16_t>(worker),
         .populate = !recorded()},
        *recall_rings_.back());
}

// Null where the worker compares nothing with signatures.
const inspect::AlertRing* Appliance::alerts_of(std::size_t worker) const {
    const auto rings =
        signatures_ != nullptr ? signatures_->rings() : std::vector<inspect::AlertRing*>{};
    return worker < rings.size() ? rings[worker] : nullptr;
}

Result<void> Appliance::build_recall_writer() {
    const Config::History& history = parts_.config.history;
    if (!history.enabled) {
        return {};
    }
    saving::RecallWriter::Parts parts{
        .folder = history.folder.string(),
        .files_max = history.files,
        .file_octets = history.file_octets,
        .snap_octets = history.snap_octets,
        .rings = {},
        .points = packet_points(),
        .statistics = [this](std::size_t point) { return statistics_of(point); },
        .log = parts_.log,
        .steps = parts_.steps};
    for (const auto& ring : recall_rings_) {
        parts.rings.push_back(ring.get());
    }
    auto writer = saving::RecallWriter::make(std::move(parts));
    if (!writer) {
        return tl::unexpected<Error>(std::move(writer.error()));
    }
    recall_writer_ = std::move(*writer);
    return {};
}

// A place for the filter that nobody looks at any more, with the filter in it.
Result<RecallFilter*> Appliance::take_recall_filter(const std::string& expression) {
    auto compiled = filters::compile(expression, filters::Tags::through);
    if (!compiled) {
        return failed(Error::Kind::invalid_config,
                      "recall: the filter \"" + expression + "\" must be " + compiled.error());
    }
    for (const filter::Program& program : (*compiled)->programs) {
        if (program.size() > History::filter_instructions_max) {
            return failed(
                Error::Kind::invalid_config,
                fmt::format("recall: the filter has {} instructions, and each packet of the "
                            "history waits for them: no more than {} may be; name fewer things",
                            program.size(), History::filter_instructions_max));
        }
    }
    auto* const free = std::ranges::find_if(recall_filters_, &RecallFilter::is_free);
    if (free == recall_filters_.end()) {
        return failed(Error::Kind::invalid_config,
                      "recall: the last ones by filter are only just ending; ask again");
    }
    free->expression = expression;
    free->packets = std::move(*compiled);
    return free;
}

// Each worker may have packets of a host, and of a flow that is not where its addresses say.
Result<std::string> Appliance::recall(const control::RecallRequest& wanted) {
    const std::lock_guard lock(control_mutex_);
    if (recall_writer_ == nullptr) {
        return failed(Error::Kind::invalid_config,
                      "no packets are kept here: set history.enabled = true and restart");
    }
    const std::uint64_t open = recalls_asked_ - recall_writer_->books().commands_done;
    if (open >= History::commands_max) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("{} recalls are under way, and no more may be; one ends {} s of "
                                  "packet time behind its beginning (history.after)",
                                  open, parts_.config.history.after.count() / 1'000));
    }
    Recall recall = wanted;
    if (recall.of == Recall::Of::filter) {
        const auto filter = take_recall_filter(wanted.expression);
        if (!filter) {
            return tl::unexpected<Error>(filter.error());
        }
        recall.filter = *filter;
        recall.filter->users = static_cast<std::uint32_t>(workers_.size()) + 1;  // and the writer
    }
    recall.workers = static_cast<std::uint16_t>(workers_.size());
    recall.number = recalls_asked_ % recalls_by_command_max + 1;
    ++recalls_asked_;
    for (const auto& worker : workers_) {
        // As many requests as may be open have room.
        expects(worker->ask(recall));
    }
    return fmt::format("recall {}: {}; its file will be {}/recall-*-{:08x}-{}.pcapng",
                       recall.number, saving::words_of(recall),
                       parts_.config.history.folder.string(), recall.number,
                       recall.of == Recall::Of::host     ? "host"
                       : recall.of == Recall::Of::filter ? "filter"
                                                         : "flow");
}

}  // namespace tapmeter
