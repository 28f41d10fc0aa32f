#include "src/exporting/ipfix_output.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>

#include "pipeline/base/expects.h"
#include "src/exporting/file_session.h"
#include "src/exporting/message_sender.h"
#include "src/exporting/reports_of_directions.h"
#include "src/exporting/stream_sender.h"
#include "src/exporting/tls_session.h"

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

// With the one domain that the operator gave for all.
Interfaces in_domains(Interfaces interfaces, const Config::Ipfix& config) {
    for (Interface& one : interfaces) {
        one.observation_domain_id = config.observation_domain_id
                                        ? ObservationDomainId{*config.observation_domain_id}
                                        : one.observation_domain_id;
    }
    return interfaces;
}

fields::Texts texts_of(const Interfaces& interfaces) {
    fields::Texts texts;
    for (const Interface& one : interfaces) {
        texts.interface_names.push_back(
            fields::as_variable_length(std::as_bytes(std::span{one.name})));
        texts.longest = std::max(texts.longest, texts.interface_names.back().size());
    }
    return texts;
}

// A flow seen from its destination.
flow::FlowRecord reversed(flow::FlowRecord record) noexcept {
    std::swap(record.source, record.destination);
    std::swap(record.source_port, record.destination_port);
    std::swap(record.forward_tcp_control_bits, record.reverse_tcp_control_bits);
    std::swap(record.forward_type_of_service, record.reverse_type_of_service);
    std::swap(record.forward_ttl_min, record.reverse_ttl_min);
    std::swap(record.forward, record.reverse);
    std::swap(record.source_prefix_length, record.destination_prefix_length);
    return record;
}

// Spreads flow ids evenly (the finalizer of SplitMix64, Steele et al. 2014).
std::uint64_t mixed(std::uint64_t id) noexcept {
    id = (id ^ (id >> 30U)) * 0xbf58'476d'1ce4'e5b9;
    id = (id ^ (id >> 27U)) * 0x94d0'49bb'1331'11eb;
    return id ^ (id >> 31U);
}

Result<void> check(const Config::Ipfix& config, const Interfaces& interfaces) {
    const std::size_t octets = message_octets_max(config);
    if (octets < message_octets_unknown_path || octets > message_octets_limit) {
        return failed(
            Error::Kind::invalid_config,
            fmt::format("export.ipfix '{}': message_octets_max = {}: must be 0 or {} to {}",
                        config.name, octets, message_octets_unknown_path, message_octets_limit));
    }
    if (interfaces.empty() || config.queue_messages == 0 || config.template_refresh_messages == 0 ||
        !std::has_single_bit(config.sampling)) {
        return failed(Error::Kind::invalid_config,
                      fmt::format("export.ipfix '{}': needs a capture, 1 or more for "
                                  "queue_messages and template_refresh_messages, and a power of "
                                  "two for sampling",
                                  config.name));
    }
    return {};
}

Result<std::unique_ptr<StreamSession>> open_stream(const Config::Ipfix& config) {
    if (config.transport == Config::Transport::tls) {
        return TlsSession::make(
            config.host, config.port,
            {config.tls_certificate, config.tls_key, config.tls_ca, config.tls_name});
    }
    if (config.transport == Config::Transport::file) {
        return FileSession::make({config.path, config.name, config.rotate, config.compress});
    }
    return std::make_unique<TcpSession>(config.host, config.port);
}

