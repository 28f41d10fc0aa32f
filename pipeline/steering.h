#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "pipeline/base/ring.h"
#include "pipeline/base/source.h"
#include "pipeline/decode/outer_points.h"

namespace tapmeter {

// Where a port cannot bring both directions of a flow to one queue (no symmetric RSS, one queue
// for several workers, a capture file), one steering core takes all packets and hands each to the
// worker that its addresses name.
//
// The hash takes the addresses only, those of the header by which a packet is metered, so that all
// fragments and both directions of every flow meet on one worker: records then do not depend on
// the number of workers. What is no IP goes to the first worker. Nothing is lost here: a full
// outlet holds the inlets back.
class Steering {
public:
    struct Parts {
        std::vector<PacketSource*> inlets;  // outlive the steering
        std::size_t outlets = 1;
        OuterPoints outer_points{};     // as the workers'
        bool views_stay_valid = false;  // of all inlets: then bursts need not be waited for
        std::uint64_t hash_key = 0;     // random: nobody can aim all flows at one worker
    };
    explicit Steering(Parts parts);
    ~Steering();
    Steering(const Steering&) = delete;
    Steering& operator=(const Steering&) = delete;

    // Steering core only: moves what it can. Returns how many packets were handed over.
    std::size_t turn() noexcept;

    // Steering core only: no further bursts are taken; turn() hands over what is held already.
    void stop_taking() noexcept { taking_ = false; }

    // True once all inlets are exhausted, or no more is taken, and everything was handed over.
    bool finished() const noexcept { return finished_.load(std::memory_order_relaxed); }

    // The source that worker `index` polls.
    PacketSource& outlet(std::size_t index) noexcept;

    // Any thread: packets between the inlets and the workers.
    std::size_t waiting() const noexcept;

private:
    class Outlet;
    struct Inlet {
        PacketSource* source = nullptr;
        Burst burst{};
        std::array<std::uint16_t, burst_packets_max> outlet_of{};
        std::size_t handed_over = 0;
        bool held = false;  // received and not yet released
    };

    void receive(Inlet& inlet) noexcept;
    std::size_t hand_over(Inlet& inlet) noexcept;
    bool consumed() const noexcept;

    std::vector<Inlet> inlets_;
    std::vector<std::unique_ptr<Outlet>> outlets_;
    OuterPoints outer_points_;
    decode::Tunnels tunnels_{};
    bool views_stay_valid_;
    std::uint64_t hash_key_;
    bool taking_ = true;
    std::atomic<bool> finished_{false};
};

}  // namespace tapmeter
