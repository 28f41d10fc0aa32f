#include "src/appliance/crew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>

#include "src/generator/conversation.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using testing::broken_law;
using ::testing::HasSubstr;
using testing::ReplaySource;
using testing::WorkerBench;

// Rings take all records of a test, so that nobody need empty them meanwhile.
constexpr testing::WorkerSetup roomy{.flows_max = 16'384, .ring_capacity = 32'768};

std::vector<testing::Frame> conversations(std::uint64_t first, std::uint64_t count) {
    std::vector<testing::Frame> frames;
    for (std::uint64_t number = first; number < first + count; ++number) {
        generator::Conversation conversation(number);
        while (!conversation.finished()) {
            std::array<std::byte, generator::frame_octets_max> octets{};
            const std::size_t size = conversation.next(octets);
            frames.emplace_back(octets.begin(), octets.begin() + static_cast<long>(size));
        }
    }
    return frames;
}

// A port that never falls silent: one frame over and over, a burst at every look.
class EndlessSource final : public PacketSource {
public:
    explicit EndlessSource(const LiveClock& clock) : clock_(clock) {}

    void receive(Burst& burst) noexcept override {
        burst.count = burst_packets_max;
        for (Packet& packet : burst.packets) {
            packet = testing::packet_of(frame_);
            packet.observed_at = clock_.now();
        }
        handed_out_.fetch_add(burst.count);
    }
    void release() noexcept override {}
    SourceCounters counters() const noexcept override {
        return {.received = {handed_out_.load()},
                .received_octets = {handed_out_.load() * frame_.size()}};
    }
    std::string describe() const override { return "endless"; }

private:
    const LiveClock& clock_;
    testing::Frame frame_ = testing::FrameBuilder{}.ethernet().ipv4().udp(1, 2).frame();
    std::atomic<std::uint64_t> handed_out_{0};
};

TEST(Crew, workers_on_recordings_end_by_themselves) {
    const auto frames = conversations(0, 100);
    const auto other_frames = conversations(100, 50);
    ReplaySource source(frames);
    ReplaySource other(other_frames);
    WorkerBench first(source, roomy);
    WorkerBench second(other, roomy);
    Crew crew({.members = {{.worker = &first.worker(), .live = false},
                           {.worker = &second.worker(), .live = false}},
               .around = {}});
    ASSERT_TRUE(crew.start().has_value());
    EXPECT_TRUE(crew.wait_for(60s));
    crew.stop({});
    for (WorkerBench* bench : {&first, &second}) {
        bench->collect();
        EXPECT_EQ(broken_law(bench->books()), "");
        EXPECT_EQ(bench->books().flows_active, 0U);
    }
    EXPECT_EQ(first.books().received_packets, frames.size());
    EXPECT_EQ(second.books().received_packets, other_frames.size());
}

TEST(Crew, a_live_worker_stops_when_asked_and_has_metered_all_it_was_given) {
    const LiveClock clock;
    EndlessSource source(clock);
    WorkerBench bench(source, {.clock = &clock});
    Crew crew({.members = {{.worker = &bench.worker()}}, .around = {}});
    ASSERT_TRUE(crew.start().has_value());
    EXPECT_FALSE(crew.wait_for(20ms)) << "nobody has asked";
    const auto asked = std::chrono::steady_clock::now();
    crew.request_stop();
    EXPECT_TRUE(crew.wait_for(0ms));
    crew.stop(clock.now());
    // A port that never falls silent is emptied for a second, no longer.
    EXPECT_LT(std::chrono::steady_clock::now() - asked, 2s);
    bench.collect();

    const WorkerBooks books = bench.books();
    EXPECT_GT(books.received_packets, 0U);
    EXPECT_EQ(books.received_packets, source.counters().received.value);
    EXPECT_EQ(books.received_octets, source.counters().received_octets.value);
    EXPECT_EQ(books.metered.packets, books.received_packets);
    EXPECT_EQ(books.flows_active, 0U);
    EXPECT_EQ(broken_law(books), "");
    EXPECT_EQ(traffic_of(bench.records().front()), books.metered);
}

