#include "pipeline/shunts.h"

#include <algorithm>
#include <bit>

#include "pipeline/decode/tunnel.h"

namespace tapmeter {

using flow::Flow;
using flow::Train;

namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_esp = 50;

// A cut that never comes: 146 years.
constexpr ObservedAt never{Nanoseconds{std::int64_t{1} << 62U}};

// Behind one key of a tunnel's port there may be packets of many flows: they must be looked at.
bool may_be_tunnel(const flow::FlowKey& key) noexcept {
    return key.protocol == protocol_udp &&
           (decode::is_tunnel_port(key.low_port) || decode::is_tunnel_port(key.high_port));
}

// What bpf/shunt.h reads. Ports of 0 both are those of fragments, which are never shunted.
bool fits(const flow::FlowKey& key) noexcept {
    if (may_be_tunnel(key)) {
        return false;
    }
    const bool has_ports = key.low_port != 0 || key.high_port != 0;
    return ((key.protocol == protocol_tcp || key.protocol == protocol_udp) && has_ports) ||
           key.protocol == protocol_esp;
}

ShuntKey octets_of(const flow::FlowKey& key) noexcept {
    return std::bit_cast<ShuntKey>(key);
}

void join(Train& train, const Train& more) noexcept {
    if (train.last == ObservedAt{} || more.last == ObservedAt{}) {
        train.first = std::max(train.first, more.first);
        train.type_of_service |= more.type_of_service;
    } else if (more.first < train.first) {
        train.first = more.first;
        train.type_of_service = more.type_of_service;
    }
    train.last = std::max(train.last, more.last);
    train.ttl_min = std::min(train.ttl_min, more.ttl_min);
    train.tcp_control_bits |= more.tcp_control_bits;
    train.side.packets += more.side.packets;
    train.side.octets += more.side.octets;
    train.side.layer2_octets += more.side.layer2_octets;
}

constexpr std::uint16_t later(std::uint16_t turn, unsigned turns) noexcept {
    return static_cast<std::uint16_t>(turn + turns);
}

}  // namespace

Shunts::Shunts(const Settings& settings, WorkerBooks& books) : settings_(settings), books_(books) {
    if (settings_.door == nullptr) {
        return;
    }
    const std::uint32_t slots = settings_.door->slots();
    slots_.resize(first_slot + std::size_t{slots});
    free_.reserve(slots);
    for (std::uint32_t number = slots; number >= first_slot; --number) {
        free_.push_back(static_cast<std::uint16_t>(number));
    }
}

void Shunts::begin(flow::FlowIndex index, Flow& flow) noexcept {
    flow.state |= flow::state::shunted;
    if (settings_.door == nullptr) {
        ++books_.flows_shunted;
        return;
    }
    if (!fits(flow.key) || has_ended(flow)) {
        return;
    }
    if (free_.empty()) {
        ++books_.shunts_refused;
        return;
    }
    const std::uint16_t number = free_.back();
    free_.pop_back();
    Slot& slot = slots_[number];
    slot.key = bare(flow.key);
    slot.flow = index;
    slot.in_use = true;
    slot.leaving = false;
    // Two turns on from all that the flow before may have counted: marks of its own.
    set_cut(number, flow.start + settings_.active, later(slot.turn, 2));
    flow.shunt_slot = number;
    settings_.door->enter(number - first_slot, octets_of(flow.key));
    ++books_.flows_shunted;
    ++in_use_;
}

void Shunts::leave(Flow& flow) noexcept {
    if (flow.shunt_slot == 0 || slots_[flow.shunt_slot].leaving) {
        return;
    }
    slots_[flow.shunt_slot].leaving = true;
    settings_.door->leave(flow.shunt_slot - first_slot, octets_of(flow.key));
}

Traffic Shunts::fold(Flow& flow) noexcept {
    const std::uint32_t number = flow.shunt_slot;
    Slot& slot = slots_[number];
    const bool last_counts = is_gone(number);  // asked before they are read
    Traffic folded = fold_turn(number, slot.turn, flow);
    if (slot.record_cut) {
        folded += fold_turn(number, later(slot.turn, 1), flow);
    }
    if (last_counts && !holds_more(number, later(slot.turn, 1))) {
        const bool refused = settings_.door->state(number - first_slot) == ShuntState::refused;
        books_.shunts_refused += refused ? 1U : 0U;
        flow.shunt_slot = 0;
        if (!refused) {
            flow.state = static_cast<std::uint8_t>(flow.state & ~flow::state::shunted);
        }
        release(number);
        return folded;
    }
    if ((flow.state & flow::state::empty) == 0 && flow.start + settings_.active != slot.cut) {
        set_cut(number, flow.start + settings_.active, later(slot.turn, slot.record_cut ? 1 : 0));
    }
    return folded;
}

