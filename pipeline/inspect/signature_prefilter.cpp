#include "pipeline/inspect/signature_prefilter.h"

#include <hs/hs.h>

#include <array>
#include <string>
#include <utility>

#include "pipeline/inspect/signature_search.h"

namespace tapmeter::inspect {

namespace {

struct FreeDatabase {
    void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};
using DatabaseOwner = std::unique_ptr<hs_database_t, FreeDatabase>;

// A database and what each of its patterns announces.
struct Database {
    DatabaseOwner database;
    std::vector<std::uint32_t> first;  // by pattern: where its rules begin in `rules`
    std::vector<std::uint32_t> rules;

    void add(std::span<const std::uint32_t> announced) {
        rules.insert(rules.end(), announced.begin(), announced.end());
        first.push_back(static_cast<std::uint32_t>(rules.size()));
    }
};

struct Slot {
    Database literals;
    Database expressions;
    std::vector<SlotPlan::Run> runs;
    std::vector<std::uint32_t> always;
};

struct Scan {
    const Database& database;
    Candidates& candidates;
    unsigned callbacks = 0;
};

int on_match(unsigned id, unsigned long long /*from*/, unsigned long long /*to*/,
             unsigned /*flags*/, void* context) noexcept {
    auto& scan = *static_cast<Scan*>(context);
    const auto& first = scan.database.first;
    scan.candidates.add(
        std::span{scan.database.rules}.subspan(first[id], first[id + 1] - first[id]));
    return ++scan.callbacks == Prefilter::callbacks_max ? 1 : 0;
}

Result<DatabaseOwner> deserialised(const std::string& octets) {
    hs_database_t* database = nullptr;
    const hs_error_t code = hs_deserialize_database(octets.data(), octets.size(), &database);
    if (code == HS_SUCCESS) {
        return DatabaseOwner{database};
    }
    return failed(code == HS_NOMEM ? Error::Kind::no_memory : Error::Kind::invalid_config,
                  "signatures: Hyperscan refuses a compiled database (code " +
                      std::to_string(code) + "); empty the folder that cache_folder names");
}

// A shorter run that is not there leaves none for the longer ones of its octet.
void find_runs(std::span<const SlotPlan::Run> runs, Bytes octets, Candidates& candidates) noexcept {
    while (!runs.empty()) {
        const SlotPlan::Run& run = runs.front();
        const bool found = has_run(octets, run.octet, run.length);
        if (found) {
            candidates.add(run.rules);
        }
        runs = runs.subspan(1);
        while (!found && !runs.empty() && runs.front().octet == run.octet) {
            runs = runs.subspan(1);
        }
    }
}

// Each database's size once it runs.
std::size_t size_of(const Database& database) noexcept {
    std::size_t octets = 0;
    if (database.database) {
        hs_database_size(database.database.get(), &octets);
    }
    return octets;
}

}  // namespace

struct Prefilter::Slots {
    std::array<Slot, slots> by_slot{};
};

struct Prefilter::Scratch::Room {
    hs_scratch_t* scratch = nullptr;

    Room() = default;
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() { hs_free_scratch(scratch); }
};

Prefilter::Scratch::Scratch(std::unique_ptr<Room> room) noexcept : room_(std::move(room)) {}
Prefilter::Scratch::Scratch(Scratch&&) noexcept = default;
Prefilter::Scratch& Prefilter::Scratch::operator=(Scratch&&) noexcept = default;
Prefilter::Scratch::~Scratch() = default;

Prefilter::Prefilter(std::unique_ptr<Slots> by_slot) noexcept : slots_(std::move(by_slot)) {}
Prefilter::Prefilter(Prefilter&&) noexcept = default;
Prefilter& Prefilter::operator=(Prefilter&&) noexcept = default;
Prefilter::~Prefilter() = default;

Result<Prefilter> Prefilter::make(const ScanPlan& plan, const CompiledSlots& compiled) {
    Prefilter made{std::make_unique<Slots>()};
    made.looked_at_ = plan.looked_at;
    for (std::size_t i = 0; i < slots; ++i) {
        Slot& slot = made.slots_->by_slot.at(i);
        slot.always = plan.by_slot[i].always;
        slot.runs = plan.by_slot[i].runs;
        slot.literals.first.push_back(0);
        for (const SlotPlan::Literal& literal : plan.by_slot[i].literals) {
            slot.literals.add(literal.rules);
        }
        slot.expressions.first.push_back(0);
        for (const SlotPlan::Expression& expression : plan.by_slot[i].expressions) {
            slot.expressions.add(std::span{&expression.rule, 1});
        }
        for (const auto& [octets, to] : {std::pair{&compiled.literals[i], &slot.literals},
                                         std::pair{&compiled.expressions[i], &slot.expressions}}) {
            if (octets->empty()) {
                continue;
            }
            auto database = deserialised(*octets);
            if (!database) {
                return tl::unexpected<Error>(database.error());
            }
            to->database = std::move(*database);
            ++made.databases_;
            made.database_octets_ += size_of(*to);
        }
    }
    return made;
}

Result<Prefilter::Scratch> Prefilter::make_scratch() const {
    auto room = std::make_unique<Scratch::Room>();
    for (const Slot& slot : slots_->by_slot) {
        for (const Database* const database : {&slot.literals, &slot.expressions}) {
            if (database->database &&
                hs_alloc_scratch(database->database.get(), &room->scratch) != HS_SUCCESS) {
                return failed(Error::Kind::no_memory,
                              "signatures: no memory to scan with; free some or load fewer rules");
            }
        }
    }
    return Scratch{std::move(room)};
}

void Prefilter::scan(std::size_t slot, Bytes octets, Scratch& scratch,
                     Candidates& candidates) const noexcept {
    const Slot& of = slots_->by_slot[slot];
    candidates.add(of.always);
    if (octets.empty()) {
        return;
    }
    find_runs(of.runs, octets, candidates);
    for (const Database* const database : {&of.literals, &of.expressions}) {
        if (!database->database) {
            continue;
        }
        Scan scan{*database, candidates};
        // NOLINTNEXTLINE(*-reinterpret-cast): octets, as Hyperscan names them
        const auto* const text = reinterpret_cast<const char*>(octets.data());
        hs_scan(database->database.get(), text, static_cast<unsigned>(octets.size()), 0,
                scratch.room_->scratch, on_match, &scan);
        scratch.scans_cut_ += scan.callbacks == callbacks_max ? 1 : 0;
    }
}

}  // namespace tapmeter::inspect
