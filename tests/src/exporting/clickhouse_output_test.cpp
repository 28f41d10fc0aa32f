#include "src/exporting/clickhouse_output.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <set>
#include <string>

#include "src/exporting/clickhouse_answers.h"
#include "src/exporting/clickhouse_sender.h"
#include "tests/support/flow_records.h"
#include "tests/support/http_server.h"
#include "tests/support/output_end.h"
#include "tests/support/row_binary.h"
#include "tests/support/spool_folder.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::dropped;
using test_support::expect_balanced;
using test_support::finished;
using test_support::HttpReply;
using test_support::HttpRequest;
using test_support::HttpServer;
using test_support::mixed_records;
using test_support::percent_decoded;
using test_support::RowBinary;
using test_support::SpoolFolder;
using test_support::take_numbered;
using test_support::wait_until;

const Interfaces points{{"eth1", ObservationDomainId{1}}, {"eth2", ObservationDomainId{2}}};

// What a server says on its good and bad days; the real one is asked by tests/system.
class ClickHouseOutputTest : public testing::Test {
protected:
    std::atomic<bool> hangs_{false};
    HttpServer server_{[this](const HttpRequest& request) { return answer(request); }};
    std::mutex lock_;
    std::string columns_ = columns_text();
    bool is_down_ = false;
    bool reads_rows_ = true;
    std::vector<HttpReply> bad_inserts_;    // before the first good one
    bool keeps_bad_ = false;                // rows of those are stored all the same
    std::string busy_ = "0\n";              // queries of our id that run
    std::multiset<std::uint64_t> flows_;    // of the stored rows: flow_id
    std::multiset<std::uint64_t> inserts_;  // and insert_id
    std::vector<std::string> logged_;
    std::uint64_t last_id_ = 0;

    HttpReply answer(const HttpRequest& request) {
        while (hangs_) {
            std::this_thread::sleep_for(milliseconds{2});
        }
        const std::lock_guard guard(lock_);
        const std::string query = percent_decoded(request.target);
        if (is_down_) {
            return {0, {}};
        }
        if (query.find("system.columns") != std::string::npos) {
            return {200, columns_};
        }
        if (query.find("system.processes") != std::string::npos) {
            return {200, busy_};
        }
        if (query.find("GROUP BY insert_id") != std::string::npos) {
            const auto number_behind = [&](const std::string& words) {
                return std::stoull(query.substr(query.find(words) + words.size()));
            };
            const auto end = inserts_.lower_bound(number_behind("insert_id < "));
            std::string rows;
            for (auto one = inserts_.lower_bound(number_behind("insert_id >= ")); one != end;
                 one = inserts_.upper_bound(*one)) {
                rows += std::to_string(*one) + "\t" + std::to_string(inserts_.count(*one)) + "\n";
            }
            return {200, rows};
        }
        const bool good = bad_inserts_.empty();
        const HttpReply reply = good ? HttpReply{} : bad_inserts_.front();
        if (!good) {
            bad_inserts_.erase(bad_inserts_.begin());
        }
        if (reads_rows_ && (good || keeps_bad_)) {
            store(request.body);
        }
        return reply;
    }
    void store(const std::string& body) {
        RowBinary rows(std::as_bytes(std::span{body}));
        while (!rows.at_end()) {
            auto row = rows.row();
            flows_.insert(std::stoull(row["flow_id"]));
            inserts_.insert(std::stoull(row["insert_id"]));
        }
    }

    Config::ClickHouse config() const {
        Config::ClickHouse config;
        config.name = "test";
        config.url = server_.url();
        config.interval = milliseconds{100};
        config.reconnect = seconds{1};
        config.queue_blocks = 64;
        return config;
    }
    std::unique_ptr<Output> open(const Config::ClickHouse& config) {
        return open_clickhouse(config, points,
                               [this](const std::string& line) {
                                   const std::lock_guard guard(lock_);
                                   logged_.push_back(line);
                               })
            .value();
    }
    // Few blocks in the queue, and the others in `folder`.
    Config::ClickHouse spooling(const SpoolFolder& folder) const {
        Config::ClickHouse config = this->config();
        config.queue_blocks = 4;
        config.spool_folder = folder.path();
        config.spool_octets = std::uint64_t{64} << 20U;
        return config;
    }
    void set_down(bool down) {
        const std::lock_guard guard(lock_);
        is_down_ = down;
    }
    // The next records, each with an id of its own, as fast as the output takes them.
    void take(Output& output, std::size_t count) { take_numbered(output, count, last_id_); }
    void expect_each_once() {
        const std::lock_guard guard(lock_);
        EXPECT_EQ(flows_.size(), last_id_);
        EXPECT_EQ(std::set(flows_.begin(), flows_.end()).size(), last_id_);
    }
    bool was_logged(const std::string& words) {
        const std::lock_guard guard(lock_);
        return std::ranges::any_of(logged_, [&](const std::string& line) {
            return line.find(words) != std::string::npos;
        });
    }
};

