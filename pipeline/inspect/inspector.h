#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>

#include "pipeline/base/packet.h"
#include "pipeline/base/region.h"
#include "pipeline/decode/outer_points.h"
#include "pipeline/flow/flow_array.h"
#include "pipeline/flow/flow_table.h"
#include "pipeline/inspect/application.h"
#include "pipeline/inspect/content_reader.h"
#include "pipeline/inspect/crash_slot.h"
#include "pipeline/inspect/cycle_budget.h"
#include "pipeline/inspect/datagram_assembly.h"
#include "pipeline/inspect/flow_states.h"
#include "pipeline/inspect/inspected_packet.h"
#include "pipeline/inspect/inspection_books.h"

namespace tapmeter::inspect {

// Which packets of a worker are worth inspecting: those of flows whose application is not known
// yet, as long as states, packets and cycles last. The flow itself says so: FlowKey::attached is
// its state and zero for all others, so they cost nothing here.
//
// States are few. Where none is free, the flow that has been quiet for longest gives its own back,
// if it has been quiet for long: most flows that tell nothing say no more after that.
//
// A flow is inspected until its application is known and its packets tell nothing more: nDPI and
// the reader of contents end each at its own time, and the state goes with the last of them.
//
// What a datagram carries is looked into once all of its fragments are there; of each by itself
// only the headers are.
//
// Packets are noted while the burst is metered and inspected behind it. A flow that leaves in
// between has its packets inspected first: where a burst ends changes no label.
class Inspector {
public:
    struct Settings {
        std::size_t states_max = 65'536;  // undecided flows at one time; the next are not inspected
        std::uint8_t tcp_packets_max = 24;  // of a flow; then what is known has to do
        std::uint8_t other_packets_max = 16;
        CycleBudget::Settings budget{};
        DatagramAssembly::Settings datagrams{};
        std::size_t flow_places = 0;  // of the worker's table
        OuterPoints outer_points{};   // as the worker's
        bool populate = false;        // touch every page at the start
        bool reads_contents = true;   // false: nobody tells of them, and there are no signatures
        // Both outlive the inspector; null: nobody will come after it.
        CrashSlot* slot = nullptr;
        const KeptMemory* kept_labels = nullptr;
        bool adopt = false;  // the labels that are kept; adopt() belongs next
        // Flows whose inspection ended the process before: they are left alone.
        std::span<const flow::FlowKey> quarantined{};
    };
    // errors  no_memory, naming what to lower; invalid_config  kept labels are others' in size
    // content  of as many states
    static Result<std::unique_ptr<Inspector>> make(const Settings& settings,
                                                   std::unique_ptr<Dissector> dissector,
                                                   std::unique_ptr<ContentReader> content);
    ~Inspector();

    // Memory that make() takes, without the dissector's and the reader's.
    static std::uint64_t octets_for(const Settings& settings) noexcept;
    Inspector(const Inspector&) = delete;
    Inspector& operator=(const Inspector&) = delete;

    // The burst that the next functions speak of by place. Its views stay valid until the burst is
    // given back.
    void look_at(std::span<const Packet> burst) noexcept {
        burst_ = burst;
        if (swap_.load(std::memory_order_relaxed) >= Swap::offered) [[unlikely]] {
            go_on_with_swap();
        }
        if (content_->comparison() != nullptr) {
            content_->comparison()->turn_burst();
        }
    }

    // Control side, one thread at a time: other rules for the flows that begin from the worker's
    // next turn on. Flows under way keep the dissector that they have; it goes when they have.
    // False, and `fresh` stays the caller's: the flows of the last swap are still under way.
    bool swap(std::unique_ptr<Dissector>& fresh) noexcept;

    // The flows that an earlier process left in the table: each keeps its label, as far as it is
    // numbers. Those that were undecided are not looked into again; what was found in them is gone.
    void adopt(flow::FlowTable& table) noexcept;

    // A flow has begun. `place` of its first packet in the burst; Observation::no_place: counted
    // elsewhere, never seen.
    void begin(flow::FlowTable& table, flow::FlowIndex index, std::uint8_t place) noexcept;

    // One more packet of a flow whose key.attached is not zero. A packet that is not in the burst,
    // as a fragment that waited for its first, is metered and not inspected by itself.
    void note(const flow::Flow& flow, std::uint8_t place) noexcept {
        if (place < burst_.size() && noted_count_ < noted_.size()) {
            const StateIndex state{flow.key.attached - 1};
            states_.prefetch(state);
            noted_[noted_count_++] = {.state = state, .place = place};
        }
    }

    // A fragment that is metered later, behind its datagram's first: what it carries is kept, so
    // that the datagram becomes whole with those that come.
    void keep_part(const decode::Headers& headers, ObservedAt at) noexcept;

