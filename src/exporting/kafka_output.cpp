#include "src/exporting/kafka_output.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "src/exporting/alert_event.h"
#include "src/exporting/record_hash.h"
#include "src/exporting/text.h"

namespace tapmeter::exporting {
namespace {

using Format = Config::Kafka::Format;

constexpr std::size_t block_octets = 64U << 10U;
constexpr std::size_t line_room = JsonLines::line_octets_max + JsonLines::name_octets_max;
// A block that is not full leaves after 500 ms at the latest: its age is known to a tick.
constexpr std::chrono::milliseconds block_age_max{400};
constexpr std::chrono::seconds patience_at_end{1};

Result<void> open_parts(KafkaOutput::Parts& parts, const Interfaces& interfaces) {
    const Config::Kafka& config = parts.config;
    const bool name_too_long = std::ranges::any_of(interfaces, [](const Interface& one) {
        return json_string(one.name).size() > JsonLines::name_octets_max;
    });
    if (interfaces.empty() || name_too_long || config.queue_blocks == 0) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("needs a capture, names of captures of at most {} octets as "
                                  "JSON, and 1 or more for queue",
                                  JsonLines::name_octets_max));
    }
    auto choice = RecordChoice::of(config.filter, config.sampling);
    if (!choice) {
        return tl::unexpected<Error>(std::move(choice.error()));
    }
    parts.choice = std::move(*choice);
    if (config.format == Format::ipfix) {
        auto singles = IpfixSingles::make(interfaces);
        if (!singles) {
            return tl::unexpected<Error>(std::move(singles.error()));
        }
        parts.singles = std::move(*singles);
    }
    return KafkaProducer::check(config);
}

// After all that can be refused for other reasons: it makes files.
Result<void> open_spool(KafkaOutput::Parts& parts) {
    const Config::Kafka& config = parts.config;
    if (config.spool_folder.empty()) {
        return {};
    }
    auto spool = Spool::open({"kafka/" + config.name, config.name + ".kafka",
                              config.spool_folder.string(), config.spool_octets, parts.log});
    if (!spool) {
        return failed(spool.error().kind,
                      fmt::format("export.kafka '{}': {}", config.name, spool.error().message));
    }
    parts.spool = std::move(*spool);
    return {};
}

// The one in progress, and what 256 of the longest messages need behind it.
constexpr std::size_t room_for_a_take(std::size_t message_octets_max) noexcept {
    return 1 + Output::records_at_a_time / (block_octets / frame_octets(message_octets_max));
}

KafkaSender::Setup sender_setup(KafkaOutput::Parts& parts, const std::string& name,
                                std::size_t room) {
    KafkaSender::Setup setup{name, parts.config, std::move(parts.log)};
    if (parts.spool != nullptr) {
        setup.backlog = {
            .spool = std::move(parts.spool),
            .made_of = fmt::format("messages of Kafka, each behind {} octets", sizeof(KafkaFrame)),
            .in_hand_max = KafkaSender::blocks_in_hand_max,
            .spool_from = spool_from(parts.config.queue_blocks, room)};
    }
    return setup;
}

// With the name of the block before an error's words.
Result<void> open_named(KafkaOutput::Parts& parts, const Interfaces& interfaces) {
    auto opened = open_parts(parts, interfaces);
    if (!opened) {
        opened.error().message =
            fmt::format("export.kafka '{}': {}", parts.config.name, opened.error().message);
    }
    return opened;
}

}  // namespace

Result<void> check_kafka(const Config::Kafka& config, const Interfaces& interfaces) {
    if (!config.spool_folder.empty()) {
        if (auto possible = Spool::check(config.spool_folder.string()); !possible) {
            return possible;
        }
    }
    KafkaOutput::Parts parts;
    parts.config = config;
    return open_named(parts, interfaces);
}

Result<std::unique_ptr<Output>> open_kafka(const Config::Kafka& config,
                                           const Interfaces& interfaces, LogLine log,
                                           const inspect::ApplicationNames* names) {
    KafkaOutput::Parts parts;
    parts.config = config;
    parts.log = std::move(log);
    parts.names = names;
    if (auto opened = open_named(parts, interfaces); !opened) {
        return tl::unexpected<Error>(std::move(opened.error()));
    }
    parts.queue_event = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!parts.queue_event.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("export.kafka '{}': eventfd: {}; raise the limit of open files "
                                  "(LimitNOFILE)",
                                  config.name, std::generic_category().message(errno)));
    }
    if (auto spooled = open_spool(parts); !spooled) {
        return tl::unexpected<Error>(std::move(spooled.error()));
    }
    return std::make_unique<KafkaOutput>(std::move(parts), interfaces);
}

