// The part of Inspector that keeps what became known of flows, also for the next process.

#include <algorithm>
#include <utility>

#include "pipeline/flow/aggregate.h"
#include "pipeline/inspect/inspector.h"

namespace tapmeter::inspect {

using flow::Application;
using flow::Flow;
using flow::FlowBucket;
using flow::FlowIndex;
using flow::FlowTable;
using flow::Inspection;

namespace {

// A label of an inspection that has ended, as keep() leaves one. Whoever ends badly may have left
// any octets.
bool is_sound(const Application& label) noexcept {
    return label.inspection > Inspection::undecided && label.inspection < Inspection::count &&
           label.confidence < flow::Confidence::count;
}

}  // namespace

void Inspector::keep(FlowIndex index, const Application& label) noexcept {
    labels_[index] = label;
    ++books_.ended[static_cast<std::size_t>(label.inspection)];
    ++books_.labels[static_cast<std::size_t>(label.confidence)];
}

void Inspector::forget(FlowIndex index) noexcept {
    Application& label = labels_[index];
    if (label.inspection != Inspection::off) {
        if (label.metadata != 0) {
            content_->forget(label.metadata);
        }
        label = {};
    }
}

Application Inspector::label(const Flow& flow, FlowIndex index) const noexcept {
    const StateIndex state{flow.key.attached - 1};
    if (flow.key.attached == 0 || states_[state].is_decided) {
        return labels_[index];
    }
    Application so_far = dissector_of(state).label(octets_of(state));
    so_far.inspection = Inspection::undecided;
    so_far.packets = states_[state].packets;
    return so_far;
}

const Metadata* Inspector::metadata(const Flow& flow, FlowIndex index) noexcept {
    if (flow.key.attached != 0) {
        return content_->metadata(StateIndex{flow.key.attached - 1});
    }
    const std::uint32_t number = labels_[index].metadata;
    return number == 0 ? nullptr : &content_->metadata_at(number);
}

bool Inspector::prepare(std::size_t flow_places) {
    auto ahead = Labels::make(flow_places, {.populate = settings_.populate});
    if (ahead) {
        labels_ahead_ = std::move(*ahead);
    }
    return ahead.has_value();
}

void Inspector::follow(std::span<const FlowIndex> moved) noexcept {
    const Labels before = std::exchange(labels_, std::exchange(labels_ahead_, {}));
    labels_.take_over(before, moved);
    for (std::uint32_t number = 0; number < states_.size(); ++number) {
        if (FlowState& state = states_[StateIndex{number}]; state.in_use) {
            state.flow = moved[number_of(state.flow)];
        }
    }
}

bool Inspector::is_quarantined(const flow::FlowKey& key) const noexcept {
    return std::ranges::find(settings_.quarantined, key) != settings_.quarantined.end();
}

void Inspector::adopt(FlowTable& table) noexcept {
    for (std::size_t place = 0; place < table.places(); ++place) {
        const std::size_t bucket = place / FlowBucket::ways;
        const std::size_t way = place % FlowBucket::ways;
        const FlowIndex index = FlowTable::index_of(bucket, way);
        Application label = labels_[index];
        labels_[index] = {};
        if (table.bucket(bucket).tags[way] == 0 || is_aggregate(table.flow(index).key)) {
            continue;
        }
        label.metadata = 0;
        if (!is_sound(label)) {
            label = {.inspection = Inspection::interrupted};
        }
        if (is_quarantined(table.flow(index).key)) {
            label.inspection = Inspection::quarantined;
        }
        ++books_.flows;
        keep(index, label);
    }
}

}  // namespace tapmeter::inspect
