// What do signatures alone cost a packet? Every packet of a capture is looked at with a set of
// rules, its payload as it stands (no streams, no named buffers), headers decoded before.
//
// TAPMETER_RULES and TAPMETER_CAPTURE name a rule file and a capture; without them 2,000 made rules
// run over made payloads of 600 octets.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pipeline/base/expects.h"
#include "pipeline/decode/frame.h"
#include "pipeline/inspect/rules/rule_files.h"
#include "pipeline/inspect/signatures.h"
#include "src/capture_files/file_capture.h"

namespace tapmeter {
namespace {

constexpr unsigned made_rules = 2'000;
constexpr unsigned made_packets = 4'096;
constexpr std::size_t made_octets = 600;
constexpr std::size_t packets_max = 400'000;

std::string random_text(std::mt19937& random, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += "abcdefghijklmnopqrstuvwxyz0123456789/.-_"[random() % 40];
    }
    return text;
}

std::unique_ptr<const inspect::SignatureSet> load_rules(const char* file, unsigned count) {
    inspect::rules::RuleSet rules;
    if (file != nullptr) {
        inspect::rules::Sources sources;
        sources.rule_files = {file};
        auto read = inspect::rules::read_rules(sources);
        expects(read.has_value());
        rules = std::move(*read);
    }
    std::mt19937 random{7};
    std::string text;
    for (unsigned i = 0; file == nullptr && i < count; ++i) {
        text += "alert " + std::string(i % 2 == 0 ? "tcp" : "udp") +
                " any any -> any any (content:\"" + random_text(random, 6 + random() % 20) +
                "\"; sid:" + std::to_string(i + 1) + ";)\n";
    }
    inspect::rules::parse_rules(text, "made", {}, rules);
    auto set = inspect::SignatureSet::build(std::move(rules), {});
    expects(set.has_value());
    return std::move(*set);
}

struct Traffic {
    std::unique_ptr<Capture> capture;  // keeps the frames
    std::vector<std::string> made;
    std::vector<decode::Headers> packets;
    std::size_t octets = 0;
};

void make_packets(Traffic& traffic) {
    std::mt19937 random{9};
    for (unsigned i = 0; i < made_packets; ++i) {
        traffic.made.push_back(random_text(random, made_octets));
    }
    for (const std::string& payload : traffic.made) {
        decode::Headers headers;
        headers.ip_version = 4;
        headers.protocol = 6;
        headers.payload = std::as_bytes(std::span{payload});
        traffic.packets.push_back(headers);
    }
}

Traffic load_traffic(const char* file) {
    Traffic traffic;
    if (file == nullptr) {
        make_packets(traffic);
    } else {
        auto capture = capture_files::open({.paths = {file}, .keep_pages = true});
        expects(capture.has_value());
        traffic.capture = std::move(*capture);
        PacketSource& source = traffic.capture->queue(0);
        Burst burst;
        while (!source.exhausted() && traffic.packets.size() < packets_max) {
            source.receive(burst);
            for (const Packet& packet : burst.view()) {
                const auto headers = decode::decode_frame(packet);
                if (headers && headers->ip_version != 0) {
                    traffic.packets.push_back(*headers);
                }
            }
            source.release();
        }
    }
    for (const decode::Headers& headers : traffic.packets) {
        traffic.octets += headers.payload.size();
    }
    return traffic;
}

void signatures(benchmark::State& state) {
    const auto set = load_rules(std::getenv("TAPMETER_RULES"), made_rules);
    const Traffic traffic = load_traffic(std::getenv("TAPMETER_CAPTURE"));
    auto kit = inspect::SignatureKit::make(*set);
    expects(kit.has_value());
    inspect::Signatures worker{std::move(*kit), 0};
    inspect::AlertRing ring{4'096};
    std::uint64_t packets = 0;
    std::uint64_t alerts = 0;
    for (auto _ : state) {
        for (const decode::Headers& headers : traffic.packets) {
            const inspect::Inspected packet{.headers = headers};
            alerts += worker.inspect(packet, ring);
        }
        packets += traffic.packets.size();
        ring.publish();
        while (!ring.readable().empty()) {
            ring.consume(ring.readable().size());
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(packets));
    state.counters["ns_per_packet"] =
        benchmark::Counter(static_cast<double>(packets) * 1e-9,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.counters["octets_per_packet"] =
        static_cast<double>(traffic.octets) / static_cast<double>(traffic.packets.size());
    state.counters["rules"] = static_cast<double>(set->coverage().loaded);
    state.counters["matches_per_1000"] =
        static_cast<double>(alerts) * 1e3 / static_cast<double>(packets);
}
BENCHMARK(signatures)->Unit(benchmark::kMillisecond);

// How long until 10,000 rules are in force.
void compile(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(load_rules(nullptr, static_cast<unsigned>(state.range(0))));
    }
}
BENCHMARK(compile)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace tapmeter

BENCHMARK_MAIN();
