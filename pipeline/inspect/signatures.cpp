#include "pipeline/inspect/signatures.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/expects.h"
#include "pipeline/inspect/signature_match.h"

namespace tapmeter::inspect {

namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;

std::size_t slot_of(const decode::Headers& headers) noexcept {
    return headers.protocol == protocol_tcp   ? slot_tcp
           : headers.protocol == protocol_udp ? slot_udp
                                              : slot_other;
}

// A handshake's messages are one to a rule: its hello and its certificate.
std::uint16_t message_of(const Inspected& packet, const NamedOctets& named) noexcept {
    return packet.application == rules::Application::tls ? std::uint16_t{0} : named.message;
}

constexpr std::uint16_t bit_of(std::size_t buffer) noexcept {
    return static_cast<std::uint16_t>(1U << buffer);
}

}  // namespace

SignatureKit::SignatureKit(const SignatureSet& set, Prefilter::Scratch scratch)
    : set_(&set), scratch_(std::move(scratch)), candidates_(set.signatures().size()) {}

Result<std::unique_ptr<SignatureKit>> SignatureKit::make(const SignatureSet& set) {
    auto scratch = set.prefilter().make_scratch();
    if (!scratch) {
        return tl::unexpected<Error>(scratch.error());
    }
    return std::unique_ptr<SignatureKit>(new SignatureKit(set, std::move(*scratch)));
}

Signatures::Signatures(std::unique_ptr<SignatureKit> kit, std::uint16_t worker)
    : kit_(std::move(kit)), worker_(worker) {
    expects(kit_ != nullptr);
}

Signatures::~Signatures() {
    // Whatever still lies in the hand-over is nobody else's.
    const std::unique_ptr<SignatureKit> offered{offered_.exchange(nullptr)};
    const std::unique_ptr<SignatureKit> retired{retired_.exchange(nullptr)};
}

std::unique_ptr<SignatureKit> Signatures::offer(std::unique_ptr<SignatureKit> kit) noexcept {
    // Pairs with the exchange in turn_burst(): the kit is whole before the worker can see it.
    return std::unique_ptr<SignatureKit>{
        offered_.exchange(kit.release(), std::memory_order_acq_rel)};
}

std::unique_ptr<SignatureKit> Signatures::retired() noexcept {
    // Pairs with the store in turn_burst(): the worker is done with the kit.
    return std::unique_ptr<SignatureKit>{retired_.exchange(nullptr, std::memory_order_acq_rel)};
}

void Signatures::turn_burst() noexcept {
    if (offered_.load(std::memory_order_relaxed) == nullptr ||
        retired_.load(std::memory_order_acquire) != nullptr) {
        return;  // the control side has not fetched the last one yet
    }
    std::unique_ptr<SignatureKit> next{offered_.exchange(nullptr, std::memory_order_acq_rel)};
    if (next != nullptr) {
        publish_limits();
        std::swap(kit_, next);
        retired_.store(next.release(), std::memory_order_release);
        counters_.reloads.add(1);
    }
}

unsigned Signatures::inspect(const Inspected& packet, AlertRing& ring) noexcept {
    renew(packet.memory);
    passed_ = false;
    held_ = 0;
    counters_.packets.add(1);
    const PacketHeaders headers{packet};
    look_at_packet(packet, headers, ring);
    if (!packet.named.empty() && !passed_) {
        look_at_messages(packet, headers, ring);
    }
    if (passed_) {
        counters_.passed.add(1);
    }
    publish_limits();
    return held_;
}

void Signatures::look_at_packet(const Inspected& packet, const PacketHeaders& headers,
                                AlertRing& ring) noexcept {
    const decode::Headers& decoded = packet.headers;
    kit_->candidates_.clear();
    const PortIndex& every = kit_->set().every_packet(slot_of(decoded));
    if (!every.empty() && !packet.without_packet) {
        kit_->candidates_.add(every.any());
        kit_->candidates_.add(every.of(decoded.destination_port));
        kit_->candidates_.add(every.of(decoded.source_port));
    }
    const Scanned scanned = scan_payload(packet);
    weigh({.packet = packet, .headers = headers, .scanned = scanned}, ring);
}

// Most packets of a stream come in order: then its window holds the payload, and one scan does.
Signatures::Scanned Signatures::scan_payload(const Inspected& packet) noexcept {
    const Bytes payload = packet.headers.payload;
    const std::size_t slot = slot_of(packet.headers);
    const std::size_t fresh = std::min(packet.stream_fresh, packet.stream.size());
    const bool covered = packet.in_stream && fresh >= payload.size();
    const auto scan = [&](Bytes octets) {
        counters_.octets.add(octets.size());
        kit_->set().prefilter().scan(slot, octets, kit_->scratch_, kit_->candidates_);
    };
    const bool of_stream = packet.in_stream && fresh != 0;
    if (of_stream) {
        // A literal may have begun in what was scanned before.
        const std::size_t again = std::min(packet.stream.size() - fresh, literal_octets_max - 1);
        scan(packet.stream.last(fresh + again));
    }
    if (covered || payload.empty()) {
        return of_stream ? Scanned::stream : Scanned::several;
    }
    scan(payload);
    return of_stream ? Scanned::several : Scanned::payload;
}

