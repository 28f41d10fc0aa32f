#include "src/exporting/ipfix_output.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "pipeline/base/expects.h"

namespace tapmeter::exporting {
namespace {

// A message that is not full leaves after 500 ms at the latest: its age is known to a tick.
constexpr std::chrono::milliseconds message_age_max{400};
constexpr std::chrono::seconds patience_at_end{1};
// How many messages a sleeping sender may let pile up before it is woken within one take().
constexpr std::size_t pushes_per_wake = 32;

std::size_t message_octets_max(const Config::Ipfix& config) noexcept {
    return config.message_octets_max == 0 ? message_octets_cap : config.message_octets_max;
}

// Observation Domains in the order of their first Observation Point.
std::vector<ObservationDomainId> domains_of(const Interfaces& interfaces) {
    std::vector<ObservationDomainId> domains;
    for (const Interface& one : interfaces) {
        if (std::ranges::find(domains, one.observation_domain_id) == domains.end()) {
            domains.push_back(one.observation_domain_id);
        }
    }
    return domains;
}

}  // namespace

Result<std::unique_ptr<Output>> open_ipfix(const Config::Ipfix& config,
                                           const Interfaces& interfaces, LogLine log,
                                           const IpfixStart& start) {
    const std::size_t octets = message_octets_max(config);
    if (octets < message_octets_unknown_path || octets > message_octets_limit) {
        return failed(
            Error::Kind::invalid_config,
            fmt::format("export.ipfix '{}': message_octets_max = {}: must be 0 or {} to {}",
                        config.name, octets, message_octets_unknown_path, message_octets_limit));
    }
    if (interfaces.empty() || config.queue_messages == 0 || config.template_refresh_messages == 0) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("export.ipfix '{}': needs a capture, and 1 or more for "
                                  "queue_messages and template_refresh_messages",
                                  config.name));
    }
    auto session = UdpSession::open(config.host, config.port);
    if (!session) {
        session.error().message =
            fmt::format("export.ipfix '{}': {}", config.name, session.error().message);
        return tl::unexpected<Error>(std::move(session.error()));
    }
    Descriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!event.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("export.ipfix '{}': eventfd: {}; raise the limit "
                                  "of open files (LimitNOFILE)",
                                  config.name, std::generic_category().message(errno)));
    }
    return std::make_unique<IpfixOutput>(
        IpfixOutput::Parts{config, std::move(log), start, std::move(*session), std::move(event)},
        interfaces);
}

IpfixOutput::IpfixOutput(Parts parts, const Interfaces& interfaces)
    : name_("ipfix/" + parts.config.name),
      templates_(biflow_templates(parts.config.time_unit, parts.config.quirk_nfdump)),
      queue_({parts.config.queue_messages, message_octets_max(parts.config)},
             std::move(parts.queue_event)),
      sender_({name_, parts.config, domains_of(interfaces).size(), std::move(parts.log),
               parts.start.now},
              std::move(parts.session), queue_, account_),
      now_(parts.start.now()) {
    const auto domains = domains_of(interfaces);
    for (const ObservationDomainId domain : domains) {
        streams_.push_back(
            {MessageBuilder(domain, message_octets_max(parts.config), parts.start.first_sequence)});
        streams_.back().builder.set_limit(sender_.message_octets());
    }
    for (const Interface& one : interfaces) {
        const auto found = std::ranges::find(domains, one.observation_domain_id);
        stream_of_point_.push_back(static_cast<std::size_t>(found - domains.begin()));
    }
    thread_ = std::jthread([this] { sender_.run(); });
}

IpfixOutput::~IpfixOutput() {
    flush(std::chrono::steady_clock::now() + patience_at_end);
    queue_.stop();
}

void IpfixOutput::take(const RecordBatch& batch) {
    for (const flow::FlowRecord& record : batch.records) {
        take_one(record);
    }
    account_.publish_taker();
    queue_.wake();
    pushed_since_wake_ = 0;
}

void IpfixOutput::take_one(const flow::FlowRecord& record) {
    expects(record.observation_point < stream_of_point_.size());
    const std::size_t stream = stream_of_point_[record.observation_point];
    MessageBuilder& builder = streams_[stream].builder;
    const Template& made_for = templates_[kind_of(record)];
    if (!builder.add(made_for, record)) {
        finish_message(stream);
        const bool added = builder.add(made_for, record);
        expects(added);
    }
    if (builder.contents().records == 1) {
        streams_[stream].begun = now_;
    }
    const RecordTotals totals = totals_of(record);
    account_.taker.taken += totals;
    account_.taker.encoding += totals;
}

// Hands the message in progress over, or drops it where the queue is full.
void IpfixOutput::finish_message(std::size_t stream) {
    MessageBuilder& builder = streams_[stream].builder;
    const RecordTotals contents = builder.contents();
    const Bytes message = builder.finish(export_time_now());
    builder.set_limit(sender_.message_octets());

    account_.taker.encoding -= contents;
    const auto room = queue_.writable();
    if (room.empty()) {
        account_.taker.queue_full += contents;
        account_.publish_taker();
        return;
    }
    std::ranges::copy(message, room.begin());
    account_.taker.handed_over += contents;
    account_.publish_taker();  // before the sender can finish it: the account's promise
    queue_.push(
        {static_cast<std::uint32_t>(message.size()), static_cast<std::uint32_t>(stream), contents});
    if (++pushed_since_wake_ == pushes_per_wake) {
        pushed_since_wake_ = 0;
        queue_.wake();
    }
}

void IpfixOutput::tick(std::chrono::steady_clock::time_point now) {
    now_ = now;
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        const Stream& one = streams_[stream];
        if (!one.builder.empty() && now - one.begun >= message_age_max) {
            finish_message(stream);
        }
    }
    queue_.wake();
}

void IpfixOutput::flush(std::chrono::steady_clock::time_point deadline) {
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        if (!streams_[stream].builder.empty()) {
            finish_message(stream);
        }
    }
    queue_.wake();
    queue_.drain(deadline);
}

}  // namespace tapmeter::exporting
