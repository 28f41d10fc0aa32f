#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/backlog.h"
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
// such table, blocks wait in the queue, or on disk. Where a connection ends in the middle of an
// INSERT, or the server says that it failed, nobody knows how much of it is stored: the server is
// asked for the rows of just these blocks, which have numbers of their own in `insert_id`, before
// they are sent again. So it is for blocks of a run before this one, under the columns of then.
class ClickHouseSender {
public:
    struct Setup {
        std::string output;  // "clickhouse/main", for the log
        Config::ClickHouse config;
        LogLine log;
        Backlog::Setup backlog{};  // made of columns_text()
    };

    // Most blocks of one INSERT.
    static constexpr std::size_t blocks_per_insert_max = 128;

    // `queue` and `account` outlive it.
    ClickHouseSender(Setup setup, std::unique_ptr<HttpSession> session, OutputQueue& queue,
                     Account& account);

    // The thread. Returns after queue.stop(), once nothing waits in the queue.
    void run();

    // Exporter core, at the end (backlog.h).
    void drain(std::chrono::steady_clock::time_point deadline) const { backlog_.drain(deadline); }

private:
    using Clock = std::chrono::steady_clock;

    void step();
    void give_up();
    bool must_gather();
    void gather();
    bool table_fits();
    bool is_known_to_be_there();
    void insert();
    void on_refusal(const HttpAnswer& answer);
    void put_off(const std::string& why);
    void finish(std::size_t blocks, RecordTotals Backlog::Fate::*fate);
    bool ask(const std::string& query, std::string& answer);
    std::string table_name() const;
    std::string query_id() const;

    Setup setup_;
    std::unique_ptr<HttpSession> session_;
    OutputQueue& queue_;
    Account& account_;
    RateLimitedLog log_;
    Backlog backlog_;
    std::string columns_;  // of the blocks at hand, as in columns_text()
    std::string insert_query_;
    bool table_checked_ = false;  // for these
    std::size_t trying_ = 0;      // blocks of the INSERT that is to be brought to an end; 0: none
    bool unsure_ = false;         // some of it may be stored
    Clock::time_point last_insert_{};
    Clock::time_point next_try_{};
    std::chrono::milliseconds back_off_{0};
};

}  // namespace tapmeter::exporting