// The whole way: one thread that steers, three that meter, as many records as one worker makes.
TEST(Crew, a_steering_thread_and_three_workers_lose_nothing) {
    const auto frames = conversations(0, 400);
    ReplaySource lonely_source(frames);
    WorkerBench lonely(lonely_source, roomy);
    lonely.run_to_the_end();

    ReplaySource source(frames);
    Steering steering({.inlets = {&source}, .outlets = 3, .views_stay_valid = true, .hash_key = 7});
    std::vector<std::unique_ptr<WorkerBench>> benches;
    Crew::Parts parts{.members = {}, .steering = &steering, .steering_live = false, .around = {}};
    for (std::size_t number = 0; number < 3; ++number) {
        benches.push_back(std::make_unique<WorkerBench>(steering.outlet(number), roomy));
        parts.members.push_back({.worker = &benches.back()->worker(), .live = false});
    }
    Crew crew(std::move(parts));
    ASSERT_TRUE(crew.start().has_value());
    EXPECT_TRUE(crew.wait_for(60s));
    crew.stop({});

    std::uint64_t received = 0;
    std::multiset<std::uint64_t> flow_ids;
    for (const auto& bench : benches) {
        bench->collect();
        EXPECT_EQ(broken_law(bench->books()), "");
        received += bench->books().received_packets;
        for (const auto& record : bench->records()) {
            flow_ids.insert(record.flow_id);
        }
    }
    std::multiset<std::uint64_t> expected;
    for (const auto& record : lonely.records()) {
        expected.insert(record.flow_id);
    }
    EXPECT_EQ(received, frames.size());
    EXPECT_EQ(steering.waiting(), 0U);
    EXPECT_EQ(flow_ids, expected);
}

TEST(Crew, a_steered_live_crew_stops_when_asked) {
    const LiveClock clock;
    EndlessSource source(clock);
    Steering steering({.inlets = {&source}, .outlets = 2, .views_stay_valid = true, .hash_key = 7});
    WorkerBench first(steering.outlet(0), {.clock = &clock});
    WorkerBench second(steering.outlet(1), {.clock = &clock});
    Crew crew({.members = {{.worker = &first.worker()}, {.worker = &second.worker()}},
               .steering = &steering,
               .around = {}});
    ASSERT_TRUE(crew.start().has_value());
    EXPECT_FALSE(crew.wait_for(20ms));
    const auto asked = std::chrono::steady_clock::now();
    crew.stop(clock.now());
    EXPECT_LT(std::chrono::steady_clock::now() - asked, 2s);
    EXPECT_EQ(first.books().received_packets + second.books().received_packets,
              source.counters().received.value);
    EXPECT_EQ(steering.waiting(), 0U);
}

TEST(Crew, a_core_that_cannot_be_used_refuses_the_start_and_leaves_no_thread) {
    ReplaySource source(conversations(0, 10));
    const LiveClock clock;
    EndlessSource endless(clock);
    WorkerBench first(source, roomy);
    WorkerBench second(endless, {.flows_max = 1'024, .ring_capacity = 1'024, .clock = &clock});
    Crew crew({.members = {{.worker = &first.worker(), .live = false, .core = 5'000},
                           {.worker = &second.worker()}},
               .around = {}});
    const auto started = crew.start();
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().kind, Error::Kind::invalid_config);
    EXPECT_THAT(started.error().message, HasSubstr("core 5000"));
    const std::uint64_t handed_out = endless.counters().received.value;
    EXPECT_EQ(second.books().received_packets, handed_out);
    crew.stop({});
    crew.stop({});
    EXPECT_EQ(endless.counters().received.value, handed_out);
}

TEST(Crew, stop_twice_or_before_the_start_is_no_harm) {
    ReplaySource source(conversations(0, 10));
    WorkerBench bench(source, roomy);
    std::atomic<int> inside{0};
    Crew crew({.members = {{.worker = &bench.worker(), .live = false}},
               .around = [&inside](const std::function<void()>& body) {
                   ++inside;
                   body();
                   --inside;
               }});
    crew.stop({});
    ASSERT_TRUE(crew.start().has_value());
    EXPECT_EQ(inside, 1) << "the thread is inside of what it needs";
    EXPECT_TRUE(crew.wait_for(60s));
    crew.stop({});
    EXPECT_EQ(inside, 0);
    const std::uint64_t packets = bench.books().received_packets;
    crew.stop({});
    EXPECT_EQ(bench.books().received_packets, packets);
}

}  // namespace
}  // namespace tapmeter
