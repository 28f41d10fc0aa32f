#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pipeline/base/bytes.h"
#include "pipeline/base/result.h"
#include "pipeline/inspect/signature_compile.h"
#include "pipeline/inspect/signature_plan.h"

namespace tapmeter::inspect {

// Rules worth a closer look, each once. One for each worker; the room is taken at the start.
class Candidates {
public:
    static constexpr std::size_t candidates_max = 2'048;  // of one scan

    explicit Candidates(std::size_t rules) : seen_(rules, 0), found_(candidates_max) {}

    void clear() noexcept {
        count_ = 0;
        if (++round_ == 0) {  // once in 2^32
            std::ranges::fill(seen_, 0U);
            round_ = 1;
        }
    }
    void add(std::uint32_t rule) noexcept {
        if (seen_[rule] == round_) {
            return;
        }
        if (count_ == candidates_max) {
            ++left_out_;
            return;
        }
        seen_[rule] = round_;
        found_[count_++] = rule;
    }
    void add(std::span<const std::uint32_t> rules) noexcept {
        for (const std::uint32_t rule : rules) {
            add(rule);
        }
    }
    // In the order of the set: rules that set flowbits stand before those that ask for them.
    std::span<const std::uint32_t> sorted() noexcept {
        const auto found = std::span{found_}.first(count_);
        std::ranges::sort(found);
        return found;
    }
    bool empty() const noexcept { return count_ == 0; }
    std::uint64_t left_out() const noexcept { return left_out_; }

private:
    std::vector<std::uint32_t> seen_;  // by rule: the round in which it was found
    std::vector<std::uint32_t> found_;
    std::size_t count_ = 0;
    std::uint32_t round_ = 0;
    std::uint64_t left_out_ = 0;
};

// The compiled databases of a set. Immutable; any thread, each with a scratch of its own.
class Prefilter {
public:
    // Hits of one scan; then it stops. Each pattern is told once (single match), so this bounds
    // what a crafted packet can cost.
    static constexpr unsigned callbacks_max = 256;

    // What a scan writes to: one for each worker, fits every database of its prefilter.
    class Scratch {
    public:
        struct Room;
        explicit Scratch(std::unique_ptr<Room> room) noexcept;
        Scratch(Scratch&& other) noexcept;
        Scratch& operator=(Scratch&& other) noexcept;
        Scratch(const Scratch&) = delete;
        Scratch& operator=(const Scratch&) = delete;
        ~Scratch();

        // Scans that stopped at callbacks_max.
        std::uint64_t scans_cut() const noexcept { return scans_cut_; }

    private:
        friend class Prefilter;
        std::unique_ptr<Room> room_;
        std::uint64_t scans_cut_ = 0;
    };

    // errors  invalid_config: a database that this machine or library cannot read; no_memory
    static Result<Prefilter> make(const ScanPlan& plan, const CompiledSlots& compiled);
    Prefilter(Prefilter&& other) noexcept;
    Prefilter& operator=(Prefilter&& other) noexcept;
    Prefilter(const Prefilter&) = delete;
    Prefilter& operator=(const Prefilter&) = delete;
    ~Prefilter();

    Result<Scratch> make_scratch() const;

    // True where some rule looks into the buffer, announced by it or not.
    bool looks_at(rules::Buffer buffer) const noexcept {
        return looked_at_[rules::index_of(buffer)];
    }
    void scan(std::size_t slot, Bytes octets, Scratch& scratch,
              Candidates& candidates) const noexcept;

    std::size_t databases() const noexcept { return databases_; }
    std::size_t database_octets() const noexcept { return database_octets_; }

private:
    struct Slots;
    explicit Prefilter(std::unique_ptr<Slots> by_slot) noexcept;
    std::unique_ptr<Slots> slots_;
    std::array<bool, rules::buffers> looked_at_{};
    std::size_t databases_ = 0;
    std::size_t database_octets_ = 0;
};

}  // namespace tapmeter::inspect
