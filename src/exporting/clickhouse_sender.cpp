#include "src/exporting/clickhouse_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <vector>

#include "src/exporting/clickhouse_rows.h"
#include "src/exporting/clickhouse_tables.h"
#include "src/exporting/settle.h"
#include "src/exporting/sigpipe.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{200};
constexpr milliseconds gathering_patience{20};
constexpr milliseconds back_off_first{100};
constexpr milliseconds back_off_at_end{50};
constexpr long http_ok = 200;

// Exceptions by which a server says that these octets will never be rows, so that another try would
// be another refusal (src/Common/ErrorCodes.cpp of ClickHouse): CANNOT_PARSE_TEXT,
// CANNOT_PARSE_INPUT_ASSERTION_FAILED, CANNOT_READ_ALL_DATA, CANNOT_PARSE_NUMBER, INCORRECT_DATA,
// TOO_LARGE_STRING_SIZE.
constexpr std::array refusals{6, 27, 33, 72, 117, 131};

// TOO_MANY_PARTS is for a while, unless it is this one: flow records of so many months.
constexpr std::string_view too_many_months = "partitions for single INSERT block";

bool is_for_good(const std::string& answer) {
    return std::ranges::find(refusals, exception_code(answer)) != refusals.end() ||
           answer.find(too_many_months) != std::string::npos;
}

// The answer without its end, as one line for the log.
std::string shortened(std::string text) {
    constexpr std::size_t octets_max = 300;
    text.resize(std::min(text.size(), octets_max));
    std::ranges::replace_if(
        text, [](char c) { return c < ' ' || c == '\x7F'; }, ' ');
    while (!text.empty() && text.back() == ' ') {
        text.pop_back();
    }
    return text;
}

std::string why(const HttpAnswer& answer) {
    return answer.fate == HttpAnswer::Fate::answered
               ? fmt::format("status {}: {}", answer.status, shortened(answer.body))
               : answer.failure;
}

// A text between quotes of SQL. Names have neither quotes nor backslashes (is_name()).
std::string in_quotes(const std::string& name) {
    return "'" + name + "'";
}

}  // namespace

int exception_code(const std::string& answer) {
    constexpr std::string_view mark = "Code: ";
    const std::size_t at = answer.find(mark);
    int code = 0;
    if (at != std::string::npos) {
        std::from_chars(answer.data() + at + mark.size(), answer.data() + answer.size(), code);
    }
    return code;
}

std::string columns_fault(const std::string& described) {
    std::map<std::string_view, std::string_view> theirs;
    std::string_view rest = described;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        const std::size_t tab = line.find('\t');
        if (tab != std::string_view::npos) {
            theirs.emplace(line.substr(0, tab), line.substr(tab + 1));
        }
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    std::string fault;
    for (const ClickHouseColumn& column : clickhouse_columns()) {
        const auto found = theirs.find(column.name);
        const std::string_view comma = fault.empty() ? "" : ", ";
        if (found == theirs.end()) {
            fault += fmt::format("{}no column {} {}", comma, column.name, column.type);
        } else if (!is_readable_as(column.type, found->second)) {
            fault += fmt::format("{}{} is {} and not {}", comma, column.name, found->second,
                                 column.type);
        }
    }
    return fault;
}

ClickHouseSender::ClickHouseSender(Setup setup, std::unique_ptr<HttpSession> session,
                                   OutputQueue& queue, Account& account)
    : setup_(std::move(setup)),
      session_(std::move(session)),
      queue_(queue),
      account_(account),
      log_(setup_.log) {
    session_->give_up_when([&queue] { return queue.abandoned(); });
    std::string columns;
    for (const ClickHouseColumn& column : clickhouse_columns()) {
        columns.append(columns.empty() ? "" : ", ").append(column.name);
    }
    insert_query_ = fmt::format("INSERT INTO {} ({}) FORMAT RowBinary", table_name(), columns);
}

std::string ClickHouseSender::table_name() const {
    return in_back_quotes(setup_.config.database) + "." + in_back_quotes(setup_.config.table);
}

// The same for every try at the same blocks: a server that is still busy with one of them refuses
// the next.
std::string ClickHouseSender::query_id() const {
    return fmt::format("tapmeter-{:016x}", setup_.first_insert_id + done_);
}

void ClickHouseSender::run() {
    block_sigpipe();
    while (!queue_.stopping() || !queue_.readable().empty()) {
        step();
    }
}

void ClickHouseSender::step() {
    const std::size_t waiting = queue_.readable().size();
    if (waiting == 0) {
        queue_.wait(idle_patience);
        return;
    }
    if (queue_.abandoned()) {
        trying_ = waiting;
        finish(account_.sender.send_error);
        return;
    }
    const auto now = Clock::now();
    const auto next = queue_.finishing() ? std::min(next_try_, now + back_off_at_end) : next_try_;
    if (now < next) {
        queue_.pause(std::min(std::chrono::ceil<milliseconds>(next - now), idle_patience));
        return;
    }
    if (trying_ == 0 && must_gather()) {
        queue_.pause(gathering_patience);
        return;
    }
    if (!table_checked_ && !table_fits()) {
        return;
    }
    trying_ = trying_ == 0 ? std::min(waiting, blocks_per_insert_max) : trying_;
    if (!unsure_ || !is_known_to_be_there()) {
        insert();
    }
}