Train Shunts::take(std::uint32_t number, std::uint16_t turn, std::uint32_t sender) noexcept {
    const auto counts = settings_.door->read(number - first_slot, turn, sender);
    Traffic& seen = slots_[number].seen[turn % ShuntDoor::parts][sender];
    if (!counts || counts->packets == seen.packets) {
        return {};
    }
    const Train train{.side = {.packets = {counts->packets - seen.packets},
                               .octets = {counts->octets - seen.octets},
                               .layer2_octets = {counts->layer2_octets - seen.layer2_octets}},
                      .first = counts->first,
                      .last = counts->last,
                      .tcp_control_bits = counts->tcp_control_bits,
                      .type_of_service = counts->type_of_service,
                      .ttl_min = counts->ttl_min};
    seen = {.packets = counts->packets,
            .octets = counts->octets,
            .layer2_octets = counts->layer2_octets};
    return train;
}

bool Shunts::holds_more(std::uint32_t number, std::uint16_t turn) const noexcept {
    for (std::uint32_t sender = 0; sender < ShuntDoor::senders; ++sender) {
        const auto counts = settings_.door->read(number - first_slot, turn, sender);
        const Traffic& seen = slots_[number].seen[turn % ShuntDoor::parts][sender];
        if (!counts || counts->packets != seen.packets) {
            return true;
        }
    }
    return false;
}

Traffic Shunts::fold_turn(std::uint32_t number, std::uint16_t turn, Flow& flow) noexcept {
    Traffic folded;
    for (std::uint32_t sender = 0; sender < ShuntDoor::senders; ++sender) {
        Train train = take(number, turn, sender);
        if (train.side.packets == Packets{}) {
            continue;
        }
        if (train.last == ObservedAt{}) {  // late ones of a turn that is over
            train.first = flow.last;
            train.last = flow.last;
        } else if ((flow.state & flow::state::empty) != 0 && turn == slots_[number].turn) {
            train.first = train.last;  // the turn's first packet was in the record before
        }
        update(flow, static_cast<flow::Sender>(sender), train);
        folded += {.packets = train.side.packets.value,
                   .octets = train.side.octets.value,
                   .layer2_octets = train.side.layer2_octets.value};
    }
    return folded;
}

void Shunts::after_cut(Flow& flow) noexcept {
    if (flow.shunt_slot != 0) {
        slots_[flow.shunt_slot].record_cut = true;
    } else if (settings_.door != nullptr) {
        flow.state = static_cast<std::uint8_t>(flow.state & ~flow::state::shunted);
    }
}

void Shunts::end(Flow& flow) noexcept {
    if (flow.shunt_slot == 0) {
        books_.flows_unshunted += settings_.door == nullptr ? 1U : 0U;
        return;
    }
    leave(flow);
    Slot& slot = slots_[flow.shunt_slot];
    slot.flow = flow::no_flow;
    if (!is_gone(flow.shunt_slot)) {
        set_cut(flow.shunt_slot, never, later(slot.turn, 2));  // marks of their own
    }
    flow.shunt_slot = 0;
}

Shunts::Orphan Shunts::last_of_orphan(std::uint32_t number) noexcept {
    const Slot& slot = slots_[number];
    Orphan orphan{.key = slot.key, .trains = {}};
    for (const std::uint16_t turn : {slot.turn, later(slot.turn, 1)}) {
        for (std::uint32_t sender = 0; sender < ShuntDoor::senders; ++sender) {
            join(orphan.trains[sender], take(number, turn, sender));
        }
    }
    release(number);
    return orphan;
}

void Shunts::set_cut(std::uint32_t number, ObservedAt cut, std::uint16_t turn) noexcept {
    slots_[number].cut = cut;
    slots_[number].turn = turn;
    slots_[number].record_cut = false;
    settings_.door->set_cut(number - first_slot, cut, turn);
}

void Shunts::release(std::uint32_t number) noexcept {
    slots_[number].in_use = false;
    slots_[number].flow = flow::no_flow;
    free_.push_back(static_cast<std::uint16_t>(number));
    --in_use_;
    ++books_.flows_unshunted;
}

bool Shunts::is_gone(std::uint32_t number) const noexcept {
    const ShuntState state = settings_.door->state(number - first_slot);
    return finished_ || state == ShuntState::gone || state == ShuntState::refused;
}

bool Shunts::pass_is_due(ObservedAt now) noexcept {
    if (next_ < slots_.size()) {
        return true;
    }
    if (now - pass_began_ < settings_.interval && now >= pass_began_) {
        return false;
    }
    pass_began_ = now;
    next_ = first_slot;
    return true;
}

}  // namespace tapmeter
