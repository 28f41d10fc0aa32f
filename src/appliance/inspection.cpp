#include "src/appliance/inspection.h"

#include <algorithm>
#include <utility>

#include "src/appliance/appliance.h"
#include "src/appliance/captures.h"
#include "src/appliance/signatures.h"

namespace tapmeter {

namespace {

// What inspection may save up while a worker has time to spare: some 400 us. A receive ring of
// 2,048 packets is full after so long at 5 Mpps.
constexpr std::uint64_t kept_cycles = 1'000'000;

}  // namespace

inspect::Inspector::Settings inspection_settings(const Config& config, bool recorded) {
    const Config::Dpi& dpi = config.dpi;
    return {.states_max = std::min<std::size_t>(dpi.states_max, config.flow.flows_max),
            .tcp_packets_max = static_cast<std::uint8_t>(dpi.tcp_packets_max),
            .other_packets_max = static_cast<std::uint8_t>(dpi.other_packets_max),
            .budget = {.share_percent = recorded ? 100 : dpi.budget, .kept_cycles = kept_cycles},
            .populate = !recorded};
}

std::uint64_t inspection_octets(const Config& config, std::uint32_t workers) {
    if (!config.dpi.enabled) {
        return 0;
    }
    auto inspection = inspection_settings(config, false);
    inspection.flow_places = config.flow.flows_max + config.flow.flows_max / 3;
    std::uint64_t octets = inspect::Inspector::octets_for(inspection) +
                           inspect::Dissector::octets_for(dissector_settings(config, false)) +
                           inspect::ContentReader::octets_for(content_settings(config, false));
    if (wants_signatures(config.signatures)) {
        octets += inspect::Comparison::octets_for(comparison_settings(config, false));
    }
    return workers * octets;
}

inspect::ContentReader::Settings content_settings(const Config& config, bool recorded) {
    const Config::Dpi& dpi = config.dpi;
    return {.states_max = std::min<std::size_t>(dpi.states_max, config.flow.flows_max),
            .extractor = {.streams = {.window_octets = dpi.stream_octets,
                                      .windows_max = dpi.streams_max},
                          .metadata_max =
                              std::min<std::size_t>(dpi.metadata_max, config.flow.flows_max)},
            .populate = !recorded};
}

inspect::Comparison::Settings comparison_settings(const Config& config, bool recorded) {
    const Config::Dpi& dpi = config.dpi;
    inspect::Comparison::Settings settings;
    settings.states_max = std::min<std::size_t>(dpi.states_max, config.flow.flows_max);
    settings.side_octets_max = dpi.stream_octets;
    settings.histories_max = config.signatures.streams_max;
    settings.midstream = config.signatures.midstream;
    settings.populate = !recorded;
    return settings;
}

inspect::Dissector::Settings dissector_settings(const Config& config, bool recorded) {
    const Config::Dpi& dpi = config.dpi;
    return {.states_max = std::min<std::size_t>(dpi.states_max, config.flow.flows_max),
            .populate = !recorded,
            .dissectors_off = dpi.dissectors_off,
            .protocols_file = dpi.protocols_file,
            .categories_file = dpi.categories_file};
}

// Null where applications are not wanted.
Result<std::unique_ptr<inspect::Inspector>> Appliance::make_inspector(std::size_t worker,
                                                                      std::size_t flow_places) {
    if (!parts_.config.dpi.enabled) {
        return nullptr;
    }
    if (parts_.names == nullptr) {
        own_names_ = std::make_unique<inspect::ApplicationNames>();
        parts_.names = own_names_.get();
    }
    auto dissector =
        inspect::Dissector::load(dissector_settings(parts_.config, recorded()), *parts_.names);
    if (!dissector) {
        return tl::unexpected<Error>(std::move(dissector.error()));
    }
    auto settings = inspection_settings(parts_.config, recorded());
    settings.flow_places = flow_places;
    settings.outer_points = outer_points(parts_.config);
    settings.reads_contents = wants_contents();
    if (handover_ != nullptr) {
        settings.slot = &handover_->slot_of(worker);
        settings.kept_labels = &handover_->labels_of(worker);
        settings.quarantined = handover_->quarantined();
        settings.adopt = adopts(worker) && Region::is_left(*settings.kept_labels,
                                                           flow_places * sizeof(flow::Application));
    }
    auto content = make_content();
    if (!content) {
        return tl::unexpected<Error>(std::move(content.error()));
    }
    return inspect::Inspector::make(settings, std::move(*dissector), std::move(*content));
}

// Rules look at them, and outputs that have words for them tell of them.
bool Appliance::wants_contents() const {
    return signatures_ != nullptr || std::ranges::any_of(parts_.outputs, [](const auto& output) {
               return output->takes_metadata();
           });
}

Result<std::unique_ptr<inspect::ContentReader>> Appliance::make_content() {
    const auto settings = content_settings(parts_.config, recorded());
    std::unique_ptr<inspect::Comparison> comparison;
    if (signatures_ != nullptr) {
        auto made = signatures_->make_comparison(recorded());
        if (!made) {
            return tl::unexpected<Error>(std::move(made.error()));
        }
        comparison = std::move(*made);
    }
    return inspect::ContentReader::make(settings, std::move(comparison));
}

// Before the workers are made. Null where no rules are named.
Result<void> Appliance::load_signatures() {
    if (!wants_signatures(parts_.config.signatures)) {
        return {};
    }
    if (!parts_.config.dpi.enabled) {
        return failed(Error::Kind::invalid_config,
                      "signatures need dpi.enabled = true: nothing else looks into packets; leave "
                      "rule_files, address_lists and domain_lists out, or switch it on");
    }
    auto control = SignatureControl::load(parts_.config, interfaces_of(parts_.config));
    if (!control) {
        return tl::unexpected<Error>(std::move(control.error()));
    }
    signatures_ = std::move(*control);
    return {};
}

// One for each worker, where rule files are or were named: their contents may have changed. None
// is in use yet; a file that cannot be read changes nothing.
Result<std::vector<std::unique_ptr<inspect::Dissector>>> Appliance::load_dissectors(
    const Config& fresh) {
    std::vector<std::unique_ptr<inspect::Dissector>> dissectors;
    const auto names_files = [](const Config::Dpi& dpi) {
        return !dpi.protocols_file.empty() || !dpi.categories_file.empty();
    };
    if (!parts_.config.dpi.enabled ||
        (!names_files(fresh.dpi) && !names_files(parts_.config.dpi))) {
        return dissectors;
    }
    auto settings = dissector_settings(parts_.config, recorded());
    settings.protocols_file = fresh.dpi.protocols_file;
    settings.categories_file = fresh.dpi.categories_file;
    for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
        auto dissector = inspect::Dissector::load(settings, *parts_.names);
        if (!dissector) {
            return tl::unexpected<Error>(std::move(dissector.error()));
        }
        dissectors.push_back(std::move(*dissector));
    }
    parts_.config.dpi.protocols_file = fresh.dpi.protocols_file;
    parts_.config.dpi.categories_file = fresh.dpi.categories_file;
    return dissectors;
}

