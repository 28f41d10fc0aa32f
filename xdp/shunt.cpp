#include "xdp/shunt.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "bpf/shunt_maps.h"
#include "pipeline/base/expects.h"
#include "xdp/system_error.h"

namespace tapmeter::xdp {

static_assert(sizeof(ShuntLine) == sizeof(shunt_count) && sizeof(ShuntKey) == sizeof(shunt_key));
static_assert(offsetof(ShuntLine, last) == offsetof(shunt_count, last));
static_assert(offsetof(ShuntLine, ttl_min) == offsetof(shunt_count, ttl_min));
static_assert(offsetof(ShuntLine, mark) == offsetof(shunt_count, mark));
static_assert(ShuntDoor::parts == shunt_parts && ShuntDoor::senders == shunt_senders);

namespace {

using namespace std::chrono_literals;

// How often the doors are looked at: short against the time in which a flow is of any size.
constexpr auto nap = 2ms;

struct MapShape {
    bpf_map_type type;
    const char* name;
    std::uint32_t key_octets;
    std::uint32_t value_octets;
    std::uint32_t entries;
    std::uint32_t flags;
};

Result<FileDescriptor> make_map(const MapShape& shape) {
    bpf_map_create_opts options{};
    options.sz = sizeof(options);
    options.map_flags = shape.flags;
    FileDescriptor map(bpf_map_create(shape.type, shape.name, shape.key_octets, shape.value_octets,
                                      shape.entries, &options));
    if (!map.is_open()) {
        const int error = errno;
        const bool too_large = error == ENOMEM || error == E2BIG;
        return failed(too_large ? Error::Kind::no_memory : Error::Kind::io,
                      std::string("shunt: the kernel makes no map ") + shape.name + " of " +
                          std::to_string(shape.entries) + " entries: " + error_text(error) + "; " +
                          cure_of(error, {CAP_BPF, CAP_NET_ADMIN}, "lower shunt.flows_max"));
    }
    return map;
}

}  // namespace

void wait_for_running_programs() {
    // A grace period of RCU, under which programs run. Where the kernel has CPUs without ticks it
    // refuses; then long enough for any of them to come round.
    constexpr auto surely = 200ms;
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0) {
        std::this_thread::sleep_for(surely);
    }
}

Shunt::Mapping::Mapping(Mapping&& other) noexcept
    : begin_(std::exchange(other.begin_, nullptr)), octets_(std::exchange(other.octets_, 0)) {}

Shunt::Mapping& Shunt::Mapping::operator=(Mapping&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(octets_, other.octets_);
    return *this;
}

Shunt::Mapping::~Mapping() {
    if (begin_ != nullptr) {
        ::munmap(begin_, octets_);
    }
}

Result<std::unique_ptr<Shunt>> Shunt::open(const Options& options) {
    expects(options.clock != nullptr && options.workers != 0);
    expects(options.flows_max != 0 && options.flows_max <= ShuntDoor::slots_max);
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) {
        return failed(Error::Kind::io,
                      "cannot read how many CPUs this machine may have from "
                      "/sys/devices/system/cpu/possible: " +
                          error_text(-cpus) + "; is /sys mounted?");
    }
    std::unique_ptr<Shunt> shunt(new Shunt(options, static_cast<std::uint32_t>(cpus)));
    if (auto made = shunt->make_maps().and_then([&] { return shunt->make_doors(); }); !made) {
        return tl::unexpected(made.error());
    }
    return shunt;
}

Result<void> Shunt::make_maps() {
    constexpr std::uint64_t entries_max = std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t lines =
        std::uint64_t{flows_of_all()} * cpus_ * ShuntDoor::parts * ShuntDoor::senders;
    if (lines > entries_max) {
        return failed(Error::Kind::no_memory,
                      "shunt: " + std::to_string(lines) +
                          " lines of counts are more than a map holds; lower shunt.flows_max");
    }
    const std::uint32_t flows = flows_of_all();
    struct Wanted {
        FileDescriptor* map;
        MapShape shape;
    };
    const std::array<Wanted, 4> wanted{{
        {&maps_.flows,
         {BPF_MAP_TYPE_HASH, "shunted_flows", sizeof(shunt_key), sizeof(std::uint32_t), flows, 0}},
        {&maps_.counts,
         {BPF_MAP_TYPE_ARRAY, "shunt_counts", sizeof(std::uint32_t), sizeof(shunt_count),
          static_cast<std::uint32_t>(lines), BPF_F_MMAPABLE}},
        {&maps_.cuts,
         {BPF_MAP_TYPE_ARRAY, "shunt_cuts", sizeof(std::uint32_t), sizeof(std::uint64_t), flows,
          BPF_F_MMAPABLE}},
        {&maps_.on,
         {BPF_MAP_TYPE_ARRAY, "shunt_switch", sizeof(std::uint32_t), sizeof(std::uint64_t), 1, 0}},
    }};
    for (const Wanted& one : wanted) {
        auto map = make_map(one.shape);
        if (!map) {
            return tl::unexpected(map.error());
        }
        *one.map = std::move(*map);
    }
    return {};
}

