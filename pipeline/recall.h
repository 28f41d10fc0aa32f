#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "pipeline/filter/packet_filter.h"
#include "pipeline/flow/flow_key.h"

namespace tapmeter {

// What a recall by filter goes by: the control side compiles it, workers and the writer of recalls
// read it. Each of these lets go of it once; then it may be another one.
struct RecallFilter {
    std::string expression;
    std::unique_ptr<const filter::PacketFilter> packets;
    std::atomic<std::uint32_t> users{0};

    // Pairs with the release in let_go(): whoever read it has done so.
    bool is_free() const noexcept { return users.load(std::memory_order_acquire) == 0; }
    void let_go() noexcept { users.fetch_sub(1, std::memory_order_release); }
};

// Whose packets are wanted out of the history, those that come next included: both directions of a
// flow, all that a host sends and gets, or what a filter accepts. Plain octets: it crosses from the
// control side to each worker, and from a worker to the writer.
struct Recall {
    enum class Of : std::uint8_t { flow, host, filter };
    enum class Why : std::uint8_t { command, alert };

    // Of a flow its key, whatever its VLAN. Of a host: its address is key.low.
    flow::FlowKey key{};
    RecallFilter* filter = nullptr;  // of a filter; outlives its users
    std::int64_t asked_ns = 0;       // packet time, since 1970-01-01 UTC
    std::int64_t oldest_ns = 0;      // of the worker's history then; 0: it held nothing
    std::uint64_t flow_id = 0;       // of an alert, as the rest
    std::uint32_t gid = 0;
    std::uint32_t sid = 0;
    std::uint32_t rev = 0;
    std::uint32_t number = 0;   // of no other recall
    std::uint16_t workers = 1;  // that look for it
    std::uint16_t worker = 0;   // whose history it was
    Of of = Of::flow;
    Why why = Why::command;
};
static_assert(std::is_trivially_copyable_v<Recall>, "crosses rings as octets");

}  // namespace tapmeter
