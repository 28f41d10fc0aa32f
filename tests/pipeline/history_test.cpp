#include "pipeline/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/frames.h"
#include "tests/support/worker_bench.h"

namespace tapmeter {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::Frame;
using testing::FrameBuilder;
using ::testing::IsEmpty;
using testing::packet_of;
using Mark = SavedPacket::Mark;

constexpr std::uint32_t whole = 262'144;

ObservedAt at(std::int64_t milliseconds) {
    return ObservedAt{std::chrono::milliseconds(milliseconds)};
}

Frame tcp(std::uint16_t source_port, std::uint32_t host = 1, std::size_t octets = 0) {
    return FrameBuilder{}
        .ethernet()
        .ipv4({.protocol = 6, .source = 0x0a00'0000U + host, .destination = 0x0a00'00ffU})
        .tcp(source_port, 80)
        .fill(octets, 0x61)
        .frame();
}

flow::FlowKey key_of(std::uint16_t port) {
    decode::Headers headers;
    headers.source = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
    headers.destination = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 255};
    headers.source_port = port;
    headers.destination_port = 80;
    headers.protocol = 6;
    headers.ip_version = 4;
    flow::FlowKey key;
    flow::write_key(headers, false, key);
    return key;
}

Recall host(std::uint8_t last_octet, std::uint32_t number = 7) {
    Recall recall{.number = number, .of = Recall::Of::host};
    recall.key.low = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, last_octet};
    recall.key.ip_version = 4;
    return recall;
}

Recall flow_of(std::uint16_t port, std::uint32_t number = 7) {
    return {.key = key_of(port), .number = number};
}

inspect::Alert alert_of(std::uint16_t port, std::int64_t milliseconds) {
    inspect::Alert alert;
    alert.source = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 255};
    alert.destination = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
    alert.source_port = 80;
    alert.destination_port = port;
    alert.protocol = 6;
    alert.ip_version = 4;
    alert.sid = 2'000'001;
    alert.at = at(milliseconds);
    return alert;
}

// A history with its ring; packets are a millisecond apart and of the wire length of their number.
class Bench {
public:
    explicit Bench(History::Settings settings = {}, std::uint64_t ring_octets = 0) {
        settings.snap_octets = settings.snap_octets == 0 ? whole : settings.snap_octets;
        settings.after = settings.after.count() == 0 ? 10ms : settings.after;
        settings.packets_after_max =
            settings.packets_after_max == 0 ? 1'000 : settings.packets_after_max;
        ring_ = std::move(*SaveRing::make(ring_octets, false));
        history = std::move(*History::make(settings, *ring_));
    }

    void come(const Frame& frame) {
        Packet packet = packet_of(frame, LinkType::ethernet, frame.size() + packets_);
        packet.observed_at = at(packets_++);
        history->take({&packet, 1});
    }
    void serve() { history->serve(at(packets_)); }

    // What the writer finds: numbers of packets, -1 and -2 for the marks; by recall.
    std::vector<int> written(std::uint32_t recall = 7) {
        ring_->flush();
        for (auto chunk = ring_->oldest(); !chunk.empty(); chunk = ring_->oldest()) {
            for_each_saved(chunk, [this](const SavedPacket& head, Bytes frame) {
                const int number = head.mark == Mark::recall_begins ? -1
                                   : head.mark == Mark::recall_ends
                                       ? -2
                                       : static_cast<int>(head.wire_octets - frame.size());
                written_[head.recall].push_back(number);
            });
            ring_->give_back();
        }
        return std::exchange(written_[recall], {});
    }
    HistoryBooks books() const {
        HistoryBooks books;
        history->tell(books);
        return books;
    }
    std::vector<std::uint32_t> recalls() {
        written(0);
        std::vector<std::uint32_t> numbers;
        for (const auto& [number, packets] : written_) {
            if (!packets.empty()) {
                numbers.push_back(number);
            }
        }
        return numbers;
    }

