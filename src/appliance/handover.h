#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/base/kept_memory.h"
#include "pipeline/base/published.h"
#include "pipeline/base/source.h"
#include "pipeline/books.h"
#include "pipeline/flow/flow_hash.h"
#include "pipeline/inspect/crash_slot.h"
#include "src/config/config.h"
#include "src/exporting/output.h"
#include "src/metrics/restarts.h"

namespace tapmeter {

// What a data path leaves to the one that follows it when it ends unasked: the memory of its flow
// tables and labels, the key of their hash, its books, and who was inspected at that moment. The
// supervisor makes it before it forks; each data path is a child that finds all of it where its
// parent has it. Supervisor and data path write by turns: the one only while there is no other.
class Handover {
public:
    // workers  the most that a data path may have
    // errors   no_memory, io: no random octets
    static Result<std::unique_ptr<Handover>> make(std::size_t workers);
    ~Handover();
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    // --- the supervisor's side
    struct Fault {
        std::size_t worker = 0;
        inspect::Doing doing = inspect::Doing::nothing;
        flow::FlowKey key{};  // of the flow that was inspected; only where `doing` says so
    };
    // The data path has ended by this signal: counts that, and quarantines the flow that was being
    // inspected by the thread that ended it. Nothing: it was none of a worker's threads.
    std::optional<Fault> crashed(int signal);
    void switch_inspection_off();

    // --- a data path's side, in this order
    bool inspection_is_off() const noexcept;  // the configuration may wish what it likes
    bool was_reloaded() const noexcept;       // the configuration, since the supervisor read it
    // The books of the data path before, before they are written over. Nothing was: a first start.
    void take_stock();
    bool has_predecessor() const noexcept { return predecessor_; }

    const flow::HashKey& hash_key() const noexcept;      // of the tables
    const flow::HashKey& steering_key() const noexcept;  // flows find the worker that has them
    const KeptMemory& table_of(std::size_t worker) const { return tables_.at(worker); }
    const KeptMemory& labels_of(std::size_t worker) const { return labels_.at(worker); }
    inspect::CrashSlot& slot_of(std::size_t worker) const;
    Published<WorkerBooks>& books_of(std::size_t worker) const;
    std::span<const flow::FlowKey> quarantined() const noexcept;

    // What became of the last data path's flows; the workers are built. `arrivals` as arrivals_of()
    struct Arrivals {
        std::uint64_t device = 0;   // packets that the interfaces have counted since they exist
        std::uint64_t offered = 0;  // of these, packets that this data path knows of
        bool known = true;          // false: there is an interface without a count of its own
    };
    void settle(std::span<const WorkerBooks> workers, const Arrivals& arrivals);
    // An interface was made anew, and counts from 0 again.
    void begin_anew(const Arrivals& arrivals);

    // Several times a second: what only this process knows. Outputs as the configuration has them.
    void note(std::span<const exporting::OutputCounters> outputs, std::uint64_t left_before_workers,
              bool reloaded);
    void set_dpi_state(metrics::DpiState state) noexcept;

    const metrics::Restarts& restarts() const noexcept;
    // Records that workers had emitted and of which this output told nobody when its process ended.
    exporting::RecordTotals lost_by_output(std::size_t output) const;

private:
    struct Page;

    Handover(std::size_t workers, Page& page);
    void quarantine(const flow::FlowKey& key);
    void settle_flows(std::span<const WorkerBooks> workers);
    void settle_outputs();

    std::vector<KeptMemory> tables_;
    std::vector<KeptMemory> labels_;
    Page& page_;
    bool predecessor_ = false;
    std::vector<WorkerBooks> before_;  // of the data path before, as far as they were whole
};

// Of every capture that is an interface of the kernel's.
Handover::Arrivals arrivals_of(const Config& config,
                               const std::vector<std::unique_ptr<Capture>>& captures);

// "UDP 192.0.2.1:443 - 198.51.100.1:40000", in the order of the key.
std::string flow_text(const flow::FlowKey& key);

}  // namespace tapmeter
