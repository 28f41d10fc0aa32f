#pragma once

#include <memory>
#include <string>
#include <thread>

#include "pipeline/base/result.h"
#include "src/config/config.h"
#include "src/exporting/account.h"
#include "src/exporting/block_filler.h"
#include "src/exporting/clickhouse_rows.h"
#include "src/exporting/clickhouse_sender.h"
#include "src/exporting/interfaces.h"
#include "src/exporting/output.h"
#include "src/exporting/output_queue.h"
#include "src/exporting/record_choice.h"
#include "src/exporting/spool.h"

namespace tapmeter::exporting {

// Opens the way into a table of ClickHouse and starts its sending thread. A server that is away, or
// has no such table, is no error: flow records wait.
//
// interfaces  one per Observation Point, at least one, in the order of their indices
// names       what applications are called; outlives the output. Null: the column `app` is empty
// errors      invalid_config: a filter, a file of certificates or of a password that cannot be
//             used; or this program was built without ClickHouse
Result<std::unique_ptr<Output>> open_clickhouse(const Config::ClickHouse& config,
                                                const Interfaces& interfaces, LogLine log = {},
                                                const inspect::ApplicationNames* names = nullptr);

// The same checks without a thread or a connection.
Result<void> check_clickhouse(const Config::ClickHouse& config, const Interfaces& interfaces);

// Flow Records as rows of one table. Rows are written straight into the queue's blocks; records
// that find all of them waiting are dropped unwritten.
class ClickHouseOutput final : public Output {
public:
    struct Parts {
        Config::ClickHouse config;
        LogLine log;
        RecordChoice choice;
        std::unique_ptr<HttpSession> session;
        Descriptor queue_event;
        const inspect::ApplicationNames* names = nullptr;
        std::uint64_t first_insert_id = 0;
        std::unique_ptr<Spool> spool;  // null: blocks wait in the queue alone
    };
    ClickHouseOutput(Parts parts, const Interfaces& interfaces);
    ~ClickHouseOutput() override;

    std::string_view name() const noexcept override { return name_; }
    bool ready() noexcept override { return queue_.has_room(room_for_a_take_); }
    void take(const RecordBatch& batch) override;
    void tick(std::chrono::steady_clock::time_point now) override { filler_.tick(now); }
    void flush(std::chrono::steady_clock::time_point deadline) override;
    OutputCounters counters() const override { return account_.read(); }

private:
    void take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside);

    std::string name_;
    RecordChoice choice_;
    ClickHouseRows rows_;
    std::uint64_t first_insert_id_;
    Account account_;
    OutputQueue queue_;
    BlockFiller filler_;
    std::size_t room_for_a_take_;  // blocks
    ClickHouseSender sender_;
    std::jthread thread_;  // last: ends before what it uses
};

}  // namespace tapmeter::exporting
