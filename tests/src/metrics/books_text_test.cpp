#include "src/metrics/books_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/src/metrics/sample.h"

namespace tapmeter::metrics {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(BooksText, is_a_balance_sheet_that_ends_with_the_verdict) {
    Snapshot snapshot = sample_snapshot();
    const std::string text = books_as_text(snapshot);
    EXPECT_THAT(text, HasSubstr("interface p0            a test's interface, 2 queues\n"));
    EXPECT_THAT(
        text,
        HasSubstr("OFFERED                                                  1,140  packets\n"));
    EXPECT_THAT(text,
                HasSubstr("dropped    rx_missed                                        70\n"));
    EXPECT_THAT(text,
                HasSubstr("ignored    sampling                                         50\n"));
    EXPECT_THAT(
        text,
        HasSubstr(
            "DROPPED                                                     90  packets, 8.257 %\n"));
    EXPECT_THAT(text,
                HasSubstr("non_ip     arp                                              80\n"));
    EXPECT_THAT(text,
                HasSubstr("undecoded  truncated                                        80\n"));
    EXPECT_THAT(
        text,
        HasSubstr("dropped    ring_full                                         4  100 packets\n"));
    EXPECT_THAT(text, HasSubstr("output ipfix/main       up\n"));
    EXPECT_THAT(
        text,
        HasSubstr("dropped    send_error                                        2  40 packets\n"));
}

TEST(BooksText, tells_what_was_left_out_aggregated_and_sampled) {
    const std::string text = books_as_text(sample_snapshot());
    EXPECT_THAT(text, HasSubstr("ignored    flow_sampling                                    40  "
                                "3,200 layer-3 octets\n"));
    EXPECT_THAT(text, HasSubstr("of these aggregated                             600  "
                                "40,000 layer-3 octets\n"));
    EXPECT_THAT(text, HasSubstr("evicted, answered                                 2\n"));
    EXPECT_THAT(text, HasSubstr("sampled    packets, in records                             100  "
                                "stand for 400 +- 277 (95 %)\n"));
}

TEST(BooksText, tells_each_workers_state_and_its_causes) {
    const std::string text = stats_as_text(sample_snapshot());
    EXPECT_THAT(text, HasSubstr("  hot: ring, backlog; 1 in 4 flows\n"));
    Snapshot fresh;
    fresh.workers.resize(1);
    EXPECT_THAT(stats_as_text(fresh), HasSubstr("  normal\n"));
}

TEST(BooksText, shows_only_reasons_that_occurred) {
    const std::string text = books_as_text(sample_snapshot());
    EXPECT_THAT(text, Not(HasSubstr("xdp_ring_full")));
    EXPECT_THAT(text, Not(HasSubstr("lldp")));
    EXPECT_THAT(text, Not(HasSubstr("bad_version")));
    EXPECT_THAT(text, Not(HasSubstr("lack_of_resources")));
}

TEST(BooksText, the_last_line_is_the_verdict) {
    EXPECT_TRUE(books_as_text(sample_snapshot()).ends_with("\nthe books balance\n"));

    Snapshot snapshot = sample_snapshot();
    snapshot.workers[1].books.flows_created += 1'000;
    const std::string text = books_as_text(snapshot);
    EXPECT_THAT(text,
                HasSubstr("BROKEN worker 1: flows: flows_created + flows_adopted = flows_active + "
                          "flows_ended: 1,030 against 30, off by 1,000\n"));
    EXPECT_TRUE(text.ends_with("\nthe books do NOT balance: 1 of 55 laws broken\n")) << text;
}

TEST(BooksText, loss_share_never_exceeds_all_packets) {
    Snapshot snapshot;
    snapshot.interfaces.resize(1);
    EXPECT_THAT(books_as_text(snapshot), HasSubstr("packets, 0.000 %"));
    snapshot.interfaces[0].counters.dropped[0] = 5;
    EXPECT_THAT(books_as_text(snapshot), HasSubstr("packets, 100.000 %"));
}

TEST(BooksText, shows_control_characters_instead_of_running_them) {
    Snapshot snapshot = sample_snapshot();
    snapshot.interfaces[0].name = "p0\x1b[2J\n";
    snapshot.outputs[0].name = "a\x7fz";
    for (const std::string& text : {books_as_text(snapshot), stats_as_text(snapshot)}) {
        EXPECT_EQ(text.find('\x1b'), std::string::npos);
        EXPECT_EQ(text.find('\x7f'), std::string::npos);
    }
    EXPECT_THAT(books_as_text(snapshot), HasSubstr("interface p0?[2J?"));
}

TEST(BooksText, groups_digits) {
    Snapshot snapshot;
    snapshot.interfaces.resize(4);
    snapshot.interfaces[0].counters.offered.value = 999;
    snapshot.interfaces[1].counters.offered.value = 1'000;
    snapshot.interfaces[2].counters.offered.value = 1'234'567;
    snapshot.interfaces[3].counters.offered.value = ~std::uint64_t{0};
    const std::string text = books_as_text(snapshot);
    EXPECT_THAT(text, HasSubstr(" 999  packets"));
    EXPECT_THAT(text, HasSubstr(" 1,000  packets"));
    EXPECT_THAT(text, HasSubstr(" 1,234,567  packets"));
    EXPECT_THAT(text, HasSubstr("18,446,744,073,709,551,615  packets"));
}

TEST(BooksJson, holds_every_counter_also_those_that_are_zero) {
    const json books = json::parse(books_as_json(sample_snapshot()));
    EXPECT_EQ(books["balanced"], true);
    EXPECT_EQ(books["settled"], true);
    EXPECT_EQ(books["interfaces"][1]["name"], "p1");
    EXPECT_EQ(books["interfaces"][1]["offered"], 1'140);
    EXPECT_EQ(books["interfaces"][1]["dropped"]["rx_missed"], 70);
    EXPECT_EQ(books["interfaces"][1]["dropped"].size(), dropped_reasons);
    EXPECT_EQ(books["interfaces"][1]["dropped"]["xdp_ring_full"], 0);
    EXPECT_EQ(books["interfaces"][0]["queues"][1]["received_octets"], 41'000);
    EXPECT_EQ(books["interfaces"][0]["device_queues"][1]["missed"], 4);
    EXPECT_EQ(books["workers"][1]["non_ip"]["arp"], 40);
    EXPECT_EQ(books["workers"][1]["undecoded"].size(), undecoded_reasons);
    EXPECT_EQ(books["total"]["metered"]["layer2_octets"], 190'000);
    EXPECT_EQ(books["total"]["flows_ended"]["idle"], 30);
    EXPECT_EQ(books["rings"][0]["taken"]["records"], 20);
    EXPECT_EQ(books["outputs"][0]["dropped"]["queue_full"]["packets"], 60);
    EXPECT_EQ(books["laws"].size(), 55U);
    EXPECT_EQ(books["laws"][0]["name"], "interface p0: offered packets");
}

TEST(BooksJson, tells_the_load_and_what_it_made_of_the_flows) {
    const json books = json::parse(books_as_json(sample_snapshot()));
    const json& worker = books["workers"][0];
    EXPECT_EQ(worker["ignored"]["flow_sampling"]["octets"], 1'600);
    EXPECT_EQ(worker["aggregated"]["packets"], 300);
    EXPECT_EQ(worker["load"]["state"], "hot");
    EXPECT_EQ(worker["load"]["causes"], json({"ring", "backlog"}));
    EXPECT_EQ(worker["load"]["entered"]["hot"], 3);
    EXPECT_EQ(worker["load"]["flow_sampling"], 4);
    EXPECT_EQ(worker["sampled"]["flows"]["estimated"], 8);
    EXPECT_NEAR(worker["sampled"]["packets"]["error_bound"].get<double>(), 196, 1e-9);
    EXPECT_EQ(books["total"]["evicted_answered"], 2);
    EXPECT_EQ(books["total"]["sampled"]["octets"]["counted"], 1'800);
}

TEST(BooksJson, says_when_the_books_are_broken) {
    Snapshot snapshot = sample_snapshot();
    ++snapshot.workers[0].books.active_cuts;
    EXPECT_EQ(json::parse(books_as_json(snapshot))["balanced"], false);
}

TEST(BooksJson, counts_are_exact_up_to_the_last_bit) {
    Snapshot snapshot = sample_snapshot();
    snapshot.interfaces[0].counters.offered.value = 0xFFFF'FFFF'FFFF'FFFF;
    const json books = json::parse(books_as_json(snapshot));
    EXPECT_EQ(books["interfaces"][0]["offered"].get<std::uint64_t>(), 0xFFFF'FFFF'FFFF'FFFFU);
}

TEST(BooksJson, survives_a_name_that_is_no_utf8) {
    Snapshot snapshot = sample_snapshot();
    snapshot.interfaces[0].name = "p\xff\xfe";
    EXPECT_TRUE(json::accept(books_as_json(snapshot)));
    EXPECT_THAT(books_as_csv(snapshot), HasSubstr("interfaces,p"));
}

TEST(BooksCsv, has_one_line_a_counter) {
    const std::string csv = books_as_csv(sample_snapshot());
    EXPECT_TRUE(csv.starts_with("account,member,counter,value\n"));
    EXPECT_THAT(csv, HasSubstr("\nbalanced,,,true\n"));
    EXPECT_THAT(csv, HasSubstr("\ninterfaces,p0,dropped.rx_missed,70\n"));
    EXPECT_THAT(csv, HasSubstr("\ninterfaces,p0,dropped.xdp_ring_full,0\n"));
    EXPECT_THAT(csv, HasSubstr("\ninterfaces,p1,queues.1.received,400\n"));
    EXPECT_THAT(csv, HasSubstr("\nworkers,1,metered.packets,900\n"));
    EXPECT_THAT(csv, HasSubstr("\ntotal,,metered.packets,1800\n"));
    EXPECT_THAT(csv, HasSubstr("\noutputs,ipfix/main,sent.records,25\n"));
    EXPECT_THAT(csv, HasSubstr("\nlaws,appliance: whole packets,imbalance,0\n"));
    std::size_t begin = 0;
    while (begin < csv.size()) {
        const std::size_t end = csv.find('\n', begin);
        const std::string line = csv.substr(begin, end - begin);
        EXPECT_EQ(std::ranges::count(line, ','), line.find('"') == std::string::npos ? 3 : 4)
            << line;
        begin = end + 1;
    }
}

TEST(BooksCsv, quotes_what_a_spreadsheet_would_misread) {
    Snapshot snapshot = sample_snapshot();
    snapshot.interfaces[0].name = "=cmd|'x'!A1";
    snapshot.interfaces[1].name = "a,\"b\"";
    const std::string csv = books_as_csv(snapshot);
    EXPECT_THAT(csv, HasSubstr("interfaces,\"'=cmd|'x'!A1\",offered,1140\n"));
    EXPECT_THAT(csv, HasSubstr("interfaces,\"a,\"\"b\"\"\",offered,1140\n"));
}

TEST(Stats, tell_the_load_of_each_worker) {
    const std::string text = stats_as_text(sample_snapshot());
    EXPECT_THAT(text, HasSubstr("up 12 s, hot: ring, backlog\n"));
    EXPECT_THAT(text, HasSubstr("0           3   25 %         8.0                 800"));
    EXPECT_THAT(text, HasSubstr("1           -   25 %"));
    EXPECT_THAT(text, HasSubstr("output json/file: up, 25 records sent, 5 dropped\n"));

    const json stats = json::parse(stats_as_json(sample_snapshot()));
    EXPECT_DOUBLE_EQ(stats["workers"][0]["busy_ratio"].get<double>(), 0.25);
    EXPECT_EQ(stats["workers"][0]["core"], 3);
    EXPECT_EQ(stats["workers"][1]["flows_active"], 8);
    EXPECT_EQ(stats["outputs"][1]["records_dropped"], 5);
    EXPECT_THAT(stats_as_csv(sample_snapshot()), HasSubstr("\nworkers,1,flows_max,1024\n"));
}

TEST(Stats, divide_by_nothing_at_start) {
    Snapshot snapshot;
    snapshot.workers.resize(1);
    EXPECT_THAT(stats_as_text(snapshot), HasSubstr("   0 %"));
    EXPECT_EQ(json::parse(stats_as_json(snapshot))["workers"][0]["busy_ratio"], 0.0);
}

}  // namespace
}  // namespace tapmeter::metrics