// Few large INSERTs cost the server less than many small ones.
bool ClickHouseSender::must_gather() {
    const std::size_t waiting = queue_.readable().size();
    const std::size_t enough =
        std::min<std::size_t>(blocks_per_insert_max, setup_.config.queue_blocks / 4 + 1);
    return waiting < enough && !queue_.finishing() &&
           Clock::now() - last_insert_ < setup_.config.interval;
}

// False: it is not what it must be, or could not be asked for.
bool ClickHouseSender::table_fits() {
    std::string described;
    if (!ask(fmt::format("SELECT name, type FROM system.columns WHERE database = {} AND table = {} "
                         "FORMAT TabSeparatedRaw",
                         in_quotes(setup_.config.database), in_quotes(setup_.config.table)),
             described)) {
        return false;
    }
    if (described.empty()) {
        put_off(
            fmt::format("there is no table {}, or the user may not see it; make it with "
                        "`tapmeter ddl`",
                        table_name()));
        return false;
    }
    if (const std::string fault = columns_fault(described); !fault.empty()) {
        put_off(
            fmt::format("table {} is not made for these flow records: {}; change it, or make "
                        "another with `tapmeter ddl`",
                        table_name(), fault));
        return false;
    }
    table_checked_ = true;
    return true;
}

// Looks what became of an INSERT whose end was not seen. True: all its rows are stored, or nothing
// can be said now. False, and not `unsure_`: none is.
bool ClickHouseSender::is_known_to_be_there() {
    std::string answer;
    if (!ask(fmt::format("SELECT count() FROM system.processes WHERE query_id = {} FORMAT "
                         "TabSeparatedRaw",
                         in_quotes(query_id())),
             answer)) {
        return true;
    }
    if (!answer.starts_with("0")) {
        put_off("the server is still busy with the last INSERT");
        return true;
    }
    const std::uint64_t first = setup_.first_insert_id + done_;
    if (!ask(fmt::format("SELECT count() FROM {} WHERE insert_id >= {} AND insert_id < {} FORMAT "
                         "TabSeparatedRaw",
                         table_name(), first, first + trying_),
             answer)) {
        return true;
    }
    std::uint64_t stored = 0;
    std::from_chars(answer.data(), answer.data() + answer.size(), stored);
    std::uint64_t rows = 0;
    for (const Block& block : queue_.readable().first(trying_)) {
        rows += block.contents.records;
    }
    if (stored >= rows) {
        finish(account_.sender.sent);
        return true;
    }
    if (stored != 0) {
        log_([&] {
            return fmt::format(
                "output {}: the server has {} of {} rows of an INSERT that was broken off; it is "
                "sent again, so these rows will be there twice (insert_id {} to {})",
                setup_.output, stored, rows, first, first + trying_ - 1);
        });
    }
    unsure_ = false;
    return false;
}

void ClickHouseSender::insert() {
    std::vector<Bytes> body;
    for (std::size_t block = 0; block < trying_; ++block) {
        body.push_back(queue_.octets_of(block));
    }
    last_insert_ = Clock::now();
    const HttpAnswer answer = session_->post(
        fmt::format("/?query_id={}&query={}", query_id(), HttpSession::encoded(insert_query_)),
        body);
    if (answer.fate == HttpAnswer::Fate::answered && answer.status == http_ok) {
        finish(account_.sender.sent);
        return;
    }
    unsure_ = answer.fate != HttpAnswer::Fate::not_reached;
    if (answer.fate == HttpAnswer::Fate::answered) {
        on_refusal(answer);
    } else {
        put_off(why(answer));
    }
}

void ClickHouseSender::on_refusal(const HttpAnswer& answer) {
    table_checked_ = false;
    if (!is_for_good(answer.body)) {
        put_off(why(answer));
        return;
    }
    log_([&] {
        return fmt::format(
            "output {}: the server refuses rows for good: {}; their flow records are counted as "
            "dropped, reason refused",
            setup_.output, why(answer));
    });
    finish(account_.sender.refused);
}

// The blocks wait on; each time twice as long, up to `reconnect`.
void ClickHouseSender::put_off(const std::string& why) {
    const milliseconds longest = std::chrono::duration_cast<milliseconds>(setup_.config.reconnect);
    back_off_ = std::clamp(back_off_ * 2, back_off_first, longest);
    next_try_ = Clock::now() + back_off_;
    account_.sender.up = 0;
    account_.publish_sender();
    log_([&] {
        return fmt::format(
            "output {}: {}: {}; flow records wait in the queue ({} blocks at most) and it is tried "
            "again",
            setup_.output, setup_.config.url, why, setup_.config.queue_blocks);
    });
}

// Of the INSERT in progress.
void ClickHouseSender::finish(RecordTotals& fate) {
    const std::size_t blocks = trying_;
    const bool sent = &fate == &account_.sender.sent;
    trying_ = 0;
    unsure_ = false;
    done_ += blocks;
    if (sent) {
        back_off_ = milliseconds{0};
        next_try_ = {};
    }
    account_.sender.up = sent ? 1 : 0;
    settle_as(queue_, account_, blocks, fate);
}

// True: `answer` has the rows of the answer.
bool ClickHouseSender::ask(const std::string& query, std::string& answer) {
    HttpAnswer got = session_->post("/?query=" + HttpSession::encoded(query), {});
    if (got.fate != HttpAnswer::Fate::answered || got.status != http_ok) {
        put_off(why(got));
        return false;
    }
    answer = std::move(got.body);
    return true;
}

}  // namespace tapmeter::exporting
