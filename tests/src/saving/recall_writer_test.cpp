#include "src/saving/recall_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "src/capture_files/file_capture.h"
#include "tests/src/saving/folder.h"
#include "tests/support/frames.h"

namespace tapmeter::saving {
namespace {

using ::testing::ElementsAre;
using testing::Folder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Frame = tapmeter::testing::Frame;

std::vector<std::int64_t> times_in(const std::string& path) {
    auto capture = capture_files::open({.paths = {path}});
    EXPECT_TRUE(capture) << path;
    std::vector<std::int64_t> all;
    Burst burst;
    PacketSource& queue = (*capture)->queue(0);
    while (!queue.exhausted()) {
        queue.receive(burst);
        for (const Packet& packet : burst.view()) {
            all.push_back(packet.observed_at.time_since_epoch().count());
        }
        queue.release();
    }
    EXPECT_TRUE((*capture)->status()) << path;
    return all;
}

std::string octets_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Recall host(std::uint32_t number, std::uint16_t workers = 1) {
    Recall recall{.asked_ns = 1'764'000'000'000'000'000,
                  .oldest_ns = 1'763'999'999'000'000'000,
                  .number = number,
                  .workers = workers,
                  .of = Recall::Of::host};
    recall.key.low = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 7};
    recall.key.ip_version = 4;
    return recall;
}

class Bench {
public:
    explicit Bench(RecallWriter::Parts parts, std::size_t workers = 1) {
        for (std::size_t worker = 0; worker < workers; ++worker) {
            rings_.push_back(std::move(*SaveRing::make(8 * SaveRing::chunk_octets, false)));
            parts.rings.push_back(rings_.back().get());
        }
        parts.folder = parts.folder.empty() ? folder / "made" : parts.folder;
        parts.files_max = parts.files_max == 0 ? 10 : parts.files_max;
        parts.file_octets = parts.file_octets == 0 ? 1U << 20U : parts.file_octets;
        parts.points = {{"eth1", ""}};
        parts.statistics = [](std::size_t) { return Blocks::Statistics{}; };
        parts.log = [this](const std::string& line) { said.push_back(line); };
        made = RecallWriter::make(std::move(parts));
    }
    void mark(const Recall& recall, SavedPacket::Mark mark, std::size_t worker = 0) {
        const bool begins = mark == SavedPacket::Mark::recall_begins;
        const auto octets = std::as_bytes(std::span{&recall, 1}).first(begins ? sizeof(recall) : 0);
        EXPECT_TRUE(rings_[worker]->put({.octets = static_cast<std::uint32_t>(octets.size()),
                                         .mark = mark,
                                         .recall = recall.number},
                                        octets));
    }
    void packet(std::uint32_t recall, std::int64_t time, std::size_t worker = 0) {
        const Frame frame(60);
        EXPECT_TRUE(rings_[worker]->put(
            {.observed_ns = time, .octets = 60, .wire_octets = 60, .recall = recall}, frame));
    }
    // A whole recall of one worker with one packet.
    void one(const Recall& recall, std::int64_t time) {
        mark(recall, SavedPacket::Mark::recall_begins);
        packet(recall.number, time);
        mark(recall, SavedPacket::Mark::recall_ends);
    }
    RecallBooks finish() {
        for (const auto& ring : rings_) {
            ring->flush();
        }
        std::jthread writer([this](const std::stop_token& stop) { (*made)->run(stop); });
        writer.request_stop();
        writer.join();
        return (*made)->books();
    }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder / "made")) {
            all.push_back(entry.path().filename());
        }
        std::ranges::sort(all);
        return all;
    }

    Folder folder;
    std::vector<std::string> said;
    Result<std::unique_ptr<RecallWriter>> made;

private:
    std::vector<std::unique_ptr<SaveRing>> rings_;
};

bool balanced(const WriterBooks& books) {
    SavedTotals found = books.written;
    found += books.buffered;
    for (const SavedTotals& dropped : books.dropped) {
        found += dropped;
    }
    return found == books.taken;
}

TEST(RecallWriter, writes_a_file_that_says_what_it_is_for) {
    Bench bench({});
    bench.one(host(1), 5);
    const RecallBooks books = bench.finish();
    ASSERT_THAT(bench.names(), ElementsAre("recall-20251124T160000Z-00000001-host.pcapng"));
    const std::string path = bench.folder / ("made/" + bench.names().front());
    EXPECT_THAT(times_in(path), ElementsAre(5));
    EXPECT_THAT(octets_of(path),
                HasSubstr("tapmeter recall 1: host 192.0.2.7, asked for at 2025-11-24T16:00:00"));
    EXPECT_THAT(octets_of(path), HasSubstr("history of worker 0: from 2025-11-24T15:59:59"));
    EXPECT_EQ(books.closed, 1U);
    EXPECT_EQ(books.commands_done, 1U);
    EXPECT_EQ(books.files.written.packets, 1U);
    EXPECT_TRUE(balanced(books.files));
}