// What can be refused, before any thread begins.
Result<void> open_parts(IpfixOutput::Parts& parts) {
    const Config::Ipfix& config = parts.config;
    auto templates = TemplateSet::of({config.time_unit, config.quirk_nfdump, config.biflow,
                                      config.enterprise_number, config.fields});
    if (!templates) {
        return tl::unexpected<Error>(std::move(templates.error()));
    }
    parts.templates = *templates;
    auto filter = fields::parse_filter(config.filter);
    if (!filter) {
        return failed(Error::Kind::invalid_config, "filter must be " + filter.error());
    }
    parts.filter = std::move(*filter);
    if (config.transport == Config::Transport::udp) {
        auto datagrams = UdpSession::open(config.host, config.port);
        if (!datagrams) {
            return tl::unexpected<Error>(std::move(datagrams.error()));
        }
        parts.datagrams = std::move(*datagrams);
    } else {
        auto stream = open_stream(config);
        if (!stream) {
            return tl::unexpected<Error>(std::move(stream.error()));
        }
        parts.stream = std::move(*stream);
    }
    parts.queue_event = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!parts.queue_event.is_open()) {
        return failed(Error::Kind::io,
                      fmt::format("eventfd: {}; raise the limit of open files (LimitNOFILE)",
                                  std::generic_category().message(errno)));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Output>> open_ipfix(const Config::Ipfix& config,
                                           const Interfaces& interfaces, LogLine log,
                                           const IpfixStart& start) {
    if (auto checked = check(config, interfaces); !checked) {
        return tl::unexpected<Error>(std::move(checked.error()));
    }
    IpfixOutput::Parts parts;
    parts.config = config;
    parts.log = std::move(log);
    parts.start = start;
    if (auto opened = open_parts(parts); !opened) {
        opened.error().message =
            fmt::format("export.ipfix '{}': {}", config.name, opened.error().message);
        return tl::unexpected<Error>(std::move(opened.error()));
    }
    return std::make_unique<IpfixOutput>(std::move(parts), in_domains(interfaces, config));
}

Result<void> check_ipfix(const Config::Ipfix& config, const Interfaces& interfaces) {
    if (auto checked = check(config, interfaces); !checked) {
        return checked;
    }
    if (config.transport == Config::Transport::file) {
        return FileSession::check(config.path);
    }
    IpfixOutput::Parts parts;
    parts.config = config;
    return open_parts(parts);
}

IpfixOutput::IpfixOutput(Parts parts, const Interfaces& interfaces)
    : name_("ipfix/" + parts.config.name),
      templates_(*parts.templates),
      filter_(std::move(parts.filter)),
      sampling_exponent_(static_cast<unsigned>(std::countr_zero(parts.config.sampling))),
      texts_(texts_of(interfaces)),
      queue_({parts.config.queue_messages, message_octets_max(parts.config)},
             std::move(parts.queue_event)),
      now_(parts.start.now()) {
    sender_ = sender_for(parts, interfaces);
    const auto domains = domains_of(interfaces);
    for (const ObservationDomainId domain : domains) {
        streams_.push_back({MessageBuilder(domain, message_octets_max(parts.config),
                                           parts.start.first_sequence, texts_)});
        streams_.back().builder.set_limit(sender_->message_octets());
    }
    for (const Interface& one : interfaces) {
        const auto found = std::ranges::find(domains, one.observation_domain_id);
        stream_of_point_.push_back(static_cast<std::size_t>(found - domains.begin()));
    }
    thread_ = std::jthread([this] { sender_->run(); });
}

std::unique_ptr<Sender> IpfixOutput::sender_for(Parts& parts, const Interfaces& interfaces) {
    Sender::Setup setup{name_, parts.config, {}, std::move(parts.log), parts.start.now};
    for (const ObservationDomainId domain : domains_of(interfaces)) {
        setup.streams.push_back({.templates = &templates_,
                                 .domain = domain,
                                 .interfaces = interfaces,
                                 .options = parts.config.options && !parts.config.quirk_nfdump,
                                 .applications = {}});
    }
    if (parts.datagrams) {
        return std::make_unique<MessageSender>(std::move(setup), std::move(*parts.datagrams),
                                               queue_, account_);
    }
    return std::make_unique<StreamSender>(std::move(setup), std::move(parts.stream), queue_,
                                          account_);
}

IpfixOutput::~IpfixOutput() {
    flush(std::chrono::steady_clock::now() + patience_at_end);
    queue_.stop();
}

void IpfixOutput::take(const RecordBatch& batch) {
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        take_one(batch.records[i], batch.parts_of(i));
    }
    account_.publish_taker();
    queue_.wake();
    pushed_since_wake_ = 0;
}

void IpfixOutput::take_one(const flow::FlowRecord& record, const RecordRing::Parts& beside) {
    expects(record.observation_point < stream_of_point_.size());
    const RecordTotals totals = totals_of(record);
    if (is_left_out(record)) {
        account_.taker.taken += totals;
        account_.taker.left_out += totals;
        return;
    }
    const std::size_t stream = stream_of_point_[record.observation_point];
    MessageBuilder& builder = streams_[stream].builder;
    if (!add(builder, record, beside)) {
        finish_message(stream);
        const bool added = add(builder, record, beside);
        expects(added);
    }
    if (builder.contents().records == 1) {
        streams_[stream].begun = now_;
    }
    account_.taker.taken += totals;
    account_.taker.encoding += totals;
}

bool IpfixOutput::is_left_out(const flow::FlowRecord& record) const noexcept {
    const std::uint64_t choice = (std::uint64_t{1} << sampling_exponent_) - 1;
    return (choice != 0 && (mixed(record.flow_id) & choice) != 0) || !filter_.matches(record);
}

// False: no room. Whole flows are sampled, so each record of one says the same.
bool IpfixOutput::add(MessageBuilder& builder, const flow::FlowRecord& record,
                      const RecordRing::Parts& beside) const noexcept {
    const ReportsOfDirections reports(beside, templates_.biflow());
    builder.stand_beside(reports.all(templates_.biflow() || asks(record) ? 0 : 1));
    if (sampling_exponent_ == 0 && templates_.biflow()) {
        return builder.add(templates_.for_record(record), record);
    }
    flow::FlowRecord sampled = record;
    sampled.sampling_exponent =
        static_cast<std::uint8_t>(sampled.sampling_exponent + sampling_exponent_);
    if (sampling_exponent_ != 0 && !record.aggregated && record.sampling_exponent == 0) {
        const std::uint8_t whole = record.ip_version == 4 ? 32 : 128;
        sampled.source_prefix_length = whole;
        sampled.destination_prefix_length = whole;
    }
    const Template& made_for = templates_.for_record(sampled);
    if (templates_.biflow()) {
        return builder.add(made_for, sampled);
    }
    const std::array directions{sampled, reversed(sampled)};
    const bool answered = record.reverse.packets.value != 0;
    const bool asked = asks(record);
    const std::size_t first = asked ? 0 : 1;
    return builder.add(made_for, sampled,
                       std::span{directions}.subspan(first, answered && asked ? 2 : 1));
}

// Hands the message in progress over, or drops it where the queue is full.
void IpfixOutput::finish_message(std::size_t stream) {
    MessageBuilder& builder = streams_[stream].builder;
    const RecordTotals contents = builder.contents();
    const std::uint32_t data_records = builder.data_records();
    const std::uint32_t sequence = builder.sequence();
    const Bytes message = builder.finish(export_time_now());
    builder.set_limit(sender_->message_octets());

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
    queue_.push({static_cast<std::uint32_t>(message.size()), static_cast<std::uint32_t>(stream),
                 contents, sequence, data_records});
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
