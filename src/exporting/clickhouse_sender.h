#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/http_session.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/rate_limited_log.h"

namespace tapmeter::exporting {

// The sending thread of an output to ClickHouse: brings the rows of the blocks that wait into the
// table, many blocks by one INSERT.
//
// Before the first one, and after a refusal, the table's columns are compared with ours: octets
// that the server would read as something else are not sent. While the server is away, or has no
// such table, blocks wait in the queue. Where a connection ends in the middle of an INSERT, or the
// server says that it failed, nobody knows how much of it is stored: the server is asked for the
// rows of just these blocks, which have numbers of their own in `insert_id`, before they are sent
// again.
class ClickHouseSender {
public:
    struct Setup {
        std::string output;  // "clickhouse/main", for the log
        Config::ClickHouse config;
        LogLine log;
        std::uint64_t first_insert_id = 0;  // of the first block; the next one's is one more
    };

    // Most blocks of one INSERT.
    static constexpr std::size_t blocks_per_insert_max = 128;

    // `queue` and `account` outlive it.
    ClickHouseSender(Setup setup, std::unique_ptr<HttpSession> session, OutputQueue& queue,
                     Account& account);

    // The thread. Returns after queue.stop(), once nothing waits.
    void run();

private:
    using Clock = std::chrono::steady_clock;

    void step();
    bool must_gather();
    bool table_fits();
    bool is_known_to_be_there();
    void insert();
    void on_refusal(const HttpAnswer& answer);
    void put_off(const std::string& why);
    void finish(RecordTotals& fate);
    bool ask(const std::string& query, std::string& answer);
    std::string table_name() const;
    std::string query_id() const;

    Setup setup_;
    std::unique_ptr<HttpSession> session_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    std::string insert_query_;
    bool table_checked_ = false;
    std::size_t trying_ = 0;  // blocks of the INSERT that is to be brought to an end; 0: none
    bool unsure_ = false;     // some of it may be stored
    std::uint64_t done_ = 0;  // blocks that had their fate
    Clock::time_point last_insert_{};
    Clock::time_point next_try_{};
    std::chrono::milliseconds back_off_{0};
};

// Number of the exception in a server's answer, "Code: 60. DB::Exception: ..."; 0: none.
int exception_code(const std::string& answer);

// Table and column names and types as system.columns gives them, against ours. Empty: all is well.
std::string columns_fault(const std::string& described);

}  // namespace tapmeter::exporting
