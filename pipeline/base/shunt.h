#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>

#include "pipeline/base/expects.h"
#include "pipeline/base/ring.h"
#include "pipeline/base/units.h"

namespace tapmeter {

// A flow's key as plain octets: those of flow::FlowKey.
using ShuntKey = std::array<std::byte, 48>;

// What one endpoint of a shunted flow sent, as one CPU counted it in one of two parts: a cache line
// that the capture's side writes while the worker reads it. Traffic only ever grows; what does not
// add up begins anew with each mark.
struct alignas(cache_line_octets) ShuntLine {
    std::uint64_t sequence = 0;  // odd while the line is being written
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;         // layer 3
    std::uint64_t layer2_octets = 0;  // without FCS
    std::uint64_t first = 0;          // monotonic clock, nanoseconds
    std::uint64_t last = 0;
    std::uint16_t tcp_control_bits = 0;
    std::uint8_t type_of_service = 0;  // of the first packet
    std::uint8_t ttl_min = 0;
    std::uint32_t unused = 0;
    std::uint64_t mark = 0;  // the turn that the line last counted for
};
static_assert(sizeof(ShuntLine) == cache_line_octets);
static_assert(std::has_unique_object_representations_v<ShuntLine>);

// What a worker asks of the shunt.
struct ShuntRequest {
    ShuntKey key{};
    std::uint32_t slot = 0;  // of the door
    bool leave = false;      // else: enter
};

enum class ShuntState : std::uint8_t {
    free,
    asked,    // the flow is, or will soon be, dropped and counted before the worker sees it
    refused,  // it never was
    gone,     // it is no more, and its lines will not change again
};

// The door between one worker and those who drop and count the packets of its shunted flows. The
// worker asks through a ring and reads the counts where they are made: no system call, and nothing
// that could be full when a count comes back. A slot is one shunted flow.
class ShuntDoor {
public:
    static constexpr std::uint32_t slots_max = 65'535;
    static constexpr std::uint32_t parts = 2;
    static constexpr std::uint32_t senders = 2;
    static constexpr std::uint16_t turns_mask = 0xffff;

    // The spans outlive the door.
    struct Parts {
        std::uint32_t slots = 0;          // 1 to slots_max
        std::uint32_t cpus = 0;           // that count
        std::span<ShuntLine> lines{};     // slots x cpus x parts x senders, in this order
        std::span<std::uint64_t> cuts{};  // one a slot
        ObservedAt monotonic_zero{};      // what packet times call 0 of the monotonic clock
    };
    explicit ShuntDoor(const Parts& parts_of_door)
        : parts_(parts_of_door),
          // A slot has three requests under way at most, one of them of a flow that was refused:
          // room for all of them at once.
          requests_(std::bit_ceil(std::size_t{parts_.slots} * 3)),
          states_(std::make_unique<std::atomic<ShuntState>[]>(parts_.slots)) {
        expects(parts_.slots != 0 && parts_.slots <= slots_max);
        expects(parts_.lines.size() == std::size_t{parts_.slots} * parts_.cpus * parts * senders);
        expects(parts_.cuts.size() == parts_.slots);
    }

    std::uint32_t slots() const noexcept { return parts_.slots; }

    // --- the worker's side ---------------------------------------------------------------------

    // From now on the flow's packets are counted in this slot, which is free or gone.
    void enter(std::uint32_t slot, const ShuntKey& key) noexcept {
        states_[slot].store(ShuntState::asked, std::memory_order_relaxed);
        ask({.key = key, .slot = slot, .leave = false});
    }
    // No longer; state() will say `gone`.
    void leave(std::uint32_t slot, const ShuntKey& key) noexcept {
        ask({.key = key, .slot = slot, .leave = true});
    }
    ShuntState state(std::uint32_t slot) const noexcept {
        // Pairs with answer(): after `gone`, the lines hold their last counts.
        return states_[slot].load(std::memory_order_acquire);
    }