    // Inspects what was noted.
    void inspect_noted(flow::FlowTable& table) noexcept;

    // The flow leaves: what has to do is settled. Its label is read afterwards, then forgotten.
    void settle(flow::FlowTable& table, flow::FlowIndex index) noexcept;
    void forget(flow::FlowIndex index) noexcept;

    // The label by now; of an undecided flow what is known so far.
    flow::Application label(const flow::Flow& flow, flow::FlowIndex index) const noexcept;

    // What was counted so far.
    void tell(InspectionBooks& to) noexcept;

    // What was found in the flow so far beside its label; null: nothing. Valid until forget().
    const Metadata* metadata(const flow::Flow& flow, flow::FlowIndex index) noexcept;

    // Shows alerts to the exporter core.
    void publish_alerts() noexcept {
        if (content_->comparison() != nullptr) {
            content_->comparison()->publish();
        }
    }

    // The flow table is about to grow to so many places: takes memory for them. False: there is
    // none, and the table has to stay as it is.
    bool prepare(std::size_t flow_places);
    // It has grown, after a prepare(). moved  as FlowTable::take_over says
    void follow(std::span<const flow::FlowIndex> moved) noexcept;

    // How much is given up: 0 nothing, 1 most of it, 2 all.
    void shed(unsigned steps) noexcept { budget_.shed(steps); }

    // The end of a turn, which took so many cycles in all. `pressed`: more packets wait.
    void close_turn(std::uint64_t cycles, bool pressed) noexcept;

private:
    // Who has the word in a swap: `offered` and `retired` are written by one side when it has done
    // its part, and release what it has written.
    enum class Swap : std::uint8_t {
        none,      // control side: there was no swap
        retired,   // control side: the old one may go
        offered,   // worker: the other one is to be taken
        retiring,  // worker: flows of the old one are under way
    };
    using Labels = flow::FlowArray<flow::Application>;  // zeroed memory: empty labels
    struct Noted {
        StateIndex state{};
        std::uint8_t place = 0;
    };

    struct Parts {
        std::unique_ptr<Dissector> dissector;
        std::unique_ptr<ContentReader> content;
        Region states;
        Labels labels;
        DatagramAssembly datagrams;
    };
    Inspector(const Settings& settings, Parts parts);

    void go_on_with_swap() noexcept;
    Dissector& dissector_of(StateIndex index) const noexcept {
        return *dissectors_[states_[index].dissector];
    }
    Dissector::State octets_of(StateIndex index) const noexcept;
    void prefetch_state(StateIndex index) const noexcept;
    bool is_quarantined(const flow::FlowKey& key) const noexcept;
    bool take_state(flow::FlowTable& table, flow::FlowIndex index, ObservedAt at) noexcept;
    bool reclaim_state(flow::FlowTable& table, ObservedAt at) noexcept;
    bool is_noted(StateIndex index) const noexcept;
    void inspect_one(flow::FlowTable& table, const Noted& noted) noexcept;
    void look_into(InspectedPacket& packet, const Marked& mark) noexcept;
    void look_into_whole(InspectedPacket packet, const flow::Flow& flow,
                         const Marked& mark) noexcept;
    void compare(const InspectedPacket& packet, bool more_facts) noexcept;
    void dissect(const InspectedPacket& packet) noexcept;
    std::uint8_t packets_max(const decode::Headers& headers) const noexcept;
    void shed_noted(flow::FlowTable& table) noexcept;
    void spend_since(std::uint64_t began) noexcept;
    void decide(StateIndex index, flow::Inspection how = flow::Inspection::off) noexcept;
    void let_go(flow::FlowTable& table, StateIndex index) noexcept;
    void keep(flow::FlowIndex index, const flow::Application& label) noexcept;

    Settings settings_;
    std::array<std::unique_ptr<Dissector>, 2> dissectors_;
    std::array<std::size_t, 2> states_of_{};  // undecided flows of each
    std::uint8_t current_ = 0;                // the one for flows that begin
    std::uint8_t next_ = 1;                   // control side's: where the next one goes
    std::atomic<Swap> swap_{Swap::none};
    InspectionBooks books_{};
    CycleBudget budget_;
    Region state_octets_;
    std::size_t state_stride_;
    FlowStates states_;
    Labels labels_;
    Labels labels_ahead_;  // of prepare(), for the larger table
    std::unique_ptr<ContentReader> content_;
    DatagramAssembly datagrams_;
    decode::Tunnels tunnels_{};
    std::span<const Packet> burst_;
    std::array<Noted, burst_packets_max> noted_{};
    std::size_t noted_count_ = 0;
};

}  // namespace tapmeter::inspect