TEST(RecallWriter, says_the_filter_and_lets_go_of_it) {
    Bench bench({});
    RecallFilter filter{.expression = "udp port 53", .packets = nullptr, .users = 1};
    Recall recall = host(1);
    recall.of = Recall::Of::filter;
    recall.filter = &filter;
    bench.one(recall, 5);
    bench.finish();
    ASSERT_THAT(bench.names(), ElementsAre("recall-20251124T160000Z-00000001-filter.pcapng"));
    EXPECT_THAT(octets_of(bench.folder / ("made/" + bench.names().front())),
                HasSubstr("tapmeter recall 1: filter udp port 53, asked for at"));
    EXPECT_TRUE(filter.is_free());
}

TEST(RecallWriter, puts_packets_of_several_workers_in_the_order_of_their_times) {
    Bench bench({}, 2);
    for (const std::size_t worker : {0U, 1U}) {
        bench.mark(host(3, 2), SavedPacket::Mark::recall_begins, worker);
        for (std::int64_t time = 0; time < 100; ++time) {
            bench.packet(3, 2 * time + static_cast<std::int64_t>(worker), worker);
        }
        bench.mark(host(3, 2), SavedPacket::Mark::recall_ends, worker);
    }
    bench.finish();
    ASSERT_EQ(bench.names().size(), 1U);
    const auto times = times_in(bench.folder / ("made/" + bench.names().front()));
    EXPECT_EQ(times.size(), 200U);
    EXPECT_TRUE(std::ranges::is_sorted(times));
}

TEST(RecallWriter, a_recall_without_packets_leaves_no_file) {
    Bench bench({});
    bench.mark(host(1), SavedPacket::Mark::recall_begins);
    bench.mark(host(1), SavedPacket::Mark::recall_ends);
    const RecallBooks books = bench.finish();
    EXPECT_THAT(bench.names(), IsEmpty());
    EXPECT_EQ(books.empty, 1U);
    EXPECT_EQ(books.commands_done, 1U);
}

TEST(RecallWriter, keeps_as_many_files_as_it_may_also_those_of_earlier_runs) {
    Bench before({});
    std::filesystem::create_directories(before.folder / "made");
    std::ofstream(before.folder / "made/recall-20200101T000000Z-00000001-flow.pcapng") << "x";
    std::ofstream(before.folder / "made/other.pcapng") << "x";
    Bench bench({.folder = before.folder / "made", .files_max = 2});
    bench.one(host(1), 5);
    EXPECT_EQ(bench.finish().files_removed, 0U);
    bench.one(host(2), 6);
    EXPECT_EQ(bench.finish().files_removed, 1U);
    EXPECT_THAT(before.names(),
                ElementsAre("other.pcapng", "recall-20251124T160000Z-00000001-host.pcapng",
                            "recall-20251124T160000Z-00000002-host.pcapng"));
}

TEST(RecallWriter, what_a_file_may_not_hold_is_counted) {
    Bench bench({.file_octets = 1'024});
    bench.mark(host(1), SavedPacket::Mark::recall_begins);
    for (std::int64_t time = 0; time < 100; ++time) {
        bench.packet(1, time);
    }
    bench.mark(host(1), SavedPacket::Mark::recall_ends);
    const RecallBooks books = bench.finish();
    EXPECT_GT(books.files.written.packets, 2U);
    EXPECT_EQ(books.files.dropped[index_of(NotWritten::file_full)].packets,
              100 - books.files.written.packets);
    EXPECT_TRUE(balanced(books.files));
    EXPECT_LE(std::filesystem::file_size(bench.folder / ("made/" + bench.names().front())),
              1'024U + 512U);
}

TEST(RecallWriter, a_worker_that_is_gone_does_not_keep_its_file_open) {
    Bench bench({});
    bench.mark(host(1), SavedPacket::Mark::recall_begins);
    bench.packet(1, 3);
    const RecallBooks books = bench.finish();
    EXPECT_EQ(books.closed, 1U);
    EXPECT_EQ(books.open, 0U);
    EXPECT_EQ(bench.names().size(), 1U);
}

TEST(RecallWriter, a_folder_that_cannot_be_made_is_an_error_that_names_it) {
    Bench bench({.folder = "/proc/nowhere"});
    ASSERT_FALSE(bench.made);
    EXPECT_THAT(bench.made.error().message, HasSubstr("history.folder = \"/proc/nowhere\""));
}

TEST(RecallWriter, words_tell_flows_and_alerts) {
    Recall recall = host(1);
    recall.of = Recall::Of::flow;
    recall.why = Recall::Why::alert;
    recall.gid = 1;
    recall.sid = 2;
    recall.rev = 3;
    recall.key.high = recall.key.low;
    recall.key.high[15] = 8;
    recall.key.low_port = 80;
    recall.key.high_port = 9;
    recall.key.protocol = 6;
    EXPECT_EQ(words_of(recall), "alert 1:2:3, flow TCP 192.0.2.7:80 - 192.0.2.8:9");
}

}  // namespace
}  // namespace tapmeter::saving
