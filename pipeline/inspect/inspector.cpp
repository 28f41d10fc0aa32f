#include "pipeline/inspect/inspector.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/prefetch.h"
#include "pipeline/flow/aggregate.h"
#include "pipeline/flow/meter.h"

namespace tapmeter::inspect {

using flow::Application;
using flow::Flow;
using flow::FlowIndex;
using flow::FlowTable;
using flow::Inspection;

namespace {

// A module that has less left serves the flows that it has, and no new ones.
constexpr std::size_t dissector_reserve_octets = std::size_t{512} << 10U;

// Answers come sooner; a flow that waits longer for one has mostly said what it had to say.
constexpr Nanoseconds quiet_at_least = std::chrono::milliseconds{250};

Inspection outcome_of(const Application& label) noexcept {
    if (label.confidence == flow::Confidence::dissected) {
        return Inspection::decided;
    }
    return label.known() ? Inspection::guessed : Inspection::unknown;
}

}  // namespace

std::uint64_t Inspector::octets_for(const Settings& settings) noexcept {
    return settings.states_max * (Dissector::state_octets() + FlowStates::state_octets()) +
           settings.flow_places * sizeof(Application) +
           DatagramAssembly::octets_for(settings.datagrams);
}

Result<std::unique_ptr<Inspector>> Inspector::make(const Settings& settings,
                                                   std::unique_ptr<Dissector> dissector,
                                                   std::unique_ptr<ContentReader> content) {
    auto states = Region::reserve(
        {.octets = settings.states_max * Dissector::state_octets(), .populate = settings.populate});
    auto labels = Labels::make(
        settings.flow_places,
        {.populate = settings.populate, .kept = settings.kept_labels, .adopt = settings.adopt});
    if (!labels && labels.error().kind == Error::Kind::invalid_config) {
        return tl::unexpected<Error>(std::move(labels.error()));
    }
    if (!states || !labels) {
        return failed(Error::Kind::no_memory,
                      "no memory for the inspection of " + std::to_string(settings.states_max) +
                          " flows at one time; lower dpi.states_max, flow.flows_max or "
                          "workers.count, or set dpi.enabled = false");
    }
    auto datagrams = DatagramAssembly::reserve(settings.datagrams);
    if (!datagrams) {
        return tl::unexpected<Error>(std::move(datagrams.error()));
    }
    Parts parts{.dissector = std::move(dissector),
                .content = std::move(content),
                .states = std::move(*states),
                .labels = std::move(*labels),
                .datagrams = std::move(*datagrams)};
    return std::unique_ptr<Inspector>(new Inspector(settings, std::move(parts)));
}

Inspector::Inspector(const Settings& settings, Parts parts)
    : settings_(settings),
      dissectors_{std::move(parts.dissector), nullptr},
      budget_(settings.budget),
      state_octets_(std::move(parts.states)),
      state_stride_(Dissector::state_octets()),
      states_(settings.states_max),
      labels_(std::move(parts.labels)),
      content_(std::move(parts.content)),
      datagrams_(std::move(parts.datagrams)) {}

Inspector::~Inspector() {
    for (std::uint32_t number = 0; number < states_.size(); ++number) {
        const StateIndex index{number};
        if (states_[index].in_use && !states_[index].is_decided) {
            dissector_of(index).end(octets_of(index));
        }
    }
}

bool Inspector::swap(std::unique_ptr<Dissector>& fresh) noexcept {
    // Pairs with the release of `retired`: the worker has let go of the old dissector.
    if (swap_.load(std::memory_order_acquire) >= Swap::offered) {
        return false;
    }
    dissectors_[next_] = std::move(fresh);  // the one before the last goes here
    next_ = static_cast<std::uint8_t>(1 - next_);
    swap_.store(Swap::offered, std::memory_order_release);
    return true;
}

void Inspector::go_on_with_swap() noexcept {
    // Pairs with the release of `offered`: the new dissector is whole.
    if (swap_.load(std::memory_order_acquire) == Swap::offered) {
        current_ = static_cast<std::uint8_t>(1 - current_);
        swap_.store(Swap::retiring, std::memory_order_relaxed);
    }
    if (states_of_[1 - current_] == 0) {
        swap_.store(Swap::retired, std::memory_order_release);
    }
}

Dissector::State Inspector::octets_of(StateIndex index) const noexcept {
    return state_octets_.octets().subspan(number_of(index) * state_stride_, state_stride_);
}

void Inspector::prefetch_state(StateIndex index) const noexcept {
    const FlowState& state = states_[index];
    if (!state.is_read) {
        content_->prefetch(index);
    }
    if (state.is_decided) {
        return;
    }
    const auto octets = octets_of(index);
    for (std::size_t at = 0; at < octets.size(); at += cache_line_octets) {
        prefetch(octets.subspan(at).data());
    }
}

void Inspector::begin(FlowTable& table, FlowIndex index, std::uint8_t place) noexcept {
    ++books_.flows;
    if (!settings_.quarantined.empty() && is_quarantined(table.flow(index).key)) [[unlikely]] {
        keep(index, {.inspection = Inspection::quarantined});
        return;
    }
    if (!budget_.allows_new_flows()) {
        keep(index, {.inspection = Inspection::shed});
        return;
    }
    const ObservedAt at = place < burst_.size() ? burst_[place].observed_at : ObservedAt{};
    if (!take_state(table, index, at)) {
        keep(index, {.inspection = Inspection::no_state});
        return;
    }
    note(table.flow(index), place);
}

bool Inspector::take_state(FlowTable& table, FlowIndex index, ObservedAt at) noexcept {
    const bool memory = dissectors_[current_]->octets_left() >= dissector_reserve_octets;
    if (!memory || (!states_.any_free() && !reclaim_state(table, at))) {
        return false;
    }
    Flow& flow = table.flow(index);
    FlowState state{.last = at,
                    .flow = index,
                    .dissector = current_,
                    .in_use = true,
                    .is_read = !settings_.reads_contents};
    if (content_->comparison() != nullptr) {
        state.flow_id = flow_id_of(flow.key, table.origin(index).flow_start);
    }
    const StateIndex taken = states_.take(state);
    ++states_of_[current_];
    Dissector::begin(octets_of(taken));
    content_->begin(taken);
    flow.key.attached = number_of(taken) + 1;
    ++books_.states;
    ++books_.undecided;
    return true;
}

// A flow with a packet in the burst at hand is not quiet, whatever its state says.
bool Inspector::reclaim_state(FlowTable& table, ObservedAt at) noexcept {
    const StateIndex oldest = states_.oldest();
    const FlowState& state = states_[oldest];
    if (at - state.last < quiet_at_least || is_noted(oldest)) {
        return false;
    }
    const Marked mark(settings_.slot, Doing::ending, table.flow(state.flow).key);
    if (!state.is_decided) {
        dissector_of(oldest).give_up(octets_of(oldest));
        decide(oldest);
    }
    let_go(table, oldest);
    ++books_.reclaimed;
    return true;
}

bool Inspector::is_noted(StateIndex index) const noexcept {
    const auto noted = std::span{noted_}.first(noted_count_);
    return std::ranges::find(noted, index, &Noted::state) != noted.end();
}

// The flow's label is what it is by now.
// how  off: what the label's confidence says
void Inspector::decide(StateIndex index, Inspection how) noexcept {
    FlowState& state = states_[index];
    Application label = dissector_of(index).label(octets_of(index));
    label.inspection = how == Inspection::off ? outcome_of(label) : how;
    label.packets = state.packets;
    keep(state.flow, label);
    dissector_of(index).end(octets_of(index));
    --states_of_[state.dissector];
    state.is_decided = true;
    --books_.undecided;
}

// No packet of a flow that is decided will be looked at: its state is free.
void Inspector::let_go(FlowTable& table, StateIndex index) noexcept {
    FlowState& state = states_[index];
    Flow& flow = table.flow(state.flow);
    content_->finish(index, flow);
    const std::uint32_t metadata = content_->detach(index);
    labels_[state.flow].metadata = metadata;
    books_.described += metadata != 0 ? 1U : 0U;
    flow.key.attached = 0;
    states_.give_back(index);
    --books_.states;
}

void Inspector::settle(FlowTable& table, FlowIndex index) noexcept {
    inspect_noted(table);
    const Flow& flow = table.flow(index);
    if (flow.key.attached == 0) {
        return;
    }
    const StateIndex state{flow.key.attached - 1};
    const Marked mark(settings_.slot, Doing::ending, flow.key);
    if (!states_[state].is_decided) {
        dissector_of(state).give_up(octets_of(state));
        decide(state);
    }
    let_go(table, state);
}

void Inspector::close_turn(std::uint64_t cycles, bool pressed) noexcept {
    budget_.earn(cycles, pressed);
}

void Inspector::tell(InspectionBooks& to) noexcept {
    const Dissector& dissector = *dissectors_[current_];
    books_.dissector_octets = dissector.octets_used();
    books_.dissector_octets_left = dissector.octets_left();
    books_.dissector_refusals = dissector.allocations_refused();
    const std::size_t state_octets =
        state_stride_ + FlowStates::state_octets() + content_->state_octets();
    books_.flow_octets =
        books_.states * state_octets + dissector.octets_of_flows() + content_->octets_shared();
    if (const auto& other = dissectors_[1 - current_];
        swap_.load(std::memory_order_relaxed) == Swap::retiring) {
        books_.flow_octets += other->octets_of_flows();
    }
    books_.datagrams_joined = datagrams_.joined();
    books_.datagrams_given_up = datagrams_.given_up();
    books_.metadata_refused = content_->extractor().count_of(extract::ReadEvent::no_metadata_slot);
    if (content_->comparison() != nullptr) {
        content_->comparison()->tell(books_.signatures);
    }
    to = books_;
}

}  // namespace tapmeter::inspect
