#include "src/appliance/handover.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <numeric>
#include <utility>

#include "src/exporting/text.h"
#include "src/metrics/totals.h"

namespace tapmeter {

namespace {

using metrics::RestartReason;

// So many flows are left alone; then the oldest of them is forgotten.
constexpr std::size_t quarantined_max = 64;

RestartReason reason_of(int signal) noexcept {
    switch (signal) {
        case SIGSEGV:
            return RestartReason::segv;
        case SIGABRT:
            return RestartReason::abort;
        case SIGBUS:
            return RestartReason::bus;
        case SIGFPE:
            return RestartReason::fpe;
        case SIGILL:
            return RestartReason::ill;
        case SIGKILL:
            return RestartReason::killed;
        default:
            return RestartReason::other;
    }
}

// Records that an output has done with, whatever became of them.
exporting::RecordTotals fates_of(const exporting::OutputCounters& counters) {
    exporting::RecordTotals sum = counters.sent;
    const auto add = [&sum](const exporting::RecordTotals& more) {
        sum.records += more.records;
        sum.packets += more.packets;
        sum.octets += more.octets;
    };
    add(counters.left_out);
    add(counters.spooled);
    std::ranges::for_each(counters.dropped, add);
    return sum;
}

// Counters of what was counted by one before it was by another: never below 0.
std::uint64_t less(std::uint64_t whole, std::uint64_t part) noexcept {
    return whole - std::min(whole, part);
}

// Two counters of one interface that nobody can read at once, and of which the kernel moves the one
// a moment after the other: right once neither has moved between two readings. Where packets come
// too fast for that, those of a moment are in one count and not in the other.
void add_arrivals(const std::string& device, const Capture& capture, Handover::Arrivals& sum) {
    constexpr int readings_max = 64;
    const std::string path = "/sys/class/net/" + device + "/statistics/rx_packets";
    std::uint64_t packets = 0;
    std::uint64_t offered = 0;
    for (int reading = 0; reading < readings_max && sum.known; ++reading) {
        const auto before = std::pair{packets, offered};
        offered = capture.counters().offered.value;
        std::ifstream file(path);
        sum.known = static_cast<bool>(file >> packets);
        if (reading > 0 && before == std::pair{packets, offered}) {
            break;
        }
    }
    sum.device += packets;
    sum.offered += offered;
}

}  // namespace

// In memory that parent and children share.
struct Handover::Page {
    metrics::Restarts account;
    flow::HashKey hash_key{};
    flow::HashKey steering_key{};
    bool inspection_off = false;
    bool reloaded = false;
    std::size_t workers = 0;  // of the data path; 0: none has been built
    std::size_t quarantined_count = 0;
    std::array<flow::FlowKey, quarantined_max> quarantined{};
    std::array<inspect::CrashSlot, workers_max> slots{};
    std::array<Published<WorkerBooks>, workers_max> books{};

    // Of the data path that runs.
    std::array<exporting::RecordTotals, outputs_max> told{};
    std::uint64_t left_before_workers = 0;
    // Of all before it.
    std::array<exporting::RecordTotals, outputs_max> lost{};
    bool has_origin = false;
    std::uint64_t origin = 0;   // what the interfaces had counted before the first; modulo 2^64
    std::uint64_t brought = 0;  // what of their counts came to a data path
};

Result<std::unique_ptr<Handover>> Handover::make(std::size_t workers) {
    const auto hash_key = flow::random_hash_key();
    const auto steering_key = flow::random_hash_key();
    if (!hash_key || !steering_key) {
        return tl::unexpected<Error>(hash_key ? steering_key.error() : hash_key.error());
    }
    void* const memory =
        ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return failed(Error::Kind::no_memory, "no memory to share with the data path: " +
                                                  std::string(std::strerror(errno)) +
                                                  "; free some, or set service.supervisor = false");
    }
    Page& page = *std::construct_at(static_cast<Page*>(memory));
    page.hash_key = *hash_key;
    page.steering_key = *steering_key;
    return std::unique_ptr<Handover>(new Handover(std::min(workers, workers_max), page));
}

Handover::Handover(std::size_t workers, Page& page)
    : tables_(workers), labels_(workers), page_(page) {}

Handover::~Handover() {
    ::munmap(&page_, sizeof(Page));
}

std::optional<Handover::Fault> Handover::crashed(int signal) {
    ++page_.account.restarts[static_cast<std::size_t>(reason_of(signal))];
    std::optional<Fault> fault;
    for (std::size_t worker = 0; worker < page_.slots.size(); ++worker) {
        inspect::CrashSlot& slot = page_.slots[worker];
        const auto doing = slot.doing.exchange(inspect::Doing::nothing);
        if (slot.signal.exchange(0) == 0 || doing >= inspect::Doing::count) {
            continue;
        }
        fault = Fault{.worker = worker, .doing = doing, .key = slot.key};
        if (doing != inspect::Doing::nothing) {
            ++page_.account.dpi_faults[static_cast<std::size_t>(doing)];
            quarantine(bare(slot.key));
        }
    }
    return fault;
}

void Handover::quarantine(const flow::FlowKey& key) {
    page_.quarantined[page_.quarantined_count % quarantined_max] = key;
    page_.quarantined_count = page_.quarantined_count + 1;
    ++page_.account.flows_quarantined;
}

void Handover::switch_inspection_off() {
    page_.inspection_off = true;
}

bool Handover::inspection_is_off() const noexcept {
    return page_.inspection_off;
}