    std::unique_ptr<History> history;

private:
    std::unique_ptr<SaveRing> ring_;
    std::int64_t packets_ = 0;
    std::map<std::uint32_t, std::vector<int>> written_;
};

TEST(History, a_recalled_flow_has_its_packets_before_and_after_and_no_others) {
    Bench bench;
    for (const unsigned port : {1'000U, 1'001U, 1'000U}) {
        bench.come(tcp(static_cast<std::uint16_t>(port)));
    }
    ASSERT_TRUE(bench.history->ask(flow_of(1'000)));
    bench.serve();
    bench.come(tcp(1'001));
    bench.come(tcp(1'000));
    bench.serve();
    EXPECT_THAT(bench.written(), ElementsAre(-1, 0, 2, 4));
    EXPECT_EQ(bench.books().open, 1U);
    for (int i = 5; i < 20; ++i) {
        bench.come(tcp(1'001));
    }
    bench.come(tcp(1'000));
    bench.serve();
    EXPECT_THAT(bench.written(), ElementsAre(-2)) << "time is over";
    const HistoryBooks books = bench.books();
    EXPECT_EQ(books.ended, 1U);
    EXPECT_EQ(books.open, 0U);
    EXPECT_EQ(books.recalled.wanted.packets, 3U);
    EXPECT_EQ(books.recalled.wanted, books.recalled.handed);
}

// Asked at 1 ms, for 10 ms: a packet at 11 ms still belongs to it, one at 12 ms does not.
TEST(History, time_ends_where_it_is_said) {
    for (const int last : {11, 12}) {
        Bench bench;
        bench.come(tcp(1));
        ASSERT_TRUE(bench.history->ask(flow_of(1)));
        bench.serve();
        for (int i = 1; i < last; ++i) {
            bench.come(tcp(2));
        }
        bench.come(tcp(1));
        bench.serve();
        EXPECT_EQ(bench.books().recalled.handed.packets, last == 11 ? 2U : 1U) << last;
    }
}

TEST(History, ends_behind_as_many_packets_as_are_asked_for) {
    Bench bench({.after = 1h, .packets_after_max = 2});
    bench.come(tcp(1));
    ASSERT_TRUE(bench.history->ask(flow_of(1)));
    bench.serve();
    for (int i = 0; i < 2; ++i) {
        bench.come(tcp(1));
    }
    bench.serve();
    EXPECT_THAT(bench.written(), ElementsAre(-1, 0, 1, 2));
    bench.come(tcp(2));
    bench.serve();
    EXPECT_THAT(bench.written(), ElementsAre(-2));
}

TEST(History, a_host_has_all_its_flows_both_ways) {
    Bench bench;
    bench.come(tcp(1, 1));
    bench.come(tcp(2, 2));
    bench.come(FrameBuilder{}
                   .ethernet()
                   .ipv4({.protocol = 17, .source = 0x0a00'0009U, .destination = 0x0a00'0001U})
                   .udp(53, 5'353)
                   .frame());
    bench.come(tcp(3, 1));
    ASSERT_TRUE(bench.history->ask(host(1)));
    bench.serve();
    EXPECT_THAT(bench.written(), ElementsAre(-1, 0, 2, 3));
}

TEST(History, an_address_of_the_other_version_is_another_host) {
    Bench bench;
    bench.come(tcp(1, 1));
    Recall recall = host(1);
    recall.key.ip_version = 6;
    ASSERT_TRUE(bench.history->ask(recall));
    bench.serve();
    EXPECT_THAT(bench.written(), ElementsAre(-1));
}

TEST(History, a_flow_has_its_later_fragments_and_its_tagged_packets) {
    Bench bench;
    const auto udp = [](std::uint16_t fragment, std::uint32_t source) {
        return FrameBuilder{}
            .ethernet()
            .vlan(7)
            .ipv4({.fragment = fragment,
                   .protocol = 6,
                   .source = source,
                   .destination = 0x0a00'00ffU})
            .tcp(1, 80)
            .frame();
    };
    bench.come(udp(0, 0x0a00'0001));
    bench.come(udp(0x00b9, 0x0a00'0001));
    bench.come(udp(0x00b9, 0x0a00'0002));
    ASSERT_TRUE(bench.history->ask(flow_of(1)));
    bench.serve();
    EXPECT_THAT(bench.written(), ElementsAre(-1, 0, 1));
}

TEST(History, an_alert_recalls_its_flow_and_the_next_one_of_it_only_prolongs_that) {
    Bench bench({.worker = 2});
    bench.come(tcp(1));
    bench.come(tcp(2));
    bench.history->hear(alert_of(1, 1));
    bench.history->hear(alert_of(1, 2));
    bench.serve();
    EXPECT_THAT(bench.recalls(), ElementsAre((3U << 24U) | 1U));
    EXPECT_THAT(bench.written((3U << 24U) | 1U), ElementsAre(-1, 0));
    EXPECT_EQ(bench.books().joined, 1U);
    for (int i = 2; i < 12; ++i) {
        bench.come(tcp(2));
    }
    bench.come(tcp(1));  // at 12 ms: ten behind the second alert
    bench.serve();
    EXPECT_THAT(bench.written((3U << 24U) | 1U), ElementsAre(12, -2));
}

TEST(History, alerts_are_heard_only_where_they_are_wanted) {
    Bench bench({.on_alert = false});
    bench.come(tcp(1));
    bench.history->hear(alert_of(1, 0));
    bench.serve();
    EXPECT_THAT(bench.recalls(), IsEmpty());
}

TEST(History, more_alerts_than_may_be_open_are_turned_away_and_commands_are_not) {
    Bench bench({.after = 1h});
    for (std::uint16_t port = 1; port <= History::alert_recalls_max + 3; ++port) {
        bench.history->hear(alert_of(port, 0));
    }
    EXPECT_EQ(bench.books().open, History::alert_recalls_max);
    EXPECT_EQ(bench.books().turned_away, 3U);
    for (std::uint32_t number = 1; number <= History::commands_max; ++number) {
        EXPECT_TRUE(bench.history->ask(flow_of(1, number)));
    }
    EXPECT_FALSE(bench.history->ask(flow_of(1, 99)));
    bench.serve();
    EXPECT_EQ(bench.books().open, History::alert_recalls_max + History::commands_max);
}

// Frames of all lengths, many times around the memory: what is held is always the newest packets,
// whole, and a recall of all of them gives them in order.
TEST(History, holds_the_newest_packets_that_fit) {
    Bench bench;
    std::vector<std::uint64_t> rooms;
    for (int i = 0; i < 5'000; ++i) {
        const Frame frame = tcp(1, 1, static_cast<std::size_t>(i * 37 % 1'400));
        rooms.push_back(SavedPacket::room_for(frame.size()));
        bench.come(frame);
    }
    const HistoryBooks books = bench.books();
    std::uint64_t octets = 0;
    for (std::size_t i = rooms.size() - books.held.packets; i < rooms.size(); ++i) {
        octets += rooms[i];
    }
    EXPECT_LE(octets, History::octets_min);
    EXPECT_GT(octets, History::octets_min - 4 * 1'500);
    EXPECT_EQ(books.oldest_ns, (5'000 - books.held.packets) * 1'000'000);

    ASSERT_TRUE(bench.history->ask(flow_of(1)));
    std::vector<int> seen;
    for (int i = 0; i < 20; ++i) {
        bench.serve();
        const auto some = bench.written();
        seen.insert(seen.end(), some.begin(), some.end());
    }
    ASSERT_EQ(seen.size(), books.held.packets + 1);
    for (std::size_t i = 1; i < seen.size(); ++i) {
        ASSERT_EQ(seen[i], static_cast<int>(5'000 - books.held.packets + i - 1));
    }
}

// The writer does not come: what leaves the history meanwhile is lost by name, the rest is not.
TEST(History, waits_for_the_writer_as_long_as_packets_are_held) {
    Bench bench({.octets = 4U << 20U, .after = 1h, .packets_after_max = 1'000'000});
    for (int i = 0; i < 3'000; ++i) {
        bench.come(tcp(1, 1, 1'200));
    }
    ASSERT_TRUE(bench.history->ask(flow_of(1)));
    for (int i = 0; i < 100; ++i) {
        bench.serve();
    }
    const std::uint64_t handed = bench.books().recalled.handed.packets;
    EXPECT_LT(handed, 3'000U) << "the ring is smaller";
    EXPECT_EQ(bench.books().recalled.refused[index_of(NotWritten::left_history)], SavedTotals{});
    EXPECT_FALSE(bench.history->keeps_up());
    for (int i = 0; i < 3'000; ++i) {
        bench.come(tcp(1, 1, 1'200));
    }
    const std::uint64_t lost =
        bench.books().recalled.refused[index_of(NotWritten::left_history)].packets;
    EXPECT_GT(lost, 0U);
    std::size_t written = 0;
    for (int i = 0; i < 200 && !bench.history->finish(at(6'000)); ++i) {
        written += bench.written().size();
    }
    written += bench.written().size();
    EXPECT_EQ(written, 6'000 - lost + 2);
    const HistoryBooks books = bench.books();
    EXPECT_EQ(books.recalled.wanted.packets, 6'000U);
    EXPECT_EQ(books.recalled.handed.packets, 6'000U - lost);
    EXPECT_EQ(books.open, 0U);
}

TEST(History, a_frame_without_a_link_type_is_not_held_and_one_is_cut_at_the_snap_length) {
    Bench bench({.snap_octets = 128});
    bench.come(tcp(1, 1, 500));
    const Frame frame = tcp(1);
    const Packet strange = packet_of(frame, LinkType::unknown);
    bench.history->take({&strange, 1});
    EXPECT_EQ(bench.books().held, (SavedTotals{1, 128}));
    EXPECT_EQ(bench.books().not_held, 1U);
}

TEST(History, the_end_of_the_program_ends_all_recalls) {
    Bench bench({.after = 1h});
    bench.come(tcp(1));
    ASSERT_TRUE(bench.history->ask(flow_of(1)));
    while (!bench.history->finish(at(0))) {
    }
    EXPECT_THAT(bench.written(), ElementsAre(-1, 0, -2));
}

// Under TSan: one thread asks, one receives, one writes.
TEST(History, three_threads_share_it) {
    auto ring = std::move(*SaveRing::make(0, false));
    auto history = std::move(
        *History::make({.snap_octets = whole, .after = 1ms, .packets_after_max = 100}, *ring));
    const Frame frame = tcp(1);
    constexpr std::uint32_t asked_for = 200;
    std::jthread asks([&] {
        for (std::uint32_t number = 1; number <= asked_for;) {
            number += history->ask(flow_of(1, number)) ? 1U : 0U;
            std::this_thread::yield();
        }
    });
    std::uint32_t ended = 0;
    std::uint64_t packets = 0;
    std::jthread worker([&](const std::stop_token& stop) {
        for (std::int64_t now = 0; !stop.stop_requested(); ++now) {
            Packet packet = packet_of(frame);
            packet.observed_at = at(now);
            history->take({&packet, 1});
            history->serve(at(now));
        }
    });
    while (ended < asked_for) {
        const auto chunk = ring->oldest();
        for_each_saved(chunk, [&](const SavedPacket& head, Bytes) {
            ended += head.mark == Mark::recall_ends ? 1U : 0U;
            packets += head.mark == Mark::none ? 1U : 0U;
        });
        if (!chunk.empty()) {
            ring->give_back();
        }
    }
    worker = {};
    EXPECT_EQ(history->finish(at(0)), true);
    EXPECT_GE(packets, asked_for);
}

}  // namespace
}  // namespace tapmeter