KafkaOutput::KafkaOutput(Parts parts, const Interfaces& interfaces)
    : name_("kafka/" + parts.config.name),
      format_(parts.config.format),
      choice_(std::move(parts.choice)),
      lines_(interfaces, parts.names),
      singles_(std::move(parts.singles)),
      message_octets_max_(singles_ ? singles_->octets_max() : line_room),
      queue_({parts.config.queue_blocks, block_octets}, std::move(parts.queue_event)),
      filler_(queue_, account_, block_age_max),
      room_for_a_take_(room_for_a_take(message_octets_max_)),
      sender_(sender_setup(parts, name_, room_for_a_take_), queue_, account_),
      thread_([this] { sender_.run(); }) {}

KafkaOutput::~KafkaOutput() {
    flush(std::chrono::steady_clock::now() + patience_at_end);
    queue_.stop();
}

void KafkaOutput::take(const RecordBatch& batch) {
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        take_one(batch.records[i], batch.parts_of(i));
    }
    account_.publish_taker();
    queue_.wake();
}

void KafkaOutput::take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside) {
    const RecordTotals totals = totals_of(record);
    account_.taker.taken += totals;
    if (choice_.leaves_out(record)) {
        account_.taker.left_out += totals;
        return;
    }
    const std::span<std::byte> room = filler_.room(frame_octets(message_octets_max_));
    if (room.empty()) {
        filler_.refuse(totals);
        return;
    }
    KafkaFrame frame{.key = record_hash(record), .contents = totals};
    const std::span<std::byte> to = room.subspan(sizeof frame);
    const std::size_t octets =
        choice_.samples() ? write(to, choice_.sampled(record), beside) : write(to, record, beside);
    frame.octets = static_cast<std::uint32_t>(octets);
    add(room, frame, record.end);
}

// A message is one object: the line feed behind a line of JSON stays away.
std::size_t KafkaOutput::write(std::span<std::byte> to, const flow::FlowRecord& record,
                               const RecordRing::Parts& beside) {
    if (singles_) {
        return singles_->write(to, record, beside);
    }
    // NOLINTNEXTLINE(*-reinterpret-cast): octets are written as characters
    auto* const line = reinterpret_cast<char*>(to.data());
    const char* const end = format_ == Format::eve ? lines_.write_eve(line, record, beside)
                                                   : lines_.write_flat(line, record, beside);
    return static_cast<std::size_t>(end - line) - 1;
}

// Of a message that stands behind the frame's place in `room`.
void KafkaOutput::add(std::span<std::byte> room, const KafkaFrame& frame, ObservedAt at) {
    store_frame(room, frame);
    filler_.add(frame.stride(), frame.contents, at);
}

void KafkaOutput::take_alerts(std::span<const inspect::Alert> alerts, const AlertEvents& words) {
    constexpr RecordTotals one{.alerts = 1};
    if (format_ != Format::eve) {
        return;
    }
    for (const inspect::Alert& alert : alerts) {
        alert_line_.clear();
        words.append_eve(alert_line_, alert);
        account_.taker.taken += one;
        const std::size_t octets = alert_line_.size() - 1;
        const std::span<std::byte> room = filler_.room(frame_octets(octets));
        if (room.empty()) {
            filler_.refuse(one);
            continue;
        }
        std::ranges::copy(std::as_bytes(std::span{alert_line_}.first(octets)),
                          room.subspan(sizeof(KafkaFrame)).begin());
        add(room, {.octets = static_cast<std::uint32_t>(octets), .contents = one}, alert.at);
    }
    account_.publish_taker();
    queue_.wake();
}

void KafkaOutput::flush(std::chrono::steady_clock::time_point deadline) {
    filler_.hand_over();
    queue_.wake();
    sender_.drain(deadline);
}

}  // namespace tapmeter::exporting
