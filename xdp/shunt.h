#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "pipeline/base/clock.h"
#include "pipeline/base/result.h"
#include "pipeline/base/shunt.h"
#include "pipeline/base/units.h"
#include "xdp/file_descriptor.h"

namespace tapmeter::xdp {

// The shunt of all interfaces: the maps in which bpf/shunt.h counts the packets that it drops, a
// door for each worker, and the thread between the two. One key means one flow on every interface,
// so all their programs share the maps. Outlives the captures and the workers.
class Shunt {
public:
    struct Options {
        std::uint32_t workers = 1;
        std::uint32_t flows_max = 256;  // of a worker; 1 to ShuntDoor::slots_max
        bool vlan_in_key = true;        // as in the workers' flow keys
        const LiveClock* clock = nullptr;
    };
    // Takes all memory: workers x flows_max x CPUs x 256 octets.
    // errors  no_memory, io: what the kernel refused
    static Result<std::unique_ptr<Shunt>> open(const Options& options);

    Shunt(const Shunt&) = delete;
    Shunt& operator=(const Shunt&) = delete;
    ~Shunt() = default;

    ShuntDoor& door(std::size_t worker) noexcept { return *doors_[worker]; }
    std::size_t doors() const noexcept { return doors_.size(); }

    // Serves the doors until told to stop. A thread of its own.
    void run(const std::stop_token& stop);

    // One round: puts flows in and takes flows out as the workers asked. Waits until no program
    // still counts for a flow that has left. The thread of run(), or a test without one.
    void serve();

    // All packets that were ever counted for a flow. Any thread.
    Packets counted() const noexcept;

    // What a program needs to take part.
    int flows_map() const noexcept { return maps_.flows.number(); }
    int counts_map() const noexcept { return maps_.counts.number(); }
    int cuts_map() const noexcept { return maps_.cuts.number(); }
    int switch_map() const noexcept { return maps_.on.number(); }
    std::uint32_t cpus() const noexcept { return cpus_; }
    bool vlan_in_key() const noexcept { return options_.vlan_in_key; }

private:
    struct Maps {
        FileDescriptor flows;
        FileDescriptor counts;
        FileDescriptor cuts;
        FileDescriptor on;
    };
    // A map's values in our own memory.
    class Mapping {
    public:
        Mapping() = default;
        Mapping(void* begin, std::size_t octets) noexcept : begin_(begin), octets_(octets) {}
        Mapping(const Mapping&) = delete;
        Mapping& operator=(const Mapping&) = delete;
        Mapping(Mapping&& other) noexcept;
        Mapping& operator=(Mapping&& other) noexcept;
        ~Mapping();

        void* begin() const noexcept { return begin_; }

    private:
        void* begin_ = nullptr;
        std::size_t octets_ = 0;
    };
    struct Asked {
        std::size_t door = 0;
        ShuntRequest request{};
    };
    enum class Place : std::uint8_t { outside, entering, inside };

    Shunt(const Options& options, std::uint32_t cpus) noexcept : options_(options), cpus_(cpus) {}

    std::uint32_t flows_of_all() const noexcept { return options_.workers * options_.flows_max; }
    Result<void> make_maps();
    Result<Mapping> map_values(const FileDescriptor& map, std::size_t octets, int protection) const;
    Result<void> make_doors();
    void serve_one(const Asked& asked);
    void settle();
    void enter(const Asked& asked);
    std::uint32_t number_of(const Asked& asked) const noexcept;
    void count_flows(std::uint64_t before, std::uint64_t after);

    Options options_;
    std::uint32_t cpus_;  // that the kernel may ever have
    Maps maps_;
    Mapping lines_mapping_;
    Mapping cuts_mapping_;
    std::span<ShuntLine> lines_;
    std::vector<std::unique_ptr<ShuntDoor>> doors_;
    std::vector<std::atomic<std::uint32_t>> slots_used_;  // a door: no slot from here on was used
    std::vector<Place> places_;   // by the flow's number: where it is, seen from the map
    std::uint64_t flows_ = 0;     // inside the map
    std::vector<Asked> leaving_;  // out of the map; programs may still count for them
    std::vector<Asked> entering_;
};

// Returns once every XDP program that ran when this was called has ended.
void wait_for_running_programs();

}  // namespace tapmeter::xdp
