#include "src/exporting/clickhouse_output.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <random>
#include <system_error>

#include "src/exporting/clickhouse_answers.h"
#include "src/exporting/secret_file.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t block_octets = 64U << 10U;
// A block that is not full leaves after 500 ms at the latest: its age is known to a tick.
constexpr std::chrono::milliseconds block_age_max{400};
constexpr std::chrono::seconds patience_at_end{1};

// Blocks of one start of the program are numbered one behind the other. Where they begin is chosen
// by chance, so that no other start's are met; the top bit stays free for them to go on.
std::uint64_t chosen_insert_id() {
    std::random_device device;
    const std::uint64_t high = device();
    return ((high << 32U) | device()) >> 1U;
}

Result<void> check(const Config::ClickHouse& config, const Interfaces& interfaces) {
    if (interfaces.empty() || config.queue_blocks == 0) {
        return failed(Error::Kind::invalid_config, "needs a capture, and 1 or more for queue");
    }
    return {};
}

Result<void> open_parts(ClickHouseOutput::Parts& parts) {
    const Config::ClickHouse& config = parts.config;
    auto choice = RecordChoice::of(config.filter, config.sampling);
    if (!choice) {
        return tl::unexpected<Error>(std::move(choice.error()));
    }
    parts.choice = std::move(*choice);
    HttpSession::Setup server{
        .url = config.url, .user = config.user, .tls_ca = config.tls_ca, .time = config.timeout};
    if (!config.user.empty() && !config.password_file.empty()) {
        server.secret = [file = config.password_file] { return read_secret(file); };
    }
    auto session = HttpSession::make(std::move(server));
    if (!session) {
        return tl::unexpected<Error>(std::move(session.error()));
    }
    parts.session = std::move(*session);
    parts.queue_event = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!parts.queue_event.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("eventfd: {}; raise the limit of open files (LimitNOFILE)",
                                  std::generic_category().message(errno)));
    }
    return {};
}

// After all that can be refused for other reasons: it makes files.
Result<void> open_spool(ClickHouseOutput::Parts& parts) {
    const Config::ClickHouse& config = parts.config;
    if (config.spool_folder.empty()) {
        return {};
    }
    auto spool = Spool::open({"clickhouse/" + config.name, config.name + ".clickhouse",
                              config.spool_folder.string(), config.spool_octets, parts.log});
    if (!spool) {
        return failed(spool.error().kind, fmt::format("export.clickhouse '{}': {}", config.name,
                                                      spool.error().message));
    }
    parts.spool = std::move(*spool);
    return {};
}

ClickHouseSender::Setup sender_setup(ClickHouseOutput::Parts& parts, const std::string& name,
                                     std::size_t room) {
    return {.output = name,
            .config = parts.config,
            .log = std::move(parts.log),
            .backlog = {.spool = std::move(parts.spool),
                        .made_of = columns_text(),
                        .in_hand_max = ClickHouseSender::blocks_per_insert_max,
                        .spool_from = spool_from(parts.config.queue_blocks, room),
                        .first_id = parts.first_insert_id}};
}

// The same with the name of the block before an error's words.
Result<void> open_parts(ClickHouseOutput::Parts& parts, const Interfaces& interfaces) {
    auto opened = check(parts.config, interfaces);
    opened = opened ? open_parts(parts) : std::move(opened);
    if (!opened) {
        opened.error().message =
            fmt::format("export.clickhouse '{}': {}", parts.config.name, opened.error().message);
    }
    return opened;
}

}  // namespace

Result<void> check_clickhouse(const Config::ClickHouse& config, const Interfaces& interfaces) {
    if (!config.spool_folder.empty()) {
        if (auto possible = Spool::check(config.spool_folder.string()); !possible) {
            return possible;
        }
    }
    ClickHouseOutput::Parts parts;
    parts.config = config;
    return open_parts(parts, interfaces);
}

Result<std::unique_ptr<Output>> open_clickhouse(const Config::ClickHouse& config,
                                                const Interfaces& interfaces, LogLine log,
                                                const inspect::ApplicationNames* names) {
    ClickHouseOutput::Parts parts;
    parts.config = config;
    parts.log = std::move(log);
    parts.names = names;
    parts.first_insert_id = chosen_insert_id();
    if (auto opened = open_parts(parts, interfaces); !opened) {
        return tl::unexpected<Error>(std::move(opened.error()));
    }
    if (auto spooled = open_spool(parts); !spooled) {
        return tl::unexpected<Error>(std::move(spooled.error()));
    }
    return std::make_unique<ClickHouseOutput>(std::move(parts), interfaces);
}

ClickHouseOutput::ClickHouseOutput(Parts parts, const Interfaces& interfaces)
    : name_("clickhouse/" + parts.config.name),
      choice_(std::move(parts.choice)),
      rows_(interfaces, parts.names),
      first_insert_id_(parts.first_insert_id),
      queue_({parts.config.queue_blocks, block_octets}, std::move(parts.queue_event)),
      filler_(queue_, account_, block_age_max),
      // The one in progress, and what 256 rows need behind it.
      room_for_a_take_(1 + (records_at_a_time + block_octets / rows_.row_octets_max() - 1) /
                               (block_octets / rows_.row_octets_max())),
      sender_(sender_setup(parts, name_, room_for_a_take_), std::move(parts.session), queue_,
              account_),
      thread_([this] { sender_.run(); }) {}

ClickHouseOutput::~ClickHouseOutput() {
    flush(std::chrono::steady_clock::now() + patience_at_end);
    queue_.stop();
}

void ClickHouseOutput::take(const RecordBatch& batch) {
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        take_one(batch.records[i], batch.parts_of(i));
    }
    account_.publish_taker();
    queue_.wake();
}

void ClickHouseOutput::take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside) {
    const RecordTotals totals = totals_of(record);
    account_.taker.taken += totals;
    if (choice_.leaves_out(record)) {
        account_.taker.left_out += totals;
        return;
    }
    const std::span<std::byte> room = filler_.room(rows_.row_octets_max());
    if (room.empty()) {
        filler_.refuse(totals);
        return;
    }
    const std::uint64_t insert_id = first_insert_id_ + filler_.block_number();
    const std::size_t octets =
        choice_.samples() ? rows_.write(room.data(), choice_.sampled(record), beside, insert_id)
                          : rows_.write(room.data(), record, beside, insert_id);
    filler_.add(octets, totals, record.end);
}

void ClickHouseOutput::flush(std::chrono::steady_clock::time_point deadline) {
    filler_.hand_over();
    queue_.wake();
    sender_.drain(deadline);
}

}  // namespace tapmeter::exporting