TEST_F(ClickHouseOutputTest, every_record_is_a_row) {
    const auto output = open(config());
    EXPECT_EQ(output->name(), "clickhouse/test");
    output->take(mixed_records(3'000, 2));
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, 3'000U);
    EXPECT_TRUE(counters.up);
    EXPECT_EQ(flows_.size(), 3'000U);
    EXPECT_EQ(std::set(flows_.begin(), flows_.end()).size(), 3'000U);
    std::size_t octets = 0;
    for (const HttpRequest& request : server_.seen()) {
        octets += request.body.size();
    }
    EXPECT_EQ(counters.message_octets, octets);
}

TEST_F(ClickHouseOutputTest, writes_the_columns_by_their_names) {
    auto configured = config();
    configured.database = "net";
    configured.table = "tap.1";
    const auto output = open(configured);
    output->take(mixed_records(1));
    finished(*output);
    const std::string query = percent_decoded(server_.seen().back().target);
    EXPECT_NE(query.find("INSERT INTO `net`.`tap.1` (flow_start, flow_end, "), std::string::npos);
    EXPECT_NE(query.find("host) FORMAT RowBinary"), std::string::npos);
}

TEST_F(ClickHouseOutputTest, takes_what_it_is_to_take) {
    auto configured = config();
    configured.filter = "proto tcp";
    configured.sampling = 2;
    const auto output = open(configured);
    output->take(mixed_records(2'000));
    const OutputCounters counters = finished(*output);
    EXPECT_GT(counters.left_out.records, 1'000U);
    EXPECT_GT(counters.sent.records, 200U);
    EXPECT_EQ(counters.sent.records, flows_.size());
}

// Nothing is lost while the queue holds it, and nothing is there twice.
TEST_F(ClickHouseOutputTest, tries_again_until_it_is_stored) {
    bad_inserts_ = {{500, "Code: 241. DB::Exception: Memory limit exceeded"}, {0, {}}, {503, ""}};
    const auto output = open(config());
    output->take(mixed_records(500));
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, 500U);
    EXPECT_EQ(flows_.size(), 500U);
    EXPECT_TRUE(was_logged("Memory limit exceeded"));
}

// The answer was lost and the rows were not: the server is asked before they are sent again.
TEST_F(ClickHouseOutputTest, rows_of_a_broken_insert_are_not_stored_twice) {
    bad_inserts_ = {{0, {}}};
    keeps_bad_ = true;
    const auto output = open(config());
    output->take(mixed_records(500));
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, 500U);
    EXPECT_EQ(flows_.size(), 500U);
}

TEST_F(ClickHouseOutputTest, waits_for_an_insert_that_still_runs) {
    bad_inserts_ = {{0, {}}};
    busy_ = "1\n";
    const auto output = open(config());
    output->take(mixed_records(5));
    output->tick(steady_clock::now() + seconds{1});
    wait_until([&] { return was_logged("still busy"); });
    EXPECT_EQ(output->counters().queued.records, 5U);
    EXPECT_FALSE(output->counters().up);
    {
        const std::lock_guard guard(lock_);
        busy_ = "0\n";
    }
    EXPECT_EQ(finished(*output).sent.records, 5U);
    EXPECT_EQ(flows_.size(), 5U);
}

TEST_F(ClickHouseOutputTest, rows_that_are_refused_for_good_do_not_stop_the_others) {
    bad_inserts_ = {{400, "Code: 33. DB::Exception: Cannot read all data"}};
    const auto output = open(config());
    output->take(mixed_records(10));
    output->tick(steady_clock::now() + seconds{1});
    wait_until([&] { return dropped(output->counters(), RecordDropped::refused).records == 10; });
    EXPECT_TRUE(was_logged("Code: 33"));
    output->take(mixed_records(20));
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, 20U);
    EXPECT_EQ(dropped(counters, RecordDropped::refused).records, 10U);
}

TEST_F(ClickHouseOutputTest, no_octet_goes_into_a_table_that_is_made_otherwise) {
    columns_ = "";
    const auto output = open(config());
    output->take(mixed_records(10));
    output->tick(steady_clock::now() + seconds{1});
    wait_until([&] { return was_logged("there is no table `default`.`flows`"); });
    {
        const std::lock_guard guard(lock_);
        columns_ = columns_text();
        columns_.replace(columns_.find("UInt64"), 6, "UInt32");
        logged_.clear();
    }
    wait_until([&] { return was_logged("bytes_fwd is UInt32 and not UInt64"); });
    for (const HttpRequest& request : server_.seen()) {
        EXPECT_EQ(request.target.find("INSERT"), std::string::npos);
    }
    {
        const std::lock_guard guard(lock_);
        columns_ = columns_text();
    }
    EXPECT_EQ(finished(*output).sent.records, 10U);
}

TEST_F(ClickHouseOutputTest, what_the_queue_cannot_hold_is_counted) {
    auto configured = config();
    configured.queue_blocks = 2;
    columns_ = "";
    const auto output = open(configured);
    const auto records = mixed_records(256);
    while (dropped(output->counters(), RecordDropped::queue_full).records == 0) {
        output->take(records);
    }
    EXPECT_FALSE(output->ready());
    const OutputCounters counters = finished(*output, milliseconds{200});
    EXPECT_GT(dropped(counters, RecordDropped::queue_full).records, 0U);
    EXPECT_GT(dropped(counters, RecordDropped::send_error).records, 0U);
    EXPECT_EQ(counters.sent.records, 0U);
}

// While the server is away, or has taken the connection and says nothing.
TEST_F(ClickHouseOutputTest, a_spool_holds_what_the_queue_cannot) {
    const SpoolFolder folder;
    const auto output = open(spooling(folder));
    for (const bool hangs : {false, true}) {
        hangs_ = hangs;
        set_down(!hangs);
        take(*output, 20'000);
        wait_until([&] { return output->counters().spooled.records > 15'000; });
        expect_balanced(output->counters());
        hangs_ = false;
        set_down(false);
        wait_until([&] { return output->counters().sent.records > last_id_ - 5'000; });
    }
    const OutputCounters counters = finished(*output);
    EXPECT_EQ(counters.sent.records, last_id_);
    EXPECT_EQ(dropped(counters).records, 0U);
    expect_each_once();
    EXPECT_EQ(folder.files(), 0U);
}

// The server had stored one INSERT of the first run, and nobody had heard of it.
TEST_F(ClickHouseOutputTest, the_next_run_stores_what_is_not_there) {
    const SpoolFolder folder;
    {
        const auto output = open(spooling(folder));
        {
            const std::lock_guard guard(lock_);
            bad_inserts_.assign(1'000, {0, {}});
            keeps_bad_ = true;
            busy_ = "1\n";
        }
        take(*output, 5'000);
        wait_until([&] { return was_logged("still busy"); });
        output->flush(steady_clock::now() + seconds{2});
        EXPECT_EQ(output->counters().spooled.records, 5'000U);
        EXPECT_EQ(dropped(output->counters()).records, 0U);
        expect_balanced(output->counters());
    }
    const std::size_t stored = flows_.size();
    EXPECT_GT(stored, 0U);
    EXPECT_LT(stored, 5'000U);
    busy_ = "0\n";
    bad_inserts_.clear();
    const auto output = open(spooling(folder));
    EXPECT_EQ(output->counters().recovered.records, 5'000U);
    take(*output, 500);
    wait_until([&] { return output->counters().sent.records >= 5'000; });
    output->flush(steady_clock::now() + seconds{20});
    EXPECT_EQ(output->counters().sent.records, 5'500U);
    expect_balanced(output->counters());
    expect_each_once();
    EXPECT_EQ(folder.files(), 0U);
}

// They were made with the columns of then, and the table may have more by now.
TEST_F(ClickHouseOutputTest, blocks_of_a_run_before_go_into_their_columns) {
    const SpoolFolder folder;
    const std::string columns = "flow_id\tUInt64\ninsert_id\tUInt64\n";
    const std::string rows(16 * 10, '\x01');
    {
        auto spool = Spool::open({"clickhouse/test",
                                  "test.clickhouse",
                                  folder.path().string(),
                                  std::uint64_t{64} << 20U,
                                  {}})
                         .value();
        const auto octets = std::as_bytes(std::span{columns});
        spool->announce({{{.kind = SpoolFrame::Kind::announcement,
                           .octets = static_cast<std::uint32_t>(columns.size()),
                           .contents = {}},
                          {octets.begin(), octets.end()}}});
        ASSERT_EQ(spool->append({.kind = SpoolFrame::Kind::block,
                                 .octets = static_cast<std::uint32_t>(rows.size()),
                                 .id = 7,
                                 .contents = {10, 20, 30, 0}},
                                std::as_bytes(std::span{rows})),
                  Spool::Appended::done);
    }
    reads_rows_ = false;
    const auto output = open(spooling(folder));
    wait_until([&] { return output->counters().sent.records == 10; });
    const HttpRequest insert = server_.seen().back();
    EXPECT_NE(percent_decoded(insert.target).find("(flow_id, insert_id) FORMAT RowBinary"),
              std::string::npos);
    EXPECT_EQ(insert.body, rows);
    expect_balanced(output->counters());
}

TEST_F(ClickHouseOutputTest, says_what_it_cannot_open) {
    auto configured = config();
    configured.filter = "dst prot 1";
    const auto filter = open_clickhouse(configured, points);
    ASSERT_FALSE(filter);
    EXPECT_NE(filter.error().message.find("export.clickhouse 'test': filter"), std::string::npos);
    EXPECT_FALSE(check_clickhouse(configured, points));
    EXPECT_TRUE(check_clickhouse(config(), points));
    EXPECT_FALSE(open_clickhouse(config(), {}));
    configured = config();
    const SpoolFolder folder;
    std::ofstream(folder.path() / "file") << "no folder";
    configured.spool_folder = folder.path() / "file" / "spool";
    EXPECT_FALSE(check_clickhouse(configured, points));
    const auto nowhere = open_clickhouse(configured, points);
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().message.find("export.clickhouse 'test': spool: "), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::exporting