bool Handover::was_reloaded() const noexcept {
    return page_.reloaded;
}

void Handover::take_stock() {
    predecessor_ = page_.workers != 0;
    before_.clear();
    for (std::size_t worker = 0; worker < page_.workers; ++worker) {
        before_.push_back(page_.books[worker].last().value_or(WorkerBooks{}));
    }
    for (Published<WorkerBooks>& books : page_.books) {
        std::construct_at(&books);
    }
}

const flow::HashKey& Handover::hash_key() const noexcept {
    return page_.hash_key;
}

const flow::HashKey& Handover::steering_key() const noexcept {
    return page_.steering_key;
}

inspect::CrashSlot& Handover::slot_of(std::size_t worker) const {
    return page_.slots.at(worker);
}

Published<WorkerBooks>& Handover::books_of(std::size_t worker) const {
    return page_.books.at(worker);
}

std::span<const flow::FlowKey> Handover::quarantined() const noexcept {
    return std::span{page_.quarantined}.first(std::min(page_.quarantined_count, quarantined_max));
}

// Of the interfaces' counts, this much came to the last data path: what its workers had received,
// what was left before them, and the burst in hand, which its books did not show yet and its
// tables did.
void Handover::settle(std::span<const WorkerBooks> workers, const Arrivals& arrivals) {
    if (!page_.has_origin) {
        page_.has_origin = true;
        page_.origin = less(arrivals.device, arrivals.offered);
    }
    settle_flows(workers);
    settle_outputs();
    page_.account.packets_known = page_.account.packets_known && arrivals.known;
    if (predecessor_ && page_.account.packets_known) {
        page_.account.packets_lost =
            less(arrivals.device, page_.origin + arrivals.offered + page_.brought);
    }
    page_.workers = workers.size();
}

// What settle() will subtract from the interfaces' counts is all that is known of until now. Where
// those are smaller, the origin lies below 0; the sum of the next settle() is right all the same.
void Handover::begin_anew(const Arrivals& arrivals) {
    page_.origin = arrivals.device - arrivals.offered - page_.brought - page_.account.packets_lost;
}

void Handover::settle_flows(std::span<const WorkerBooks> workers) {
    std::uint64_t in_tables = 0;
    std::uint64_t adopted = 0;
    std::uint64_t flows = 0;
    for (const WorkerBooks& books : before_) {
        // Fragments that waited for their first went with the process: nobody metered them.
        page_.brought += less(books.received_packets, books.waiting.packets);
        in_tables += books.in_table.packets;
        flows += books.flows_active;
    }
    page_.brought += std::exchange(page_.left_before_workers, 0);
    std::uint64_t flows_adopted = 0;
    for (const WorkerBooks& books : workers) {
        adopted += books.adopted.packets;
        flows_adopted += books.flows_adopted;
    }
    page_.brought = less(page_.brought + adopted, in_tables);
    page_.account.flows_adopted += flows_adopted;
    page_.account.flows_lost += less(flows, flows_adopted);
}

void Handover::settle_outputs() {
    exporting::RecordTotals emitted;
    for (const WorkerBooks& books : before_) {
        emitted.records = std::accumulate(books.records_emitted.begin(),
                                          books.records_emitted.end(), emitted.records);
        emitted.packets += books.emitted.packets;
        emitted.octets += books.emitted.octets;
    }
    for (std::size_t output = 0; output < page_.lost.size(); ++output) {
        const auto told = std::exchange(page_.told[output], {});
        page_.lost[output].records += less(emitted.records, told.records);
        page_.lost[output].packets += less(emitted.packets, told.packets);
        page_.lost[output].octets += less(emitted.octets, told.octets);
    }
}

void Handover::note(std::span<const exporting::OutputCounters> outputs,
                    std::uint64_t left_before_workers, bool reloaded) {
    for (std::size_t output = 0; output < std::min(outputs.size(), outputs_max); ++output) {
        page_.told[output] = fates_of(outputs[output]);
    }
    page_.left_before_workers = left_before_workers;
    page_.reloaded = page_.reloaded || reloaded;
}

void Handover::set_dpi_state(metrics::DpiState state) noexcept {
    page_.account.dpi_state = state;
}

const metrics::Restarts& Handover::restarts() const noexcept {
    return page_.account;
}

exporting::RecordTotals Handover::lost_by_output(std::size_t output) const {
    return output < page_.lost.size() ? page_.lost[output] : exporting::RecordTotals{};
}

Handover::Arrivals arrivals_of(const Config& config,
                               const std::vector<std::unique_ptr<Capture>>& captures) {
    Handover::Arrivals arrivals;
    for (std::size_t index = 0; index < captures.size(); ++index) {
        const std::string& source = config.captures[index].source;
        const std::string device = source.substr(source.starts_with("xdp:") ? 4 : 0);
        add_arrivals(device, *captures[index], arrivals);
    }
    return arrivals;
}

std::string flow_text(const flow::FlowKey& key) {
    const auto end = [&key](const decode::Address& address, std::uint16_t port) {
        std::array<char, exporting::address_characters_max> text{};
        char* const last = exporting::write_address(text.data(), address, key.ip_version);
        const std::string number(text.data(), last);
        const std::string shown = key.ip_version == 6 ? "[" + number + "]" : number;
        return shown + ":" + std::to_string(port);
    };
    return std::string(exporting::protocol_name(key.protocol)) + " " + end(key.low, key.low_port) +
           " - " + end(key.high, key.high_port);
}

}  // namespace tapmeter
