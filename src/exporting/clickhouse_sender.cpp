#include "src/exporting/clickhouse_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "src/exporting/clickhouse_answers.h"
#include "src/exporting/clickhouse_tables.h"
#include "src/exporting/sigpipe.h"

namespace tapmeter::exporting {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds idle_patience{200};
constexpr milliseconds gathering_patience{20};
constexpr milliseconds back_off_first{100};
constexpr milliseconds back_off_at_end{50};
constexpr long http_ok = 200;

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

// One INSERT may bring both: the same columns, and numbers one behind the other.
bool follows(const Backlog::Held& before, const Backlog::Held& after) noexcept {
    return after.made_as == before.made_as && after.recovered == before.recovered &&
           after.id == before.id + 1;
}

// A text between quotes of SQL. Names have neither quotes nor backslashes (is_name()).
std::string in_quotes(const std::string& name) {
    return "'" + name + "'";
}

}  // namespace

ClickHouseSender::ClickHouseSender(Setup setup, std::unique_ptr<HttpSession> session,
                                   OutputQueue& queue, Account& account)
    : setup_(std::move(setup)),
      session_(std::move(session)),
      queue_(queue),
      account_(account),
      log_(setup_.log),
      backlog_(std::move(setup_.backlog), queue, account) {
    // A request may take long: what comes meanwhile goes to the disk all the same.
    session_->give_up_when([this] {
        backlog_.relieve_queue(back_off_ == milliseconds{0});
        return queue_.abandoned();
    });
}

std::string ClickHouseSender::table_name() const {
    return in_back_quotes(setup_.config.database) + "." + in_back_quotes(setup_.config.table);
}

// The same for every try at the same blocks: a server that is still busy with one of them refuses
// the next.
std::string ClickHouseSender::query_id() const {
    return fmt::format("tapmeter-{:016x}", backlog_[0].id);
}

void ClickHouseSender::run() {
    block_sigpipe();
    while (!queue_.stopping() || !queue_.readable().empty()) {
        step();
    }
}

void ClickHouseSender::step() {
    const bool reached = back_off_ == milliseconds{0};
    backlog_.relieve_queue(reached);
    // The disk has room for what the server does not take at the end.
    const bool to_disk = queue_.finishing() && backlog_.has_spool() && !reached;
    if (queue_.abandoned() || to_disk) {
        give_up();
        queue_.wait(idle_patience);
        return;
    }
    if (backlog_.empty()) {
        queue_.wait(idle_patience);
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
    gather();
    if (trying_ == 0 || (!table_checked_ && !table_fits())) {
        return;
    }
    if (!unsure_ || !is_known_to_be_there()) {
        insert();
    }
}

// The time is over: what the server has not taken goes to the disk, or is lost.
void ClickHouseSender::give_up() {
    backlog_.leave_on_disk();
    do {
        finish(backlog_.in_hand(), &Backlog::Fate::send_error);
    } while (backlog_.take());
    trying_ = 0;
    unsure_ = false;
}

// What comes next, unless an INSERT is to be brought to an end.
void ClickHouseSender::gather() {
    if (trying_ != 0) {
        return;
    }
    while (backlog_.in_hand() < blocks_per_insert_max && backlog_.take()) {
    }
    if (backlog_.in_hand() == 0) {
        return;
    }
    trying_ = 1;
    while (trying_ < backlog_.in_hand() && follows(backlog_[trying_ - 1], backlog_[trying_])) {
        ++trying_;
    }
    unsure_ = backlog_[0].recovered;
    if (const std::string_view columns = backlog_.made_of(backlog_[0]); columns != columns_) {
        columns_ = columns;
        table_checked_ = false;
        std::string names;
        for (const auto& [name, type] : columns_of(columns_)) {
            names.append(names.empty() ? "" : ", ").append(name);
        }
        insert_query_ = fmt::format("INSERT INTO {} ({}) FORMAT RowBinary", table_name(), names);
    }
}

// Few large INSERTs cost the server less than many small ones. What is on disk waited long enough.
bool ClickHouseSender::must_gather() {
    if (backlog_.has_older_than_queue()) {
        return false;
    }
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
    if (const std::string fault = columns_fault(described, columns_); !fault.empty()) {
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
    const std::uint64_t first = backlog_[0].id;
    if (!ask(fmt::format("SELECT insert_id, count() FROM {} WHERE insert_id >= {} AND insert_id < "
                         "{} GROUP BY insert_id FORMAT TabSeparatedRaw",
                         table_name(), first, first + trying_),
             answer)) {
        return true;
    }
    const std::map<std::uint64_t, std::uint64_t> rows = rows_of(answer);
    std::size_t whole = 0;
    std::uint64_t parts = 0;
    for (std::size_t index = 0; index < trying_; ++index) {
        const auto found = rows.find(first + index);
        const std::uint64_t stored = found == rows.end() ? 0 : found->second;
        const bool all = stored >= backlog_[index].contents.records;
        whole += all && whole == index ? 1 : 0;
        parts += whole <= index ? stored : 0;
    }
    finish(whole, &Backlog::Fate::sent);
    if (parts != 0) {
        log_([&] {
            return fmt::format(
                "output {}: the server has {} rows of an INSERT that was broken off; it is sent "
                "again, so these rows will be there twice (insert_id {} to {})",
                setup_.output, parts, first + whole, first + whole + trying_ - 1);
        });
    }
    unsure_ = false;
    return trying_ == 0;
}

void ClickHouseSender::insert() {
    std::vector<Bytes> body;
    for (std::size_t block = 0; block < trying_; ++block) {
        body.emplace_back(backlog_[block].octets);
    }
    last_insert_ = Clock::now();
    const HttpAnswer answer = session_->post(
        fmt::format("/?query_id={}&query={}", query_id(), HttpSession::encoded(insert_query_)),
        body);
    if (answer.fate == HttpAnswer::Fate::answered && answer.status == http_ok) {
        finish(trying_, &Backlog::Fate::sent);
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
    finish(trying_, &Backlog::Fate::refused);
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
            "output {}: {}: {}; flow records wait in the queue ({} blocks at most{}) and it is "
            "tried again",
            setup_.output, setup_.config.url, why, setup_.config.queue_blocks,
            backlog_.has_spool() ? ", then on disk" : "");
    });
}

// The oldest of the INSERT in progress.
void ClickHouseSender::finish(std::size_t blocks, RecordTotals Backlog::Fate::*fate) {
    const bool sent = fate == &Backlog::Fate::sent;
    if (blocks == 0) {
        return;
    }
    trying_ -= std::min(blocks, trying_);
    unsure_ = unsure_ && trying_ != 0;
    if (sent) {
        back_off_ = milliseconds{0};
        next_try_ = {};
    }
    account_.sender.up = sent ? 1 : 0;
    for (; blocks > 0; --blocks) {
        const Backlog::Held& oldest = backlog_[0];
        Backlog::Fate one;
        one.*fate = oldest.contents;
        one.messages = sent ? 1 : 0;
        one.message_octets = sent ? oldest.octets.size() : 0;
        backlog_.give_back(one);
    }
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