std::string Appliance::swap_dissectors(
    std::vector<std::unique_ptr<inspect::Dissector>> dissectors) {
    std::size_t swapped = 0;
    for (std::size_t worker = 0; worker < dissectors.size(); ++worker) {
        swapped += workers_[worker]->swap_dissector(dissectors[worker]) ? 1U : 0U;
    }
    if (swapped == dissectors.size()) {
        return swapped == 0 ? "" : "dpi: rules read again, for the flows that begin from now on\n";
    }
    return "dpi: " + std::to_string(dissectors.size() - swapped) + " of " +
           std::to_string(dissectors.size()) +
           " workers still have flows from before the last reload and keep its rules; reload again "
           "in flow.idle_timeout\n";
}

// Files may have changed, whatever the configuration says. Null: there are no signatures, before
// or now; a start decides whether there are any.
Result<std::unique_ptr<const inspect::SignatureSet>> Appliance::load_signatures_again(
    const Config& fresh) {
    if (signatures_ == nullptr || !wants_signatures(fresh.signatures)) {
        return nullptr;
    }
    auto set = signatures_->build(fresh.signatures);
    if (set) {
        if (auto checked = signatures_->check(**set); !checked) {
            return tl::unexpected<Error>(std::move(checked.error()));
        }
    }
    return set;
}

Result<std::string> Appliance::swap_signatures(std::unique_ptr<const inspect::SignatureSet> fresh) {
    if (fresh == nullptr) {
        return std::string{};
    }
    auto swapped = signatures_->swap(std::move(fresh));
    if (swapped) {
        *swapped += "\n";
    }
    return swapped;
}

std::vector<metrics::Snapshot::ApplicationTotal> Appliance::application_totals() const {
    std::vector<metrics::Snapshot::ApplicationTotal> totals;
    for (const auto& total : exporter_->applications()) {
        totals.push_back({.name = std::string(parts_.names->protocol(total.application)),
                          .packets = total.packets,
                          .octets = total.octets});
    }
    return totals;
}

}  // namespace tapmeter