void Signatures::look_at_messages(const Inspected& packet, const PacketHeaders& headers,
                                  AlertRing& ring) noexcept {
    auto rest = packet.named;
    while (!rest.empty() && !passed_) {
        // The parts of one message stand together.
        const std::uint16_t message = message_of(packet, rest.front());
        const auto end = std::ranges::find_if(
            rest, [&](const NamedOctets& named) { return message_of(packet, named) != message; });
        const auto parts = rest.first(static_cast<std::size_t>(end - rest.begin()));
        rest = rest.subspan(parts.size());
        kit_->candidates_.clear();
        for (const NamedOctets& part : parts) {
            counters_.octets.add(part.octets.size());
            kit_->set().prefilter().scan(inspect::slot_of(part.buffer), part.octets, kit_->scratch_,
                                         kit_->candidates_);
        }
        if (packet.memory != nullptr) {
            for (const SignatureMemory::Partial& partial : packet.memory->partials) {
                if (partial.rule != 0 && partial.message == message) {
                    kit_->candidates_.add(partial.rule - 1);
                }
            }
        }
        weigh({packet, headers, parts, message, true}, ring);
    }
}

void Signatures::weigh(const View& view, AlertRing& ring) noexcept {
    if (kit_->candidates_.empty()) {
        return;
    }
    const auto candidates = kit_->candidates_.sorted();
    counters_.candidates.add(candidates.size());
    for (const std::uint32_t index : candidates) {
        const Held held = holds(index, view);
        if (held == Held::no) {
            continue;
        }
        if (kit_->set().signatures()[index].rule.action == rules::Action::pass) {
            passed_ = true;  // this packet is nobody's business any more
            return;
        }
        matched(index, held, view, ring);
    }
}

// True where the rule looks at the stream alone and has matched in it: once is enough.
bool Signatures::is_over(std::uint32_t index, const Signature& signature,
                         const View& view) noexcept {
    return signature.payload && signature.on_stream && !signature.on_packet && !signature.named &&
           view.packet.in_stream && signature.rule.action != rules::Action::pass &&
           has_fired(view.packet.memory, index, view.packet.to_server);
}

Signatures::Held Signatures::holds(std::uint32_t index, const View& view) noexcept {
    const Signature& signature = kit_->set().signatures()[index];
    if (is_over(index, signature, view)) {
        return Held::no;
    }
    const bool meets = signature.is_bare
                           ? transport_meets(signature.rule, view.packet.headers)
                           : ends_meet(signature.rule, view.packet) &&
                                 headers_meet(signature.rule, view.packet, view.headers) &&
                                 flowbits_meet(signature, view.packet.memory);
    if (!meets) {
        return Held::no;
    }
    if (signature.named) {
        return view.in_message && message_holds(index, signature, view) ? Held::in_message
                                                                        : Held::no;
    }
    for (const BufferSteps& steps : signature.buffers) {
        bool there = false;
        if (rules::is_packet_header(steps.buffer) && !buffer_holds(steps, view, there)) {
            return Held::no;
        }
    }
    return signature.payload ? payload_holds(signature, view) : Held::in_packet;
}

Signatures::Held Signatures::payload_holds(const Signature& signature, const View& view) noexcept {
    const Inspected& packet = view.packet;
    const auto found =
        std::ranges::find(signature.buffers, rules::Buffer::payload, &BufferSteps::buffer);
    if (found == signature.buffers.end()) {
        return Held::in_packet;
    }
    const auto is_in = [&](Scanned scanned, Bytes octets) {
        return (signature.is_told && view.scanned == scanned) ||
               kit_->verifier_.matches(*found, octets);
    };
    if (signature.on_stream && packet.in_stream && packet.stream_fresh != 0 &&
        is_in(Scanned::stream, packet.stream)) {
        return Held::in_stream;
    }
    // A payload that goes into a stream is looked at there, as far as the rule allows.
    const bool tcp = packet.headers.protocol == protocol_tcp;
    const bool looks =
        !tcp || signature.on_packet || (!packet.in_stream && !signature.rule.stream_only);
    return looks && !packet.headers.payload.empty() &&
                   is_in(Scanned::payload, packet.headers.payload)
               ? Held::in_packet
               : Held::no;
}

bool Signatures::buffer_holds(const BufferSteps& steps, const View& view, bool& there) noexcept {
    if (rules::is_packet_header(steps.buffer)) {
        const Bytes octets = view.headers.of(steps.buffer);
        there = !octets.empty();
        return there && kit_->verifier_.matches(steps, octets);
    }
    if (steps.buffer == rules::Buffer::payload) {
        const bool tcp = view.packet.headers.protocol == protocol_tcp;
        const Bytes octets =
            tcp && !view.packet.stream.empty() ? view.packet.stream : view.packet.headers.payload;
        there = !octets.empty();
        return there && kit_->verifier_.matches(steps, octets);
    }
    for (const NamedOctets& part : view.named) {
        if (part.buffer != steps.buffer) {
            continue;
        }
        there = true;
        if (kit_->verifier_.matches(steps, part.octets)) {
            return true;
        }
    }
    return false;
}