Result<Shunt::Mapping> Shunt::map_values(const FileDescriptor& map, std::size_t octets,
                                         int protection) const {
    void* const begin = ::mmap(nullptr, octets, protection, MAP_SHARED, map.number(), 0);
    if (begin == MAP_FAILED) {
        return failed(Error::Kind::no_memory, "shunt: " + std::to_string(octets) +
                                                  " octets of counts cannot be mapped: " +
                                                  error_text(errno) + "; lower shunt.flows_max");
    }
    return Mapping(begin, octets);
}

Result<void> Shunt::make_doors() {
    const std::size_t flows = flows_of_all();
    const std::size_t lines = flows * cpus_ * ShuntDoor::parts * ShuntDoor::senders;
    auto lines_mapping = map_values(maps_.counts, lines * sizeof(ShuntLine), PROT_READ);
    if (!lines_mapping) {
        return tl::unexpected(lines_mapping.error());
    }
    auto cuts_mapping =
        map_values(maps_.cuts, flows * sizeof(std::uint64_t), PROT_READ | PROT_WRITE);
    if (!cuts_mapping) {
        return tl::unexpected(cuts_mapping.error());
    }
    lines_mapping_ = std::move(*lines_mapping);
    cuts_mapping_ = std::move(*cuts_mapping);
    lines_ = {static_cast<ShuntLine*>(lines_mapping_.begin()), lines};
    const std::span cuts{static_cast<std::uint64_t*>(cuts_mapping_.begin()), flows};
    const std::size_t lines_a_door = lines / options_.workers;
    for (std::size_t worker = 0; worker < options_.workers; ++worker) {
        doors_.push_back(std::make_unique<ShuntDoor>(
            ShuntDoor::Parts{.slots = options_.flows_max,
                             .cpus = cpus_,
                             .lines = lines_.subspan(worker * lines_a_door, lines_a_door),
                             .cuts = cuts.subspan(worker * options_.flows_max, options_.flows_max),
                             .monotonic_zero = options_.clock->monotonic_zero()}));
    }
    places_.resize(flows);
    slots_used_ = std::vector<std::atomic<std::uint32_t>>(options_.workers);
    return {};
}

void Shunt::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        serve();
        std::this_thread::sleep_for(nap);
    }
}

void Shunt::serve() {
    for (std::size_t door = 0; door < doors_.size(); ++door) {
        Ring<ShuntRequest>& requests = doors_[door]->requests();
        for (auto some = requests.readable(); !some.empty(); some = requests.readable()) {
            for (const ShuntRequest& request : some) {
                serve_one({.door = door, .request = request});
            }
            requests.consume(some.size());
        }
    }
    settle();
}

std::uint32_t Shunt::number_of(const Asked& asked) const noexcept {
    return static_cast<std::uint32_t>(asked.door * options_.flows_max) + asked.request.slot;
}

void Shunt::serve_one(const Asked& asked) {
    Place& place = places_[number_of(asked)];
    if (!asked.request.leave) {
        place = Place::entering;
        entering_.push_back(asked);
        return;
    }
    if (place == Place::entering) {
        settle();
    }
    if (place == Place::outside) {
        return;  // it was refused
    }
    place = Place::outside;
    bpf_map_delete_elem(flows_map(), asked.request.key.data());
    count_flows(flows_, flows_ - 1);
    leaving_.push_back(asked);
}

// A program may have found a flow just before that left, and count for it until the program ends;
// before that the kernel's entry, which it may still look at, must not become another flow's.
void Shunt::settle() {
    if (!leaving_.empty()) {
        wait_for_running_programs();
    }
    for (const Asked& asked : leaving_) {
        doors_[asked.door]->answer(asked.request.slot, ShuntState::gone);
    }
    leaving_.clear();
    for (const Asked& asked : entering_) {
        enter(asked);
    }
    entering_.clear();
}

void Shunt::enter(const Asked& asked) {
    std::atomic<std::uint32_t>& used = slots_used_[asked.door];
    used.store(std::max(used.load(std::memory_order_relaxed), asked.request.slot + 1),
               std::memory_order_release);
    const std::uint32_t number = number_of(asked);
    if (bpf_map_update_elem(flows_map(), asked.request.key.data(), &number, BPF_NOEXIST) != 0) {
        places_[number] = Place::outside;
        doors_[asked.door]->answer(asked.request.slot, ShuntState::refused);
        return;
    }
    places_[number] = Place::inside;
    count_flows(flows_, flows_ + 1);
}

// The programs only ask whether there is any flow at all.
void Shunt::count_flows(std::uint64_t before, std::uint64_t after) {
    flows_ = after;
    if ((before == 0) != (after == 0)) {
        const std::uint32_t first = 0;
        bpf_map_update_elem(switch_map(), &first, &after, BPF_ANY);
    }
}

Packets Shunt::counted() const noexcept {
    const std::size_t lines_a_slot = std::size_t{cpus_} * ShuntDoor::parts * ShuntDoor::senders;
    Packets packets;
    for (std::size_t door = 0; door < doors_.size(); ++door) {
        const std::size_t slots = slots_used_[door].load(std::memory_order_acquire);
        const auto lines =
            lines_.subspan(door * options_.flows_max * lines_a_slot, slots * lines_a_slot);
        for (ShuntLine& line : lines) {
            packets += Packets{std::atomic_ref(line.packets).load(std::memory_order_relaxed)};
        }
    }
    return packets;
}

}  // namespace tapmeter::xdp
