#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/inspect/application.h"

namespace {

using tapmeter::Bytes;
using tapmeter::expects;
using tapmeter::ObservedAt;
using tapmeter::inspect::ApplicationNames;
using tapmeter::inspect::Dissector;
using tapmeter::inspect::Metadata;

constexpr unsigned packets_max = 24;
constexpr std::size_t length_octets = 2;

// nDPI with memory for what it has at its start and so many octets: 0 lets it have all it wants.
std::unique_ptr<Dissector> dissector_with(std::size_t octets) {
    static ApplicationNames names;
    auto plenty = Dissector::load({.states_max = 1'000}, names);
    expects(plenty.has_value());
    if (octets == 0) {
        return std::move(*plenty);
    }
    auto scarce = Dissector::load(
        {.states_max = 1'000, .memory_octets = (*plenty)->octets_taken() + octets}, names);
    expects(scarce.has_value());
    return std::move(*scarce);
}

// One flow of the packets in `data`, each behind its length.
void dissect(Dissector& dissector, Bytes data) {
    std::vector<std::byte> state(Dissector::state_octets());
    Dissector::begin(state);
    auto step = Dissector::Step::more;
    for (unsigned packet = 0; packet < packets_max && data.size() > length_octets; ++packet) {
        const std::size_t wanted = tapmeter::load_be16(data.first<length_octets>());
        data = data.subspan(length_octets);
        const Bytes ip = data.first(std::min(wanted, data.size()));
        data = data.subspan(ip.size());
        step = dissector.inspect(state, ip, ObservedAt{std::chrono::seconds{packet}});
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
    const auto found = std::make_unique<Metadata>();
    const bool any = dissector.describe(state, *found);
    expects(any || found->text_used == 0);
    expects(found->text_used <= Metadata::text_octets);
    dissector.end(state);
}

}  // namespace

// The first octet chooses how much memory nDPI has.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    static const std::array dissectors{dissector_with(0), dissector_with(64), dissector_with(1'024),
                                       dissector_with(4'096)};
    const Bytes data = std::as_bytes(std::span{octets, size});
    if (!data.empty()) {
        const auto which = std::to_integer<std::size_t>(data.front()) % dissectors.size();
        dissect(*dissectors[which], data.subspan(1));
    }
    return 0;
}