// A message may come in parts: what its head has met is remembered until its body comes.
bool Signatures::message_holds(std::uint32_t index, const Signature& signature,
                               const View& view) noexcept {
    std::uint16_t met = 0;
    if (view.packet.memory != nullptr) {
        for (const SignatureMemory::Partial& partial : view.packet.memory->partials) {
            met = partial.rule == index + 1 && partial.message == view.message ? partial.met : met;
        }
    }
    bool whole = true;
    for (std::size_t i = 0; i < signature.buffers.size(); ++i) {
        if ((met & bit_of(i)) != 0) {
            continue;
        }
        bool there = false;
        const BufferSteps& steps = signature.buffers[i];
        if (buffer_holds(steps, view, there)) {
            met = static_cast<std::uint16_t>(met | bit_of(i));
        } else if (there && rules::is_named(steps.buffer)) {
            return false;
        } else {
            whole = false;
        }
    }
    if (!whole && met != 0) {
        remember(index, view, met);
    }
    return whole;
}

void Signatures::remember(std::uint32_t index, const View& view, std::uint16_t met) noexcept {
    SignatureMemory* const memory = view.packet.memory;
    if (memory == nullptr) {
        return;
    }
    auto& partials = memory->partials;
    const auto same = std::ranges::find_if(partials, [&](const SignatureMemory::Partial& partial) {
        return partial.rule == index + 1 && partial.message == view.message;
    });
    if (same != partials.end()) {
        same->met = met;
        return;
    }
    SignatureMemory::Partial& place = partials.at(memory->partials_next);
    counters_.partials_lost.add(place.rule != 0 && place.message == view.message ? 1 : 0);
    place = {index + 1, view.message, met};
    memory->partials_next =
        static_cast<std::uint8_t>((memory->partials_next + 1) % SignatureMemory::partials_max);
}

void Signatures::matched(std::uint32_t index, Held held, const View& view,
                         AlertRing& ring) noexcept {
    const Signature& signature = kit_->set().signatures()[index];
    SignatureMemory* const memory = view.packet.memory;
    // The stream's window still holds what it matched before; a handshake is one; ends stay.
    const bool handshake = view.packet.application == rules::Application::tls ||
                           view.packet.application == rules::Application::quic;
    const bool once =
        held == Held::in_stream || signature.ends_only || (held == Held::in_message && handshake);
    if (once && !fires_first(memory, index, view.packet.to_server)) {
        return;
    }
    apply_flowbits(signature, memory);
    counters_.matches.add(1);
    ++held_;
    if (signature.rule.no_alert) {
        counters_.silent.add(1);
        return;
    }
    counters_.raised.add(1);
    if (memory != nullptr) {
        note_sid(*memory, signature.rule.sid);
    }
    const decode::Headers& headers = view.packet.headers;
    if (signature.rule.threshold &&
        !thresholds_.admits({signature.rule, headers.source, headers.destination,
                             view.packet.flow_id, view.packet.at})) {
        counters_.suppressed.add(1);
        return;
    }
    raise(index, held, view, ring);
}

void Signatures::raise(std::uint32_t index, Held held, const View& view, AlertRing& ring) noexcept {
    const Inspected& packet = view.packet;
    const decode::Headers& headers = packet.headers;
    const rules::Rule& rule = kit_->set().signatures()[index].rule;
    const rules::Buffer where = held == Held::in_message && !view.named.empty()
                                    ? view.named.back().buffer
                                    : rules::Buffer::payload;
    const Alert alert{.source = headers.source,
                      .destination = headers.destination,
                      .source_port = headers.source_port,
                      .destination_port = headers.destination_port,
                      .protocol = headers.protocol,
                      .ip_version = headers.ip_version,
                      .application = packet.application,
                      .action = rule.action,
                      .gid = rule.gid,
                      .sid = rule.sid,
                      .rev = rule.rev,
                      .rule = index,
                      .generation = kit_->set().generation(),
                      .worker = worker_,
                      .observation_point = packet.observation_point,
                      .flow_id = packet.flow_id,
                      .at = packet.at,
                      .to_server = packet.to_server,
                      .severity = rule.priority,
                      .matched_in = static_cast<std::uint8_t>(rules::index_of(where))};
    const bool taken = ring.push(alert);
    (taken ? counters_.emitted : counters_.refused).add(1);
}

// What a flow remembers of another set means nothing in this one; its sids stay.
void Signatures::renew(SignatureMemory* memory) const noexcept {
    const std::uint32_t generation = kit_->set().generation();
    if (memory == nullptr || memory->generation == generation) {
        return;
    }
    memory->generation = generation;
    memory->fired_count = 0;
    memory->partials = {};
    memory->flowbits = {};
}

void Signatures::publish_limits() noexcept {
    counters_.scans_cut.set(kit_->scratch_.scans_cut());
    counters_.candidates_left_out.set(kit_->candidates_.left_out());
    counters_.gave_up.set(kit_->verifier_.gave_up());
    counters_.not_tracked.set(thresholds_.not_tracked());
}

}  // namespace tapmeter::inspect
