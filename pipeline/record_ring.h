#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pipeline/base/expects.h"
#include "pipeline/base/ring.h"
#include "pipeline/flow/behaviour.h"
#include "pipeline/flow/flow_record.h"
#include "pipeline/flow/payload_report.h"
#include "pipeline/flow/tcp_report.h"
#include "pipeline/flow/tunnel_report.h"
#include "pipeline/inspect/metadata.h"

namespace tapmeter {

// Flow Records on their way out, and what some of them carry beside themselves. Converts from any
// row of records; then none has parts.
template <class... Part>
struct BasicRecordBatch {
    using Parts = std::tuple<const Part*...>;  // null: the record has no such part

    BasicRecordBatch(std::span<const flow::FlowRecord> all, std::span<const Parts> beside)
        : records(all), parts(beside) {
        expects(beside.empty() || beside.size() == all.size());
    }
    template <std::ranges::contiguous_range Row>
    BasicRecordBatch(const Row& row) : records(row) {}  // NOLINT(*-explicit-*): a batch is a row

    std::span<const flow::FlowRecord> records;
    std::span<const Parts> parts;  // one for each record; empty: no record has any

    Parts parts_of(std::size_t record) const noexcept {
        return parts.empty() ? Parts{} : parts[record];
    }
    template <class Wanted>
    const Wanted* part_of(std::size_t record) const noexcept {
        return parts.empty() ? nullptr : std::get<const Wanted*>(parts[record]);
    }
};

// The door out of the Metering Process: one a worker, drained by the exporter core. A Flow Record
// is small and every flow has one; a part is large and few flows have it, so parts cross in rings
// of their own, one a kind, in the order of their records. A full ring refuses, and the producer
// counts: a record whose part was refused goes without it.
template <class... Part>
class BasicRecordRing {
public:
    using Batch = BasicRecordBatch<Part...>;
    using Parts = typename Batch::Parts;
    static constexpr std::size_t kinds = sizeof...(Part);
    static_assert(kinds <= 8, "FlowRecord::parts has a bit for each");

    // records  slots for records; a power of two, as all of these
    // parts    slots for each kind of part; 0: that kind is not kept
    explicit BasicRecordRing(std::size_t records, const std::array<std::size_t, kinds>& parts = {})
        : records_(records) {
        make_part_rings(parts, std::index_sequence_for<Part...>{});
    }

    std::size_t capacity() const noexcept { return records_.capacity(); }

    // Producer only. False: the ring is full and the record was not taken.
    [[nodiscard]] bool push(const flow::FlowRecord& record) noexcept {
        return records_.push(record);
    }

    // Producer only, as above. Clears a pointer of `parts` whose part was not taken, although its
    // record was.
    [[nodiscard]] bool push(flow::FlowRecord record, Parts& parts) noexcept {
        if (records_.free_slots(1) == 0) {
            return false;
        }
        record.parts = push_parts(parts, std::index_sequence_for<Part...>{});
        return records_.push(record);
    }

    std::size_t free_slots(std::size_t wanted) noexcept { return records_.free_slots(wanted); }
    std::size_t unpublished() const noexcept { return records_.unpublished(); }

    // Producer only. Parts first: who sees a record finds its parts.
    void publish() noexcept {
        std::apply([](auto&... ring) { ((ring ? ring->publish() : void()), ...); }, parts_);
        records_.publish();
    }

    // Consumer only. The records that wait, oldest first, as far as they lie in one piece; valid
    // until consume().
    std::span<const flow::FlowRecord> readable() noexcept { return records_.readable(); }

    // Consumer only. The same with their parts, as far as `storage` has a place for each record.
    Batch readable(std::span<Parts> storage) noexcept {
        const auto waiting = records_.readable();
        const auto records = waiting.first(std::min(waiting.size(), storage.size()));
        if constexpr (kinds == 0) {
            return {records, {}};
        } else {
            find_parts(records, storage, std::index_sequence_for<Part...>{});
            return {records, storage.first(records.size())};
        }
    }

    // Consumer only. Gives the slots of the `count` oldest records and of their parts back.
    void consume(std::size_t count) noexcept {
        if constexpr (kinds != 0) {
            consume_parts(records_.readable().first(count), std::index_sequence_for<Part...>{});
        }
        records_.consume(count);
    }

    // Any thread: records published and not yet consumed; a little late.
    std::size_t waiting() const noexcept { return records_.waiting(); }

private:
    static constexpr unsigned bit(std::size_t kind) noexcept { return 1U << kind; }

    template <std::size_t... kind>
    void make_part_rings(const std::array<std::size_t, kinds>& slots,
                         std::index_sequence<kind...> /*kinds*/) {
        ((slots[kind] != 0 ? void(std::get<kind>(parts_).emplace(slots[kind])) : void()), ...);
    }

    template <std::size_t... kind>
    std::uint8_t push_parts(Parts& parts, std::index_sequence<kind...> /*kinds*/) noexcept {
        unsigned taken = 0;
        const auto push_one = [&taken](auto& ring, auto*& part, unsigned mark) {
            if (part != nullptr && ring && ring->push(*part)) {
                taken |= mark;
            } else {
                part = nullptr;
            }
        };
        (push_one(std::get<kind>(parts_), std::get<kind>(parts), bit(kind)), ...);
        return static_cast<std::uint8_t>(taken);
    }

    template <std::size_t... kind>
    void find_parts(std::span<const flow::FlowRecord> records, std::span<Parts> storage,
                    std::index_sequence<kind...> /*kinds*/) noexcept {
        std::array<std::size_t, kinds> next{};
        const auto find_one = [](auto& ring, std::size_t& ahead, bool has) {
            return has ? ring->peek(ahead++) : nullptr;
        };
        for (std::size_t i = 0; i < records.size(); ++i) {
            storage[i] = Parts{find_one(std::get<kind>(parts_), next[kind],
                                        (records[i].parts & bit(kind)) != 0)...};
        }
    }

    template <std::size_t... kind>
    void consume_parts(std::span<const flow::FlowRecord> records,
                       std::index_sequence<kind...> /*kinds*/) noexcept {
        std::array<std::size_t, kinds> left{};
        for (const flow::FlowRecord& record : records) {
            ((left[kind] += (record.parts & bit(kind)) != 0 ? 1U : 0U), ...);
        }
        ((left[kind] != 0 ? std::get<kind>(parts_)->consume(left[kind]) : void()), ...);
    }

    Ring<flow::FlowRecord> records_;
    std::tuple<std::optional<Ring<Part>>...> parts_;
};

// Which kinds of parts there are, in the order of the bits of FlowRecord::parts.
using RecordRing = BasicRecordRing<inspect::Metadata, flow::TcpReport, flow::TunnelReport,
                                   flow::BehaviourReport, flow::PayloadReport>;
using RecordBatch = RecordRing::Batch;

}  // namespace tapmeter
