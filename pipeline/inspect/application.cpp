#include "pipeline/inspect/application.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pipeline/base/expects.h"
#include "pipeline/inspect/dissector_state.h"
#include "pipeline/inspect/ndpi_adapter.h"
#include "pipeline/inspect/rule_file.h"

namespace tapmeter::inspect {

namespace {

// The longest packet that nDPI can be told of, and zeros behind it for what it reads too far.
constexpr std::size_t packet_octets_max = 65'535;
constexpr std::size_t zeros_behind = 64;

// A module of 4.2 takes some 6 MB in small blocks; its caches, and a flow's strings, come on top.
constexpr std::size_t module_octets = std::size_t{16} << 20U;
constexpr std::size_t octets_per_state = 256;

constexpr std::uint8_t tcp = 6;

// nDPI asks for memory through functions of the process, without saying for whom: each call into
// it says so first.
thread_local Arena* arena_in_use = nullptr;

void* allocate(std::size_t octets) noexcept {
    return arena_in_use->allocate(octets);
}

void release(void* block) noexcept {
    arena_in_use->release(block);
}

bool hook_allocations() noexcept {
    set_ndpi_malloc(allocate);
    set_ndpi_free(release);
    set_ndpi_flow_malloc(allocate);
    set_ndpi_flow_free(release);
    return true;
}

void* as_pointer(std::span<std::byte> octets) noexcept {
    return octets.data();
}

ndpi::Flow* flow_of(Dissector::State state) noexcept {
    return static_cast<ndpi::Flow*>(as_pointer(state.subspan(sizeof(Kept))));
}

std::uint32_t address_of(const decode::Address& address) noexcept {
    std::uint32_t ipv4 = 0;  // as it stands in the packet
    std::memcpy(&ipv4, std::span{address}.last<sizeof ipv4>().data(), sizeof ipv4);
    return ipv4;
}

// Where a flow's packets differ in this, nDPI 4.2 takes what it keeps for one for the other's, and
// a null pointer for a buffer.
bool has_another_transport(Kept& kept, std::uint8_t transport) noexcept {
    if (kept.transport == 0) {
        kept.transport = transport;
    }
    return transport != 0 && transport != kept.transport;
}

flow::Confidence confidence_of(const ndpi::Flow& flow) noexcept {
    switch (flow.confidence) {
        case NDPI_CONFIDENCE_MATCH_BY_PORT:
            return flow::Confidence::port;
        case NDPI_CONFIDENCE_MATCH_BY_IP:
            return flow::Confidence::address;
        case NDPI_CONFIDENCE_DPI_CACHE:
            return flow::Confidence::cache;
        case NDPI_CONFIDENCE_DPI:
            return flow::Confidence::dissected;
        default:
            return flow::Confidence::unknown;
    }
}

// What nDPI knows of the flow, of which it has just said what it has detected.
Told told_of(const ndpi::Flow& flow, const ndpi::Detected& detected) noexcept {
    return {.risks = flow.risk,
            .master = detected.master,
            .application = detected.application,
            .category = detected.category,
            .confidence = confidence_of(flow)};
}

}  // namespace

// States stand behind each other, each aligned as its first part wants it.
std::size_t Dissector::state_octets() noexcept {
    static_assert(sizeof(Kept) % alignof(ndpi::Flow) == 0 && alignof(Kept) <= alignof(ndpi::Flow));
    constexpr std::size_t octets = sizeof(Kept) + sizeof(ndpi::Flow);
    return (octets + alignof(ndpi::Flow) - 1) / alignof(ndpi::Flow) * alignof(ndpi::Flow);
}

std::uint64_t Dissector::octets_for(const Settings& settings) noexcept {
    return arena_octets_for(settings) + KnownNames<Told>::octets_for(known_names_for(settings));
}

std::uint64_t Dissector::arena_octets_for(const Settings& settings) noexcept {
    return settings.memory_octets != 0 ? settings.memory_octets
                                       : module_octets + settings.states_max * octets_per_state;
}

// Files of the operator's own may make a label depend on addresses too.
std::size_t Dissector::known_names_for(const Settings& settings) noexcept {
    const bool own_files = !settings.protocols_file.empty() || !settings.categories_file.empty();
    return own_files || !ndpi::tells_dns_by_name ? 0 : settings.known_names;
}

Result<std::unique_ptr<Dissector>> Dissector::load(const Settings& settings,
                                                   ApplicationNames& names) {
    auto arena = Arena::reserve(arena_octets_for(settings), settings.populate);
    if (!arena) {
        return tl::unexpected<Error>(std::move(arena.error()));
    }
    const std::size_t known = known_names_for(settings);
    std::unique_ptr<Dissector> dissector(new Dissector(std::move(*arena), known));
    dissector->packet_.resize(packet_octets_max + zeros_behind);
    dissector->held_.resize(sizeof(ndpi::Flow));
    if (auto made = dissector->make_module(settings, names); !made) {
        return tl::unexpected<Error>(std::move(made.error()));
    }
    dissector->module_octets_ = dissector->arena_.used();
    return dissector;
}

Result<void> Dissector::make_module(const Settings& settings, ApplicationNames& names) {
    arena_in_use = &arena_;
    [[maybe_unused]] static const bool hooked = hook_allocations();  // once in a process
    module_ = ndpi::make_module();
    if (module_ == nullptr) {
        return failed(Error::Kind::no_memory, "nDPI " + version() + " cannot start: no memory");
    }
    std::string refused;
    if (ndpi::select_dissectors(module_, settings.dissectors_off, refused) != ndpi::Selected::yes) {
        return failed(Error::Kind::invalid_config,
                      "dpi.dissectors_off names \"" + refused + "\", which nDPI " + version() +
                          " does not know; protocols are written as in its labels: \"DTLS\"");
    }
    for (const auto* file : {&settings.protocols_file, &settings.categories_file}) {
        const bool names_protocols = file == &settings.protocols_file;
        if (file->empty()) {
            continue;
        }
        if (auto read = check_rule_file(
                *file, names_protocols ? RuleFile::own_protocols : RuleFile::own_categories);
            !read) {
            return read;
        }
        const int status = names_protocols ? ndpi_load_protocols_file(module_, file->c_str())
                                           : ndpi_load_categories_file(module_, file->c_str());
        if (status < 0) {
            return failed(Error::Kind::invalid_config,
                          file->string() + ": nDPI " + version() + " cannot read it");
        }
    }
    if (!ndpi::finish_module(module_)) {
        return failed(Error::Kind::no_memory, "nDPI " + version() + " cannot start");
    }
    learn_names(names);
    return {};
}

// Numbers below those of nDPI's own protocols are the same in every module. Those of rule files
// are given in the order of the file, which may change: their names decide.
void Dissector::learn_names(ApplicationNames& names) {
    constexpr std::uint16_t own = NDPI_MAX_SUPPORTED_PROTOCOLS;
    static_assert(ndpi::protocols_max <= ApplicationNames::protocols_max);
    numbers_.assign(ndpi::protocols_max, 0);
    spoken_.assign(ndpi::protocols_max, rules::Application::unknown);
    const auto known = static_cast<std::uint16_t>(
        std::min<std::size_t>(ndpi_get_ndpi_num_supported_protocols(module_), ndpi::protocols_max));
    for (std::uint16_t number = 0; number < known; ++number) {
        const char* const name = ndpi_get_proto_name(module_, number);
        spoken_[number] = rules::application_labelled(name);
        if (number < own) {
            names.name_protocol(number, name);
            numbers_[number] = number;
        } else {
            numbers_[number] = names.number_of(name, own);
        }
    }
    for (std::uint16_t number = 0; number < NDPI_PROTOCOL_NUM_CATEGORIES; ++number) {
        names.name_category(
            number, ndpi_category_get_name(module_, static_cast<ndpi_protocol_category_t>(number)));
    }
    for (std::size_t number = 0; number < NDPI_MAX_RISK; ++number) {
        names.name_risk(number, ndpi_risk2str(static_cast<ndpi_risk_enum>(number)));
    }
    names.publish();
}

Dissector::~Dissector() {
    if (module_ != nullptr) {
        arena_in_use = &arena_;
        ndpi_exit_detection_module(module_);
    }
}

void Dissector::begin(State state) noexcept {
    std::memset(state.data(), 0, state_octets());
}

void Dissector::end(State state) noexcept {
    if (kept_in(state).way == Way::asked) {
        arena_in_use = &arena_;
        ndpi_free_flow_data(flow_of(state));
    }
}

Dissector::Step Dissector::inspect(State state, const decode::Headers& headers,
                                   ObservedAt at) noexcept {
    const std::int64_t milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
    const bool may_be_told = kept_in(state).way != Way::asked && !names_.empty();
    const auto told = may_be_told ? tell(state, headers, milliseconds) : std::nullopt;
    return told ? *told : ask(state, headers.ip, milliseconds);
}

// Of IPv4 as it is with 4.2, of both transports by themselves.
std::uint16_t Dissector::circumstances_of(const decode::Headers& headers) const noexcept {
    std::uint16_t owner = 0;
    if (headers.ip_version == 4) {
        owner = ndpi::owner_of(module_, address_of(headers.source), headers.source_port);
    }
    if (headers.ip_version == 4 && owner == 0) {
        owner = ndpi::owner_of(module_, address_of(headers.destination), headers.destination_port);
    }
    constexpr std::uint16_t by_tcp = 0x8000;
    return headers.protocol == tcp ? owner | by_tcp : owner;
}

bool Dissector::tells_other_flows(const Told& told) noexcept {
    return ndpi::tells_other_flows(told.application);
}

Told Dissector::told_in_the_end(State state) noexcept {
    arena_in_use = &arena_;
    ndpi::Flow* const flow = flow_of(state);
    const ndpi::Detected detected = ndpi::give_up(module_, flow);
    return told_of(*flow, detected);
}

Dissector::Step Dissector::ask(State state, Bytes ip, std::int64_t milliseconds) noexcept {
    const std::size_t octets = std::min(ip.size(), packet_octets_max);
    const auto copy = std::span{packet_};
    std::ranges::copy(ip.first(octets), copy.begin());
    std::ranges::fill(copy.subspan(octets, zeros_behind), std::byte{0});

    arena_in_use = &arena_;
    ndpi::Flow* const flow = flow_of(state);
    const auto* const packet = static_cast<const unsigned char*>(as_pointer(copy));
    const auto length = static_cast<std::uint16_t>(octets);
    Kept& kept = kept_in(state);
    kept.way = Way::asked;
    if (has_another_transport(kept, ndpi::transport_of(packet, length))) {
        return Step::hopeless;
    }
    kept.told = told_of(*flow, ndpi::process(module_, flow, packet, length,
                                             static_cast<std::uint64_t>(milliseconds)));
    if (kept.transport == tcp) {
        ndpi::fit_buffer(flow);
    }
    if (flow->fail_with_unknown != 0) {
        return Step::hopeless;
    }
    if (kept.told.application == NDPI_PROTOCOL_UNKNOWN) {
        return Step::more;
    }
    return ndpi::wants_more(module_, flow) ? Step::refine : Step::decided;
}

void Dissector::give_up(State state) noexcept {
    Kept& kept = kept_in(state);
    if (kept.way == Way::by_name) {
        return;
    }
    if (kept.way == Way::held) {
        packets_held(state).keep_first();  // of a handshake: it has the ports and addresses
        show_held(state);
    }
    kept.told = told_in_the_end(state);
}

rules::Application Dissector::spoken(State state) const noexcept {
    const Told& told = kept_in(state).told;
    const std::uint16_t number = told.master != 0 ? told.master : told.application;
    const bool by_packets = told.confidence == flow::Confidence::dissected ||
                            told.confidence == flow::Confidence::cache;
    return by_packets && number < spoken_.size() ? spoken_[number] : rules::Application::unknown;
}

flow::Application Dissector::label(State state) const noexcept {
    const Told& told = kept_in(state).told;
    const auto ours = [this](std::uint16_t number) noexcept {
        return number < numbers_.size() ? numbers_[number] : std::uint16_t{0};
    };
    flow::Application label;
    label.master = ours(told.master);
    label.application = ours(told.application);
    label.category = told.category;
    label.confidence = label.known() ? told.confidence : flow::Confidence::unknown;
    label.risks = told.risks;
    if (told.risks != 0) {
        std::uint16_t of_client = 0;
        std::uint16_t of_server = 0;
        label.risk_score = ndpi_risk2score(told.risks, &of_client, &of_server);
    }
    return label;
}

std::string Dissector::version() {
    return ndpi_revision();
}

}  // namespace tapmeter::inspect
