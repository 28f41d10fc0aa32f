#include "src/metrics/packet_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/metrics/books_text.h"
#include "src/metrics/prometheus.h"
#include "tests/src/metrics/broken_laws.h"
#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using Names = std::set<std::string>;
using ::testing::HasSubstr;
using ::testing::Not;

// Two workers wanted 100 packets each; 180 were handed over, of which 160 are in files.
Snapshot with_writer() {
    Snapshot snapshot = sample_snapshot();
    for (auto& worker : snapshot.workers) {
        SavingBooks& books = worker.books.saving;
        books.wanted = {100, 10'000};
        books.handed = {90, 9'000};
        books.refused[index_of(NotWritten::ring_full)] = {10, 1'000};
    }
    saving::WriterBooks writer;
    writer.taken = {180, 18'000};
    writer.written = {160, 16'000};
    writer.buffered = {5, 500};
    writer.dropped[index_of(NotWritten::disk_full)] = {15, 1'500};
    writer.files = 3;
    writer.file_octets = 20'000;
    snapshot.writer = writer;
    return snapshot;
}

TEST(PacketFiles, laws_hold_and_each_has_its_own_name) {
    const Snapshot snapshot = with_writer();
    EXPECT_EQ(broken(snapshot), Names{});
    EXPECT_EQ(laws(snapshot).size(), laws(sample_snapshot()).size() + 2U * 2 + 2 + 2);
}

TEST(PacketFiles, each_account_that_is_wrong_turns_its_laws_red) {
    const auto broken_by = [](const auto& plant) {
        Snapshot snapshot = with_writer();
        plant(snapshot.workers[1].books.saving, *snapshot.writer);
        return broken(snapshot);
    };
    EXPECT_EQ(broken_by([](SavingBooks& books, auto&) { ++books.wanted.packets; }),
              Names{"worker 1: saving packets"});
    EXPECT_EQ(broken_by([](SavingBooks& books, auto&) { ++books.wanted.octets; }),
              Names{"worker 1: saving octets"});
    EXPECT_EQ(broken_by([](SavingBooks& books, auto&) { --books.refused[0].packets; }),
              Names{"worker 1: saving packets"});
    EXPECT_EQ(broken_by([](SavingBooks& books, auto&) { ++books.handed.packets; }),
              (Names{"worker 1: saving packets", "packet files: handed packets"}));
    EXPECT_EQ(broken_by([](SavingBooks&, auto& writer) { --writer.taken.octets; }),
              (Names{"packet files: written octets", "packet files: handed octets"}));
    EXPECT_EQ(broken_by([](SavingBooks&, auto& writer) { ++writer.written.packets; }),
              Names{"packet files: written packets"});
    EXPECT_EQ(broken_by([](SavingBooks&, auto& writer) { ++writer.dropped[2].packets; }),
              Names{"packet files: written packets"});
}

// Chunks may be on their way; what one account says of itself holds always.
TEST(PacketFiles, may_be_on_their_way_while_the_program_runs) {
    Snapshot snapshot = with_writer();
    snapshot.settled = false;
    snapshot.writer->taken.packets -= 5;
    snapshot.writer->buffered.packets -= 5;
    EXPECT_EQ(broken(snapshot), Names{});
    ++snapshot.writer->written.packets;
    EXPECT_EQ(broken(snapshot), Names{"packet files: written packets"});
}

TEST(PacketFiles, are_told_everywhere) {
    const Snapshot snapshot = with_writer();
    const std::string text = books_as_text(snapshot);
    EXPECT_THAT(text, HasSubstr("packet files            3 files\n"));
    EXPECT_THAT(text, HasSubstr("not written ring_full"));
    EXPECT_THAT(text, HasSubstr("not written disk_full"));
    const auto json = nlohmann::json::parse(books_as_json(snapshot));
    EXPECT_EQ(json["packet_files"]["written"]["packets"], 160);
    EXPECT_EQ(json["packet_files"]["dropped"]["disk_full"]["octets"], 1'500);
    EXPECT_EQ(json["workers"][0]["saving"]["refused"]["ring_full"]["packets"], 10);
    EXPECT_EQ(json["total"]["saving"]["wanted"]["packets"], 200);
    const std::string metrics = prometheus_text(snapshot, {});
    EXPECT_THAT(metrics, HasSubstr("tapmeter_packets_to_write_total 200\n"));
    EXPECT_THAT(metrics, HasSubstr("tapmeter_packets_written_total 160\n"));
    EXPECT_THAT(metrics,
                HasSubstr("tapmeter_packets_not_written_total{reason=\"ring_full\"} 20\n"));
    EXPECT_THAT(metrics,
                HasSubstr("tapmeter_packets_not_written_total{reason=\"disk_full\"} 15\n"));
}

TEST(PacketFiles, are_not_told_where_none_are_written) {
    const Snapshot snapshot = sample_snapshot();
    EXPECT_THAT(books_as_text(snapshot), Not(HasSubstr("packet files")));
    EXPECT_TRUE(nlohmann::json::parse(books_as_json(snapshot))["packet_files"].is_null());
    EXPECT_THAT(prometheus_text(snapshot, {}), Not(HasSubstr("to_write")));
}

// Two workers found 50 packets each; 90 were handed over, of which 80 are in files.
Snapshot with_recalls() {
    Snapshot snapshot = sample_snapshot();
    for (auto& worker : snapshot.workers) {
        HistoryBooks& books = worker.books.history;
        books.held = {1'000, 64'000};
        books.oldest_ns = 5'000'000'000;
        books.begun = 3;
        books.ended = 2;
        books.open = 1;
        books.recalled.wanted = {50, 5'000};
        books.recalled.handed = {45, 4'500};
        books.recalled.refused[index_of(NotWritten::left_history)] = {5, 500};
    }
    saving::RecallBooks writer;
    writer.files.taken = {90, 9'000};
    writer.files.written = {80, 8'000};
    writer.files.buffered = {4, 400};
    writer.files.dropped[index_of(NotWritten::file_full)] = {6, 600};
    writer.closed = 2;
    snapshot.recalls = writer;
    return snapshot;
}

TEST(Recalls, laws_hold_and_each_account_that_is_wrong_turns_its_laws_red) {
    EXPECT_EQ(broken(with_recalls()), Names{});
    const auto broken_by = [](const auto& plant) {
        Snapshot snapshot = with_recalls();
        plant(snapshot.workers[1].books.history, snapshot.recalls->files);
        return broken(snapshot);
    };
    EXPECT_EQ(broken_by([](HistoryBooks& books, auto&) { ++books.recalled.wanted.packets; }),
              Names{"worker 1: recalled packets"});
    EXPECT_EQ(broken_by([](HistoryBooks& books, auto&) { ++books.recalled.handed.packets; }),
              (Names{"worker 1: recalled packets", "recalls: recall_handed packets"}));
    EXPECT_EQ(broken_by([](HistoryBooks& books, auto&) { ++books.begun; }),
              Names{"worker 1: recalls"});
    EXPECT_EQ(broken_by([](HistoryBooks&, auto& writer) { ++writer.written.octets; }),
              Names{"recalls: recall_written octets"});
    EXPECT_EQ(broken_by([](HistoryBooks&, auto& writer) { --writer.taken.packets; }),
              (Names{"recalls: recall_written packets", "recalls: recall_handed packets"}));
}

TEST(Recalls, are_told_everywhere_and_only_where_there_is_a_history) {
    const Snapshot snapshot = with_recalls();
    const std::string text = books_as_text(snapshot);
    EXPECT_THAT(text, HasSubstr("2,000 packets kept, 0 recalls under way"));
    EXPECT_THAT(text, HasSubstr("not written left_history"));
    EXPECT_THAT(text, HasSubstr("not written file_full"));
    const auto json = nlohmann::json::parse(books_as_json(snapshot));
    EXPECT_EQ(json["recalls"]["files"]["written"]["packets"], 80);
    EXPECT_EQ(json["total"]["history"]["recalled"]["wanted"]["packets"], 100);
    EXPECT_EQ(json["total"]["history"]["oldest_ns"], 5'000'000'000);
    const std::string metrics = prometheus_text(snapshot, {});
    EXPECT_THAT(metrics, HasSubstr("tapmeter_history_packets 2000\n"));
    EXPECT_THAT(metrics, HasSubstr("tapmeter_recalls_total{result=\"file\"} 2\n"));
    EXPECT_THAT(metrics,
                HasSubstr("tapmeter_packets_recalled_lost_total{reason=\"left_history\"} 10\n"));
    EXPECT_THAT(prometheus_text(sample_snapshot(), {}), Not(HasSubstr("recall")));
    EXPECT_THAT(books_as_text(sample_snapshot()), Not(HasSubstr("recall")));
    EXPECT_TRUE(nlohmann::json::parse(books_as_json(sample_snapshot()))["recalls"].is_null());
}

// What the filter refused was never decoded: its octets are those of layer 2.
TEST(Filter, is_told_with_layer_2_octets) {
    Snapshot snapshot = sample_snapshot();
    snapshot.workers[0].books.ignored[index_of(LeftOut::filter)] = {
        .packets = 7, .octets = 0, .layer2_octets = 700};
    EXPECT_THAT(books_as_text(snapshot), HasSubstr("ignored    filter"));
    EXPECT_THAT(books_as_text(snapshot), HasSubstr("7  700 layer-2 octets\n"));
}

}  // namespace
}  // namespace tapmeter::metrics
