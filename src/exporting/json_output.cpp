#include "src/exporting/json_output.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>

#include "src/exporting/alert_event.h"
#include "src/exporting/tcp_session.h"
#include "src/exporting/text.h"

namespace tapmeter::exporting {
namespace {

constexpr std::size_t block_octets = 64U << 10U;
constexpr std::size_t line_room = JsonLines::line_octets_max + JsonLines::name_octets_max;
// A block that is not full leaves after 500 ms at the latest: its age is known to a tick.
constexpr std::chrono::milliseconds block_age_max{400};
constexpr std::chrono::seconds patience_at_end{1};

// By UDP a record is a datagram, so that each one has a fate of its own. The queue takes the same
// memory for that.
constexpr std::size_t datagram_octets = line_room + SyslogFraming::octets_max;
constexpr std::size_t datagrams_of_a_block = block_octets / datagram_octets;

OutputQueue::Size queue_size(const Config::Json& config) noexcept {
    if (config.to == Config::Json::To::udp) {
        return {config.queue_blocks * datagrams_of_a_block, datagram_octets};
    }
    return {config.queue_blocks, block_octets};
}

std::string host_name() {
    std::array<char, HOST_NAME_MAX + 1> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "-";
}

Result<void> open_way(JsonOutput::Parts& parts) {
    using To = Config::Json::To;
    const Config::Json& config = parts.config;
    if (config.to == To::file) {
        auto file = open_line_file(config.path);
        if (!file) {
            return tl::unexpected<Error>(std::move(file.error()));
        }
        parts.file = std::move(*file);
    } else if (config.to == To::udp) {
        auto datagrams = UdpSession::open(config.host, config.port);
        if (!datagrams) {
            return tl::unexpected<Error>(std::move(datagrams.error()));
        }
        parts.datagrams = std::move(*datagrams);
    } else if (config.to == To::tcp) {
        parts.stream = std::make_unique<TcpSession>(config.host, config.port);
    } else {
        parts.stream = std::make_unique<TcpSession>(config.path, std::uint16_t{0}, "unix");
    }
    return {};
}

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
    JsonOutput::Parts parts{.config = config,
                            .log = std::move(log),
                            .file = {},
                            .datagrams = {},
                            .stream = {},
                            .queue_event = {},
                            .names = names};
    if (auto opened = open_way(parts); !opened) {
        return failed(opened.error().kind,
                      fmt::format("export.json '{}': {}", config.name, opened.error().message));
    }
    parts.queue_event = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!parts.queue_event.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("export.json '{}': eventfd: {}; raise the limit "
                                  "of open files (LimitNOFILE)",
                                  config.name, std::generic_category().message(errno)));
    }
    return std::make_unique<JsonOutput>(std::move(parts), interfaces);
}

JsonOutput::JsonOutput(Parts parts, const Interfaces& interfaces)
    : name_("json/" + parts.config.name),
      format_(parts.config.format),
      lines_(interfaces, parts.names),
      queue_(queue_size(parts.config), std::move(parts.queue_event)),
      filler_(queue_, account_, block_age_max),
      line_room_(line_room) {
    if (parts.config.framing == Config::Json::Framing::syslog) {
        syslog_.emplace(host_name(), parts.config.syslog_facility, parts.datagrams == std::nullopt);
        line_room_ += SyslogFraming::octets_max;
    }
    open_way(parts);
    thread_ = std::jthread([this] { run(); });
}

void JsonOutput::open_way(Parts& parts) {
    if (parts.file) {
        writer_.emplace(BlockWriter::Setup{name_, parts.config.path, std::move(parts.log)},
                        std::move(*parts.file), queue_, account_);
    } else if (parts.datagrams) {
        one_a_block_ = true;
        datagrams_.emplace(DatagramSender::Setup{name_, std::move(parts.log)},
                           std::move(*parts.datagrams), queue_, account_);
    } else {
        Config::Ipfix session;
        session.reconnect = parts.config.reconnect;
        session.queue_messages = parts.config.queue_blocks;
        stream_.emplace(Sender::Setup{.output = name_,
                                      .config = std::move(session),
                                      .streams = {},
                                      .log = std::move(parts.log)},
                        std::move(parts.stream), queue_, account_);
    }
}

// The thread.
void JsonOutput::run() {
    if (writer_) {
        writer_->run();
    } else if (datagrams_) {
        datagrams_->run();
    } else {
        stream_->run();
    }
}

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
    if (format_ == Config::Json::Format::fast) {
        account_.taker.left_out += totals;
        return;
    }
    const std::span<std::byte> room = filler_.room(line_room_);
    if (room.empty()) {
        filler_.refuse(totals);
        return;
    }
    // NOLINTNEXTLINE(*-reinterpret-cast): octets are written as characters
    auto* const at = reinterpret_cast<char*>(room.data());
    const auto* const end = format_ == Config::Json::Format::eve
                                ? lines_.write_eve(at, record, beside)
                                : lines_.write_flat(at, record, beside);
    finish_line(room, static_cast<std::size_t>(end - at), {totals, record.end, {}});
}

void JsonOutput::take_alerts(std::span<const inspect::Alert> alerts, const AlertEvents& words) {
    for (const inspect::Alert& alert : alerts) {
        write_alert(alert, words);
        take_alert(alert_line_, alert);
    }
    account_.publish_taker();
    queue_.wake();
}

// In syslog the message has a time of its own.
void JsonOutput::write_alert(const inspect::Alert& alert, const AlertEvents& words) {
    using Format = Config::Json::Format;
    alert_line_.clear();
    if (format_ == Format::eve) {
        words.append_eve(alert_line_, alert);
    } else if (format_ == Format::flat) {
        words.append_flat(alert_line_, alert);
    } else if (syslog_) {
        alert_line_ = words.syslog_line(alert) + "\n";
    } else {
        words.append_fast(alert_line_, alert);
    }
}

// The words of a rule have no limit: its line may need a block of its own, and not fit into one.
void JsonOutput::take_alert(const std::string& line, const inspect::Alert& alert) {
    constexpr RecordTotals one{.alerts = 1};
    account_.taker.taken += one;
    const std::span<std::byte> room =
        filler_.room(line.size() + (syslog_ ? SyslogFraming::octets_max : 0));
    if (room.empty()) {
        filler_.refuse(one);
        return;
    }
    std::ranges::copy(std::as_bytes(std::span{line}), room.begin());
    finish_line(room, line.size(), {one, alert.at, SyslogFraming::alert_of(alert.severity)});
}

// Of so many octets at the start of `room`.
void JsonOutput::finish_line(std::span<std::byte> room, std::size_t octets, const Line& what) {
    // NOLINTNEXTLINE(*-reinterpret-cast): octets are written as characters
    auto* const line = reinterpret_cast<char*>(room.data());
    const char* const end =
        syslog_ ? syslog_->frame(line, octets, what.at, what.subject) : line + octets;
    filler_.add(static_cast<std::size_t>(end - line), what.contents, what.at);
    if (one_a_block_ || filler_.left() < line_room_) {
        filler_.hand_over();
        if (!one_a_block_) {
            queue_.wake();
        }
    }
}

void JsonOutput::tick(std::chrono::steady_clock::time_point now) {
    filler_.tick(now);
}

void JsonOutput::flush(std::chrono::steady_clock::time_point deadline) {
    filler_.hand_over();
    queue_.drain(deadline);
}

}  // namespace tapmeter::exporting
