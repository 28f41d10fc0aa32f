#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "bpf/prefilter_maps.h"
#include "pipeline/base/result.h"
#include "pipeline/base/units.h"
#include "xdp/rules.h"
#include "xdp/shunt.h"

struct prefilter_bpf;  // the skeleton that bpftool writes

namespace tapmeter::xdp {

// What became of the frames that the program judged; index: prefilter_fate of bpf/prefilter_maps.h.
struct FateCounters {
    std::array<Packets, prefilter_fates> packets{};
    std::array<Octets, prefilter_fates> octets{};
};

// bpf/prefilter.bpf.c in the kernel, with its maps; not yet attached to an interface.
class Prefilter {
public:
    // Loads the program into the kernel, closed: until open() it drops every frame uncounted.
    // shunt    whose flows end in the program; outlives it; null: no flow does
    // errors   io: what the kernel or the verifier refused, and the capability or kernel that
    //          would be needed
    static Result<Prefilter> load(const Shunt* shunt = nullptr);

    Prefilter(const Prefilter&) = delete;
    Prefilter& operator=(const Prefilter&) = delete;
    Prefilter(Prefilter&&) noexcept = default;
    Prefilter& operator=(Prefilter&&) noexcept = default;
    ~Prefilter() = default;  // the program leaves the kernel once its attachment is gone too

    // Makes `rules` those in force. Only what differs from the rules before is changed, new
    // entries first, so no frame is lost, and while this runs a frame meets the old rules, the
    // new ones or both together. On an error the old rules stay. Control thread.
    Result<void> apply(const PrefilterRules& rules);

    // From here on frames are counted, judged and handed on. Control thread.
    Result<void> open();
    // As before open(): every frame is dropped uncounted. Control thread.
    Result<void> close();

    // Sums over all CPUs. Frames that are just being judged may be seen and have no fate yet.
    // Needs no privileges. Any thread.
    Result<FateCounters> counters() const;

    // For attaching: the program for frames of one piece, and that for frames of several.
    int program() const noexcept;
    int program_for_pieces() const noexcept;
    // The map from queue to AF_XDP socket; queues to prefilter_queues_max.
    int sockets_map() const noexcept;

private:
    struct Delete {
        void operator()(prefilter_bpf* skeleton) const noexcept;
    };
    using Skeleton = std::unique_ptr<prefilter_bpf, Delete>;

    Prefilter(Skeleton skeleton, std::size_t cpus) noexcept;

    Result<void> exclude(std::span<const Prefix> prefixes, bool excluded);
    Result<void> deny(std::span<const std::uint16_t> ports, bool denied);
    Result<void> configure(const PrefilterRules& rules);

    Skeleton skeleton_;
    std::size_t cpus_;  // that the kernel may ever have: values of a per-CPU map
    bool is_open_ = false;
    // What is in the maps, sorted; after a failure perhaps more than that.
    PrefilterRules loaded_;
};

}  // namespace tapmeter::xdp