    // Packets before `cut` count for `turn`, in part turn % 2; those from then on for turn + 1.
    void set_cut(std::uint32_t slot, ObservedAt cut, std::uint16_t turn) noexcept {
        constexpr std::int64_t units_max = (std::int64_t{1} << (64U - cut_turn_bits)) - 1;
        const std::int64_t units = (cut - parts_.monotonic_zero).count() >> cut_unit_shift;
        const auto time = static_cast<std::uint64_t>(std::clamp<std::int64_t>(units, 0, units_max));
        std::atomic_ref(parts_.cuts[slot])
            .store(time << cut_turn_bits | turn, std::memory_order_release);
    }

    // A slot's counts over all CPUs; empty: a CPU was writing all the while, look again later.
    // `first`, `last` and the rest are those of `turn`, and of 0 where its lines have none.
    struct Counts {
        std::uint64_t packets = 0;
        std::uint64_t octets = 0;
        std::uint64_t layer2_octets = 0;
        bool marked = false;  // what follows is known
        ObservedAt first{};
        ObservedAt last{};
        std::uint16_t tcp_control_bits = 0;
        std::uint8_t type_of_service = 0;
        std::uint8_t ttl_min = 0xff;
    };
    std::optional<Counts> read(std::uint32_t slot, std::uint16_t turn,
                               std::uint32_t sender) const noexcept {
        Counts counts;
        for (std::uint32_t cpu = 0; cpu < parts_.cpus; ++cpu) {
            const std::size_t place =
                ((std::size_t{slot} * parts_.cpus + cpu) * parts + turn % parts) * senders + sender;
            const auto line = copy_of(parts_.lines[place]);
            if (!line) {
                return std::nullopt;
            }
            add(counts, *line, turn);
        }
        return counts;
    }

    // --- the shunt's side: one thread ----------------------------------------------------------

    Ring<ShuntRequest>& requests() noexcept { return requests_; }
    void answer(std::uint32_t slot, ShuntState state) noexcept {
        states_[slot].store(state, std::memory_order_release);
    }

private:
    static constexpr unsigned cut_unit_shift = 10;
    static constexpr unsigned cut_turn_bits = 16;

    void ask(const ShuntRequest& request) noexcept {
        const bool taken = requests_.push(request);
        expects(taken);
        requests_.publish();
    }

    // The line between two of its writes.
    static std::optional<ShuntLine> copy_of(ShuntLine& line) noexcept {
        constexpr unsigned tries = 64;
        using Words = std::array<std::uint64_t, sizeof(ShuntLine) / sizeof(std::uint64_t)>;
        // NOLINTNEXTLINE(*-reinterpret-cast): a line is eight words, aligned, written elsewhere
        auto& shared = reinterpret_cast<Words&>(line);
        Words words{};
        for (unsigned attempt = 0; attempt < tries; ++attempt) {
            for (std::size_t i = 0; i < words.size(); ++i) {
                words[i] = std::atomic_ref(shared[i]).load(std::memory_order_acquire);
            }
            const bool unchanged =
                std::atomic_ref(shared[0]).load(std::memory_order_relaxed) == words[0];
            if (words[0] % 2 == 0 && unchanged) {
                return std::bit_cast<ShuntLine>(words);
            }
        }
        return std::nullopt;
    }

    void add(Counts& counts, const ShuntLine& line, std::uint16_t turn) const noexcept {
        counts.packets += line.packets;
        counts.octets += line.octets;
        counts.layer2_octets += line.layer2_octets;
        if (line.mark != turn || line.packets == 0) {
            return;
        }
        const ObservedAt first = parts_.monotonic_zero + Nanoseconds(line.first);
        if (!counts.marked || first < counts.first) {
            counts.first = first;
            counts.type_of_service = line.type_of_service;
        }
        counts.marked = true;
        counts.last = std::max(counts.last, parts_.monotonic_zero + Nanoseconds(line.last));
        counts.tcp_control_bits |= line.tcp_control_bits;
        counts.ttl_min = std::min(counts.ttl_min, line.ttl_min);
    }

    Parts parts_;
    Ring<ShuntRequest> requests_;
    std::unique_ptr<std::atomic<ShuntState>[]> states_;  // NOLINT(*-avoid-c-arrays): fixed at start
};

}  // namespace tapmeter
