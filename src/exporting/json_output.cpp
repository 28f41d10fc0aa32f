#include "src/exporting/json_output.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "src/exporting/text.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t block_octets = 64U << 10U;
constexpr std::size_t line_room = JsonLines::line_octets_max + JsonLines::name_octets_max;
// A block that is not full leaves after 500 ms at the latest: its age is known to a tick.
constexpr std::chrono::milliseconds block_age_max{400};
constexpr std::chrono::seconds patience_at_end{1};

}  // namespace

Result<std::unique_ptr<Output>> open_json(const Config::Json& config, const Interfaces& interfaces,
                                          LogLine log, const inspect::ApplicationNames* names) {
    const bool name_too_long = std::ranges::any_of(interfaces, [](const Interface& one) {
        return json_string(one.name).size() > JsonLines::name_octets_max;
    });
    if (interfaces.empty() || name_too_long || config.queue_blocks == 0) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("export.json '{}': needs a capture, names of captures of at most "
                                  "{} octets as JSON, and 1 or more for queue_blocks",
                                  config.name, JsonLines::name_octets_max));
    }
    auto file = open_line_file(config.path);
    if (!file) {
        return failed(file.error().kind,
                      fmt::format("export.json '{}': {}", config.name, file.error().message));
    }
    Descriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!event.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("export.json '{}': eventfd: {}; raise the limit "
                                  "of open files (LimitNOFILE)",
                                  config.name, std::generic_category().message(errno)));
    }
    return std::make_unique<JsonOutput>(
        JsonOutput::Parts{config, std::move(log), std::move(*file), std::move(event), names},
        interfaces);
}

JsonOutput::JsonOutput(Parts parts, const Interfaces& interfaces)
    : name_("json/" + parts.config.name),
      format_(parts.config.format),
      lines_(interfaces, parts.names),
      queue_({parts.config.queue_blocks, block_octets}, std::move(parts.queue_event)),
      writer_({name_, parts.config.path, std::move(parts.log)}, std::move(parts.file), queue_,
              account_),
      now_(std::chrono::steady_clock::now()),
      thread_([this] { writer_.run(); }) {}

JsonOutput::~JsonOutput() {
    flush(std::chrono::steady_clock::now() + patience_at_end);
    queue_.stop();
}

void JsonOutput::take(const RecordBatch& batch) {
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        take_one(batch.records[i], batch.parts_of(i));
    }
    account_.publish_taker();
    queue_.wake();
}

void JsonOutput::take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside) {
    const RecordTotals totals = totals_of(record);
    account_.taker.taken += totals;
    if (room_.empty()) {
        room_ = queue_.writable();
        begun_ = now_;
    }
    if (room_.empty()) {
        account_.taker.queue_full += totals;
        return;
    }
    account_.taker.encoding += totals;
    block_.contents += totals;

    // NOLINTNEXTLINE(*-reinterpret-cast): octets are written as characters
    auto* const begin = reinterpret_cast<char*>(room_.data());
    auto* const at = begin + block_.octets;
    const auto* const end = format_ == Config::Json::Format::eve
                                ? lines_.write_eve(at, record, beside)
                                : lines_.write_flat(at, record, beside);
    block_.octets = static_cast<std::uint32_t>(end - begin);
    if (room_.size() - block_.octets < line_room) {
        hand_over();
    }
}

void JsonOutput::hand_over() {
    account_.taker.encoding -= block_.contents;
    account_.taker.handed_over += block_.contents;
    account_.publish_taker();  // before the writer can finish it: the account's promise
    queue_.push(block_);
    queue_.wake();
    block_ = {};
    room_ = {};
}

void JsonOutput::tick(std::chrono::steady_clock::time_point now) {
    now_ = now;
    if (block_.octets != 0 && now - begun_ >= block_age_max) {
        hand_over();
    }
}

void JsonOutput::flush(std::chrono::steady_clock::time_point deadline) {
    if (block_.octets != 0) {
        hand_over();
    }
    queue_.drain(deadline);
}

}  // namespace tapmeter::exporting
