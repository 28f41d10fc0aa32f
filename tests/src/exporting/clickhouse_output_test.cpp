#include "src/exporting/clickhouse_output.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>

#include "src/exporting/clickhouse_sender.h"
#include "tests/support/flow_records.h"
#include "tests/support/http_server.h"
#include "tests/support/output_end.h"
#include "tests/support/row_binary.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test_support::dropped;
using test_support::finished;
using test_support::HttpReply;
using test_support::HttpRequest;
using test_support::HttpServer;
using test_support::mixed_records;
using test_support::percent_decoded;
using test_support::RowBinary;
using test_support::wait_until;

const Interfaces points{{"eth1", ObservationDomainId{1}}, {"eth2", ObservationDomainId{2}}};

// What a server says on its good and bad days; the real one is asked by tests/system.
class ClickHouseOutputTest : public testing::Test {
protected:
    HttpServer server_{[this](const HttpRequest& request) { return answer(request); }};
    std::mutex lock_;
    std::string columns_ = our_columns();
    std::vector<HttpReply> bad_inserts_;    // before the first good one
    bool keeps_bad_ = false;                // rows of those are stored all the same
    std::string busy_ = "0\n";              // queries of our id that run
    std::multiset<std::uint64_t> flows_;    // of the stored rows: flow_id
    std::multiset<std::uint64_t> inserts_;  // and insert_id
    std::vector<std::string> logged_;

    static std::string our_columns() {
        std::string text;
        for (const ClickHouseColumn& column : clickhouse_columns()) {
            text += std::string(column.name) + "\t" + std::string(column.type) + "\n";
        }
        return text;
    }

    HttpReply answer(const HttpRequest& request) {
        const std::lock_guard guard(lock_);
        const std::string query = percent_decoded(request.target);
        if (query.find("system.columns") != std::string::npos) {
            return {200, columns_};
        }
        if (query.find("system.processes") != std::string::npos) {
            return {200, busy_};
        }
        if (query.find("SELECT count()") != std::string::npos) {
            const auto number_behind = [&](const std::string& words) {
                return std::stoull(query.substr(query.find(words) + words.size()));
            };
            const auto first = inserts_.lower_bound(number_behind("insert_id >= "));
            const auto last = inserts_.lower_bound(number_behind("insert_id < "));
            return {200, std::to_string(std::distance(first, last)) + "\n"};
        }
        const bool good = bad_inserts_.empty();
        const HttpReply reply = good ? HttpReply{} : bad_inserts_.front();
        if (!good) {
            bad_inserts_.erase(bad_inserts_.begin());
        }
        if (good || keeps_bad_) {
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
        columns_ = our_columns();
        columns_.replace(columns_.find("UInt64"), 6, "UInt32");
        logged_.clear();
    }
    wait_until([&] { return was_logged("bytes_fwd is UInt32 and not UInt64"); });
    for (const HttpRequest& request : server_.seen()) {
        EXPECT_EQ(request.target.find("INSERT"), std::string::npos);
    }
    {
        const std::lock_guard guard(lock_);
        columns_ = our_columns();
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

TEST_F(ClickHouseOutputTest, says_what_it_cannot_open) {
    auto configured = config();
    configured.filter = "dst prot 1";
    const auto filter = open_clickhouse(configured, points);
    ASSERT_FALSE(filter);
    EXPECT_NE(filter.error().message.find("export.clickhouse 'test': filter"), std::string::npos);
    EXPECT_FALSE(check_clickhouse(configured, points));
    EXPECT_TRUE(check_clickhouse(config(), points));
    EXPECT_FALSE(open_clickhouse(config(), {}));
}

TEST(ClickHouseAnswers, are_read) {
    EXPECT_EQ(exception_code("Code: 60, e.displayText() = DB::Exception: Table"), 60);
    EXPECT_EQ(exception_code("Code: 241. DB::Exception"), 241);
    EXPECT_EQ(exception_code("nothing"), 0);
    EXPECT_EQ(exception_code("Code: x"), 0);
    EXPECT_NE(columns_fault("flow_start\tDateTime\n").find("flow_start is DateTime and not"),
              std::string::npos);
    EXPECT_NE(columns_fault("").find("no column flow_start"), std::string::npos);
}

}  // namespace
}  // namespace tapmeter::exporting
