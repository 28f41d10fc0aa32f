#include "src/bench/stages.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "pipeline/decode/frame.h"
#include "pipeline/flow/common_frame.h"
#include "pipeline/worker.h"
#include "src/bench/memory_source.h"
#include "src/bench/outcome.h"

namespace tapmeter::bench {

namespace {

constexpr std::size_t ring_records = 8'192;
// As the worker's.
constexpr std::size_t expired_per_turn_max = 256;
constexpr std::size_t keys_per_announcement = 16;

enum class Stage : std::uint8_t { receive, decode, hash, bucket, record, expiry, worker, count };
constexpr auto stages = static_cast<std::size_t>(Stage::count);
constexpr std::array<const char*, stages> stage_names{
    "receive", "decode and key", "hash", "bucket", "record update", "expiry", "books, publishing"};

void empty(RecordRing& ring) noexcept {
    for (auto some = ring.readable(); !some.empty(); some = ring.readable()) {
        ring.consume(some.size());
    }
}

// The parts of a worker, so that the road can end early, and a worker beside them.
class Road {
public:
    Road(Traffic traffic, const StagesRequest& request, std::array<flow::FlowTable, 2> tables)
        : traffic_(std::move(traffic)),
          source_(traffic_, {.clock = &clock_}),
          vlan_in_key_(request.vlan_in_key),
          metering_({.ring = ring_,
                     .books = books_,
                     .table = std::move(tables[0]),
                     .hasher = hasher_,
                     .timeouts = request.timeouts}),
          worker_({.source = source_,
                   .ring = ring_,
                   .clock = &clock_,
                   .table = std::move(tables[1]),
                   .hash_key = hash_key,
                   .timeouts = request.timeouts,
                   .vlan_in_key = request.vlan_in_key}) {}

    void warm_up() {
        for (const Stage stage : {Stage::expiry, Stage::worker}) {
            walk(stage, source_.counters().received.value + traffic_.warm_packets());
        }
    }

    // Nanoseconds of CPU time a packet, of so many packets up to this stage.
    double measure(Stage stage, std::uint64_t packets) {
        const Reading begin = source_.read_here();
        walk(stage, begin.packets + packets);
        return cpu_ns_per_packet(between(begin, source_.read_here()));
    }

private:
    // Until the source has given so many packets in all.
    void walk(Stage stage, std::uint64_t until) {
        while (source_.counters().received.value < until) {
            if (stage == Stage::worker) {
                worker_.step();
            } else {
                turn(stage);
            }
            ring_.publish();
            empty(ring_);
        }
    }

    void turn(Stage stage) {
        source_.receive(burst_);
        if (stage >= Stage::decode) {
            look_at(stage);
        }
        source_.release();
        if (stage >= Stage::expiry) {
            metering_.expire(clock_.now(), expired_per_turn_max);
        }
    }

    // As the worker does: keys are announced in pieces while later packets are decoded.
    void look_at(Stage stage) {
        std::size_t count = 0;
        ObservedAt newest{};
        for (const Packet& packet : burst_.view()) {
            newest = packet.observed_at;
            if (!read(packet, keys_[count], observations_[count])) {
                continue;
            }
            observations_[count].at = newest;
            ++count;
            if (count % keys_per_announcement == 0) {
                announce(stage, count - keys_per_announcement, keys_per_announcement);
            }
        }
        const std::size_t rest = count % keys_per_announcement;
        announce(stage, count - rest, rest);
        if (stage >= Stage::record) {
            metering_.meter(std::span{keys_}.first(count), std::span{observations_}.first(count),
                            newest);
        } else if (stage == Stage::bucket) {
            for (std::size_t i = 0; i < count; ++i) {
                seen_ += number_of(metering_.table().guess(hashes_[i]));
            }
        }
    }

    bool read(const Packet& packet, flow::FlowKey& key, flow::Observation& observation) const {
        if (flow::read_common(packet, vlan_in_key_, key, observation)) [[likely]] {
            return true;
        }
        const auto headers = decode::decode_frame(packet);
        if (!headers || headers->ip_version == 0) {
            return false;
        }
        const auto sender = flow::write_key(*headers, vlan_in_key_, key);
        flow::observe(*headers, packet, sender, observation);
        return true;
    }

    void announce(Stage stage, std::size_t first, std::size_t count) {
        const auto keys = std::span{keys_}.subspan(first, count);
        if (stage >= Stage::record) {
            metering_.announce(keys);
        } else if (stage != Stage::decode) {
            const auto hashes = std::span{hashes_}.subspan(first, count);
            hasher_.hash(keys, hashes);
            for (std::size_t i = 0; i < count && stage == Stage::bucket; ++i) {
                metering_.table().prefetch_bucket(hashes[i]);
            }
        }
    }

    static constexpr flow::HashKey hash_key{0x243f'6a88'85a3'08d3, 0x1319'8a2e'0370'7344};

    LiveClock clock_;
    Traffic traffic_;
    MemorySource source_;
    RecordRing ring_{ring_records};
    bool vlan_in_key_;
    Burst burst_{};
    std::array<flow::FlowKey, burst_packets_max> keys_{};
    std::array<flow::Observation, burst_packets_max> observations_{};
    std::array<FlowHash, burst_packets_max> hashes_{};
    std::uint64_t seen_ = 0;
    WorkerBooks books_{};
    flow::FlowHasher hasher_{hash_key};
    Metering metering_;
    Worker worker_;
};

}  // namespace

Result<std::vector<StageCost>> measure_stages(Traffic traffic, const StagesRequest& request) {
    auto first = flow::FlowTable::make(request.table);
    auto second = flow::FlowTable::make(request.table);
    if (!first || !second) {
        return tl::unexpected<Error>(std::move(first ? second.error() : first.error()));
    }
    const auto road = std::make_unique<Road>(
        std::move(traffic), request,
        std::array<flow::FlowTable, 2>{std::move(*first), std::move(*second)});
    road->warm_up();
    std::array<double, stages> best{};
    best.fill(std::numeric_limits<double>::max());
    for (unsigned round = 0; round < request.rounds; ++round) {
        for (std::size_t stage = 0; stage < stages; ++stage) {
            best[stage] =
                std::min(best[stage], road->measure(static_cast<Stage>(stage), request.packets));
        }
    }
    std::vector<StageCost> costs;
    for (std::size_t stage = 0; stage < stages; ++stage) {
        costs.push_back({stage_names[stage], best[stage] - (stage == 0 ? 0 : best[stage - 1])});
    }
    return costs;
}

}  // namespace tapmeter::bench
