// The part of Dissector that need not ask nDPI: what nDPI says of a plain DNS query depends on its
// name, and on networks that it knows the owners of; a plain response adds nothing. What it said of
// the name before is the flow's.

#include "pipeline/inspect/application.h"
#include "pipeline/inspect/dissector_state.h"

namespace tapmeter::inspect {

// Nothing: nDPI has to see the packet; those before it, it has seen.
std::optional<Dissector::Step> Dissector::tell(State state, const decode::Headers& headers,
                                               std::int64_t milliseconds) noexcept {
    using Part = DnsOpening::Part;
    Waiting& waiting = waiting_in(state);
    PlainName room;  // NOLINT(*-member-init): written before it is read
    std::string_view name;
    switch (waiting.opening.take(headers, room, name)) {
        case Part::handshake:
            if (packets_held(state).hold(headers.ip, milliseconds)) {
                return Step::more;
            }
            break;
        case Part::query:
            return tell_query(state, headers, milliseconds, name);
        case Part::response:
            if (AskedName{name, waiting.circumstances}.hash() == waiting.name_hash) {
                return Step::decided;
            }
            break;
        case Part::odd:
            break;
    }
    show_held(state);
    return {};
}

std::optional<Dissector::Step> Dissector::tell_query(State state, const decode::Headers& headers,
                                                     std::int64_t milliseconds,
                                                     std::string_view name) noexcept {
    Kept& kept = kept_in(state);
    Waiting& waiting = waiting_in(state);
    const bool first = kept.way == Way::held;
    if (first) {
        waiting.circumstances = circumstances_of(headers);
    }
    const AskedName asked{name, waiting.circumstances};
    const std::uint64_t hash = asked.hash();
    if (!first) {
        constexpr std::uint8_t queries_max = 5;  // nDPI looks into no more than one packet behind
        if (hash == waiting.name_hash && ++waiting.queries <= queries_max &&
            packets_held(state).hold(headers.ip, milliseconds)) {
            return Step::refine;
        }
        show_held(state);
        return {};
    }
    const Told* const known = names_.find(asked, hash);
    if (known != nullptr && packets_held(state).hold(headers.ip, milliseconds)) {
        kept.way = Way::by_name;
        waiting.name_hash = hash;
        waiting.queries = 1;
        kept.told = *known;
        return Step::refine;
    }
    show_held(state);
    const Step step = ask(state, headers.ip, milliseconds);
    if (step == Step::refine && known == nullptr) {
        learn(state, asked, hash);
    }
    return step;
}

// What nDPI has just said of the flow is what it will say of others that ask for this name.
void Dissector::learn(State state, const AskedName& asked, std::uint64_t hash) noexcept {
    const Told& told = kept_in(state).told;
    if (told.confidence == flow::Confidence::dissected && !tells_other_flows(told)) {
        names_.learn(asked, hash, told_in_the_end(state));
    }
}

// There is more to the flow than a name: nDPI sees what it was spared.
void Dissector::show_held(State state) noexcept {
    std::uint16_t used = waiting_in(state).held_octets;
    const auto held = std::span{held_}.first(used);
    std::ranges::copy(state.subspan(sizeof(Kept) + sizeof(Waiting), used), held.begin());
    begin(state);
    kept_in(state).way = Way::asked;
    HeldPackets(held, used).for_each([this, state](Bytes packet, std::int64_t milliseconds) {
        ask(state, packet, milliseconds);
    });
}

}  // namespace tapmeter::inspect
