#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/headers.h"
#include "pipeline/flow/application.h"
#include "pipeline/inspect/application_names.h"
#include "pipeline/inspect/arena.h"
#include "pipeline/inspect/known_names.h"
#include "pipeline/inspect/rules/application.h"

struct ndpi_detection_module_struct;  // nDPI's

namespace tapmeter::inspect {

// What a dissector knows of a flow: protocols and category by nDPI's numbers.
struct Told {
    std::uint64_t risks = 0;
    std::uint16_t master = 0;
    std::uint16_t application = 0;
    std::uint16_t category = 0;
    flow::Confidence confidence = flow::Confidence::unknown;
};

// nDPI, which tells a flow's application by its first packets: one detection module with memory of
// its own. All that this program knows of nDPI stands in application.cpp.
//
// nDPI is C that reads hostile octets: it is given a copy of each packet with zeros behind it, a
// time that fits, and no packet after the flow is decided. Of plain DNS queries it is asked once
// for a name, as long as that is remembered. One thread at a time; load() from one thread in the
// whole program.
class Dissector {
public:
    struct Settings {
        std::size_t states_max = 0;     // flows that are undecided at one time
        bool populate = false;          // touch every page at the start
        std::size_t memory_octets = 0;  // of the module and its flows; 0: what they may need
        // Protocols whose dissectors are not used, by nDPI's names.
        std::vector<std::string> dissectors_off{"DTLS"};
        // Protocols and categories of the operator's own, as nDPI reads them; empty: none.
        std::filesystem::path protocols_file{};
        std::filesystem::path categories_file{};
        // Of DNS queries, that are remembered with what nDPI said of them, 128 octets each: a power
        // of two; 0: none. None are with files of the operator's own, nor with nDPI 4.4 and later,
        // of which an answer's addresses may tell other flows.
        std::size_t known_names = 8'192;
    };

    // names   learns what this module calls its protocols; outlives the dissector
    // errors  no_memory; invalid_config, with file and line of what cannot be read, or the name
    //         that is no protocol
    static Result<std::unique_ptr<Dissector>> load(const Settings& settings,
                                                   ApplicationNames& names);
    ~Dissector();

    // Memory that load() takes.
    static std::uint64_t octets_for(const Settings& settings) noexcept;
    Dissector(const Dissector&) = delete;
    Dissector& operator=(const Dissector&) = delete;

    // A flow's state: so many octets, which begin() makes and end() empties. A whole number of the
    // largest unit that a state is made of: they may stand in an array.
    using State = std::span<std::byte>;
    static std::size_t state_octets() noexcept;
    static void begin(State state) noexcept;
    void end(State state) noexcept;

    enum class Step : std::uint8_t {
        more,     // not known yet
        refine,   // known; more packets may tell more
        decided,  // known, and no packet will tell more
        hopeless  // no packet will tell
    };

    // Looks at the next packet of the flow, in either direction. One of another transport than the
    // ones before is not looked at, and ends the flow's inspection: hopeless.
    Step inspect(State state, const decode::Headers& headers, ObservedAt at) noexcept;

    // No more packets: what ports, addresses and earlier flows tell, where packets told nothing.
    void give_up(State state) noexcept;

    // What packets have told the flow to speak by now, as rules call it: no guess, and what carries
    // the application rather than what is carried.
    rules::Application spoken(State state) const noexcept;

    // What is known of the flow by now. Category, risks and score included; how the inspection
    // went is the caller's to say.
    flow::Application label(State state) const noexcept;

    // Memory that flows and the module's own caches may still take, beside what is out already.
    std::size_t octets_left() const noexcept { return arena_.left(); }
    std::size_t octets_taken() const noexcept { return arena_.taken(); }
    std::size_t octets_used() const noexcept { return arena_.used(); }
    // Of those used, what came behind load(): flows' blocks, and what caches have grown.
    std::size_t octets_of_flows() const noexcept {
        return octets_used() - std::min(octets_used(), module_octets_);
    }
    std::uint64_t allocations_refused() const noexcept { return arena_.refused(); }

    static std::string version();

private:
    Dissector(Arena arena, std::size_t known_names)
        : arena_(std::move(arena)), names_(known_names) {}

    Result<void> make_module(const Settings& settings, ApplicationNames& names);
    void learn_names(ApplicationNames& names);

    static std::uint64_t arena_octets_for(const Settings& settings) noexcept;
    static std::size_t known_names_for(const Settings& settings) noexcept;
    std::optional<Step> tell(State state, const decode::Headers& headers,
                             std::int64_t milliseconds) noexcept;
    std::optional<Step> tell_query(State state, const decode::Headers& headers,
                                   std::int64_t milliseconds, std::string_view name) noexcept;
    void learn(State state, const AskedName& asked, std::uint64_t hash) noexcept;
    void show_held(State state) noexcept;

    // Of a DNS flow, all that a label may depend on beside the name.
    std::uint16_t circumstances_of(const decode::Headers& headers) const noexcept;
    // Whether flows behind this one are told by what nDPI keeps of it.
    static bool tells_other_flows(const Told& told) noexcept;
    Told told_in_the_end(State state) noexcept;
    Step ask(State state, Bytes ip, std::int64_t milliseconds) noexcept;

    Arena arena_;
    std::size_t module_octets_ = 0;  // used by a module without flows
    ndpi_detection_module_struct* module_ = nullptr;
    std::vector<std::byte> packet_;           // the copy that nDPI sees
    std::vector<std::byte> held_;             // a flow's packets on their way to nDPI
    std::vector<std::uint16_t> numbers_;      // nDPI's protocol numbers to ours
    std::vector<rules::Application> spoken_;  // and to what rules call them
    KnownNames<Told> names_;
};

}  // namespace tapmeter::inspect
