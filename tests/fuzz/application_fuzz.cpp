#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/inspect/application.h"
#include "tests/pipeline/inspect/dissecting.h"

namespace {

using tapmeter::Bytes;
using tapmeter::expects;
using tapmeter::ObservedAt;
using tapmeter::inspect::ApplicationNames;
using tapmeter::inspect::Dissector;

constexpr unsigned packets_max = 24;
constexpr std::size_t head_octets = 3;  // kind and length of a packet

constexpr std::array<std::uint16_t, 8> ports{53, 80, 443, 22, 5060, 3478, 6000, 25};

void put16(std::vector<std::byte>& to, std::size_t value) {
    to.push_back(static_cast<std::byte>(value >> 8U));
    to.push_back(static_cast<std::byte>(value));
}

// An IPv4 packet with this payload, so that the octets to be tried reach the dissectors. Bits of
// `kind`: 0 UDP, else TCP; 1 from the responder; 2 to 4 the responder's port; 7: as it stands.
std::vector<std::byte> packet_of(unsigned kind, Bytes payload) {
    if ((kind & 0x80U) != 0) {
        return {payload.begin(), payload.end()};
    }
    const bool tcp = (kind & 1U) == 0;
    const bool answer = (kind & 2U) != 0;
    const std::uint16_t port = ports.at((kind >> 2U) & 7U);
    std::vector<std::byte> packet{std::byte{0x45}, std::byte{0}};
    const std::size_t transport_octets = tcp ? 20 : 8;
    put16(packet, 20 + transport_octets + payload.size());
    put16(packet, 1);
    put16(packet, 0);
    put16(packet, 0x4000U | (tcp ? 6U : 17U));
    put16(packet, 0);
    for (const bool second : {answer, !answer}) {
        put16(packet, 0x0a00);
        put16(packet, second ? 2 : 1);
    }
    put16(packet, answer ? port : 40'000);
    put16(packet, answer ? 40'000 : port);
    if (tcp) {
        for (const unsigned word : {0U, 1U, 0U, 1U, 0x5018U, 1'024U, 0U, 0U}) {
            put16(packet, word);
        }
    } else {
        put16(packet, 8 + payload.size());
        put16(packet, 0);
    }
    packet.insert(packet.end(), payload.begin(), payload.end());
    return packet;
}

ApplicationNames& names() {
    static ApplicationNames all;
    return all;
}

// Which knows no names: it asks nDPI for each flow.
std::unique_ptr<Dissector> dissector_without_names() {
    auto dissector = Dissector::load({.states_max = 1'000, .known_names = 0}, names());
    expects(dissector.has_value());
    return std::move(*dissector);
}

// nDPI with memory for what it has at its start and so many octets: 0 lets it have all it wants.
std::unique_ptr<Dissector> dissector_with(std::size_t octets) {
    auto plenty = Dissector::load({.states_max = 1'000}, names());
    expects(plenty.has_value());
    if (octets == 0) {
        return std::move(*plenty);
    }
    auto scarce = Dissector::load(
        {.states_max = 1'000, .memory_octets = (*plenty)->octets_taken() + octets}, names());
    expects(scarce.has_value());
    return std::move(*scarce);
}

// What one flow of the packets in `data` is, each behind its kind and length.
tapmeter::flow::Application dissect(Dissector& dissector, Bytes data) {
    std::vector<std::byte> state(Dissector::state_octets());
    Dissector::begin(state);
    auto step = Dissector::Step::more;
    for (unsigned number = 0; number < packets_max && data.size() > head_octets; ++number) {
        const auto kind = std::to_integer<unsigned>(data.front());
        const std::size_t wanted = tapmeter::load_be16(data.subspan<1, 2>());
        data = data.subspan(head_octets);
        const Bytes payload = data.first(std::min(wanted, data.size()));
        data = data.subspan(payload.size());
        const auto packet = packet_of(kind, payload);
        step = dissector.inspect(state, tapmeter::testing::headers_of(packet),
                                 ObservedAt{std::chrono::seconds{number}});
        if (step == Dissector::Step::decided || step == Dissector::Step::hopeless) {
            break;
        }
    }
    if (step == Dissector::Step::more) {
        dissector.give_up(state);
    }
    const auto label = dissector.label(state);
    expects(label.known() == (label.confidence != tapmeter::flow::Confidence::unknown) ||
            label.known());
    dissector.end(state);
    return label;
}

}  // namespace

// The first octet chooses how much memory nDPI has. With all that it wants, the names that a
// dissector knows must make no difference.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    static const std::array dissectors{dissector_with(0), dissector_with(64), dissector_with(1'024),
                                       dissector_with(4'096)};
    const Bytes data = std::as_bytes(std::span{octets, size});
    if (!data.empty()) {
        const auto which = std::to_integer<std::size_t>(data.front()) % dissectors.size();
        const auto label = dissect(*dissectors[which], data.subspan(1));
        if (which == 0) {
            static const auto plain = dissector_without_names();
            const auto told = dissect(*plain, data.subspan(1));
            expects(told.master == label.master && told.application == label.application &&
                    told.category == label.category && told.risks == label.risks);
        }
    }
    return 0;
}
