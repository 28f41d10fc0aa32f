#include "src/exporting/ipfix_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/base/expects.h"
#include "src/exporting/message_sender.h"
#include "src/exporting/reports_of_directions.h"
#include "src/exporting/stream_sender.h"

namespace tapmeter::exporting {
namespace {

// A message that is not full leaves after 500 ms at the latest: its age is known to a tick.
constexpr std::chrono::milliseconds message_age_max{400};
constexpr std::chrono::seconds patience_at_end{1};
// How many messages a sleeping sender may let pile up before it is woken within one take().
constexpr std::size_t pushes_per_wake = 32;

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

fields::Texts texts_of(const IpfixOutput::Parts& parts, const Interfaces& interfaces) {
    fields::Texts texts;
    texts.enterprise_number = parts.config.enterprise_number;
    for (const Interface& one : interfaces) {
        texts.interface_names.push_back(
            fields::as_variable_length(std::as_bytes(std::span{one.name})));
        texts.longest = std::max(texts.longest, texts.interface_names.back().size());
    }
    return texts;
}

// Messages of records that were chosen alike, in the same Observation Domains, are alike.
std::string made_of(const Config::Ipfix& config) {
    return fmt::format("{}/{}/{}", config.observation_domain_id.value_or(0), config.sampling,
                       config.filter);
}

bool is_ipfix(const Config::Ipfix& config) noexcept {
    return &protocol_of(config.transport) == &ipfix_protocol;
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

}  // namespace

IpfixOutput::IpfixOutput(Parts parts, const Interfaces& interfaces)
    : config_(parts.config),
      name_(fmt::format("{}/{}", protocol_of(parts.config.transport).label, parts.config.name)),
      templates_(parts.templates),
      next_templates_(parts.templates),
      choice_(std::move(parts.choice)),
      texts_(texts_of(parts, interfaces)),
      names_(parts.start.names),
      group_name_(parts.config.group),
      made_of_(made_of(parts.config)),
      group_room_(std::min<std::size_t>(parts.config.queue_messages / 4 + 1, records_at_a_time)),
      queue_({parts.config.queue_messages, message_octets_max(parts.config)},
             std::move(parts.queue_event)),
      now_(parts.start.now()) {
    if (parts.start.group != nullptr) {
        if (*parts.start.group == nullptr) {
            own_group_ = std::make_unique<CollectorGroup>(parts.config.sharing);
            *parts.start.group = own_group_.get();
        }
        group_ = *parts.start.group;
        place_ = group_->join(parts.config.name, parts.spool != nullptr,
                              is_ipfix(parts.config) ? this : nullptr);
        may_hand_on_ = is_ipfix(parts.config) && parts.spool == nullptr;
    }
    sender_ = sender_for(parts, interfaces);
    const auto domains = domains_of(interfaces);
    for (const ObservationDomainId domain : domains) {
        streams_.push_back(
            {MessageBuilder({domain, message_octets_max(parts.config), parts.start.first_sequence,
                             &texts_, &protocol_of(parts.config.transport)})});
        streams_.back().builder.set_limit(sender_->message_octets());
    }
    for (const Interface& one : interfaces) {
        const auto found = std::ranges::find(domains, one.observation_domain_id);
        stream_of_point_.push_back(static_cast<std::size_t>(found - domains.begin()));
    }
    thread_ = std::jthread([this] { sender_->run(); });
}

std::unique_ptr<Sender> IpfixOutput::sender_for(Parts& parts, const Interfaces& interfaces) {
    const Protocol& protocol = protocol_of(parts.config.transport);
    Sender::Setup setup{
        .output = name_,
        .config = parts.config,
        .streams = {},
        .log = std::move(parts.log),
        .now = parts.start.now,
        .protocol = &protocol,
        .spool = std::move(parts.spool),
    };
    for (const ObservationDomainId domain : domains_of(interfaces)) {
        setup.streams.push_back({.templates = templates_,
                                 .domain = domain,
                                 .interfaces = interfaces,
                                 .options = parts.config.options && !parts.config.quirk_nfdump,
                                 .applications = parts.start.names,
                                 .protocol = &protocol,
                                 .sampling = parts.config.sampling});
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
    follow_reload();
    deal(batch);
    learn_names();
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        const RecordTotals totals = totals_of(batch.records[i]);
        if (!is_elsewhere(i, totals)) {
            take_one(batch.records[i], totals, batch.parts_of(i));
        }
    }
    publish();
}

void IpfixOutput::follow_reload() {
    const TemplateSet* const next = next_templates_.load(std::memory_order_acquire);
    if (next == templates_) [[likely]] {
        return;
    }
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        finish_message(stream);
    }
    templates_ = next;
    texts_.enterprise_number = next->enterprise_number();
}

// Names come behind the outputs' start, and with a reload.
void IpfixOutput::learn_names() {
    if (names_ == nullptr || names_->edition() == edition_) [[likely]] {
        return;
    }
    edition_ = names_->edition();
    texts_.application_names.clear();
    for (std::uint16_t number = 0; number < inspect::ApplicationNames::protocols_max; ++number) {
        const std::string_view name = names_->protocol(number);
        static_assert(inspect::ApplicationNames::name_octets_max <
                      fields::application_name_octets_max);
        texts_.application_names.push_back(
            fields::as_variable_length(std::as_bytes(std::span{name})));
    }
}

// A block holds one record at least, so that many blocks are room enough. Whoever is away is not
// waited for while another has its records.
bool IpfixOutput::ready() noexcept {
    tell_group();
    const bool has_room = queue_.has_room(records_at_a_time);
    return has_room ||
           (group_ != nullptr && !sender_->is_reachable() && group_->another_is_ready(place_));
}

void IpfixOutput::tell_group() noexcept {
    using State = CollectorGroup::State;
    if (group_ != nullptr) {
        const State reached = queue_.has_room(group_room_) ? State::ready : State::full;
        group_->tell(place_, sender_->is_reachable() ? reached : State::away);
    }
}

// What waits for a Collector that is away: a queue's room at each tick.
void IpfixOutput::hand_on() {
    if (group_ == nullptr || !may_hand_on_) {
        return;
    }
    if (!sender_->has_lent_queue()) {
        if (!sender_->is_reachable() && queue_.waiting() != 0 && group_->may_hand_on(place_)) {
            sender_->ask_for_queue();
        }
        return;
    }
    for (auto waiting = queue_.readable(); !waiting.empty(); waiting = queue_.readable()) {
        const Block& block = waiting.front();
        if (!group_->hand_on(place_, {block, queue_.octets_of(0), made_of_})) {
            break;
        }
        account_.taker.handed_on += block.contents;
        account_.taker.handed_over -= block.contents;
        account_.publish_taker();  // before the block is gone: it is counted once
        queue_.consume(1);
    }
    sender_->give_queue_back();
}

bool IpfixOutput::inherit(const CollectorGroup::Legacy& message) {
    const std::span<std::byte> room = queue_.writable();
    if (message.block.templates != templates_ || message.choice != made_of_ ||
        message.octets.size() > sender_->message_octets() || !queue_.has_room(group_room_) ||
        room.empty()) {
        return false;
    }
    Block block = message.block;
    MessageBuilder& builder = streams_[block.stream].builder;
    std::ranges::copy(message.octets, room.begin());
    // Its Templates may be younger here than it was there (RFC 7011 section 8.2).
    store_be(room.subspan<4, 4>(), export_time_now());
    block.sequence = builder.sequence();
    builder.skip(block.sequence_step);
    account_.taker.inherited += block.contents;
    account_.taker.handed_over += block.contents;
    account_.publish_taker();  // before the sender can finish it: the account's promise
    queue_.push(block);
    return true;
}

void IpfixOutput::deal(const RecordBatch& batch) {
    if (group_ != nullptr && place_ == 0) {
        group_->deal(batch.records);
    }
}

bool IpfixOutput::is_elsewhere(std::size_t index, const RecordTotals& totals) noexcept {
    if (group_ == nullptr || group_->is_for(place_, index)) [[likely]] {
        return false;
    }
    account_.taker.taken += totals;
    account_.taker.elsewhere += totals;
    return true;
}

OutputCounters IpfixOutput::counters() const {
    OutputCounters counters = account_.read();
    counters.group = group_name_;
    return counters;
}

void IpfixOutput::publish() {
    account_.publish_taker();
    queue_.wake();
    pushed_since_wake_ = 0;
    tell_group();
}

void IpfixOutput::take_one(const flow::FlowRecord& record, const RecordTotals& totals,
                           const RecordRing::Parts& beside) {
    if (choice_.leaves_out(record)) {
        account_.taker.taken += totals;
        account_.taker.left_out += totals;
        return;
    }
    const std::size_t stream = stream_of(record);
    MessageBuilder& builder = streams_[stream].builder;
    if (!add(builder, record, beside)) {
        finish_message(stream);
        const bool added = add(builder, record, beside);
        expects(added);
    }
    count_as_encoding(stream, totals, record.end);
    account_.taker.taken += totals;
}

// Of what was just added to the message in progress.
void IpfixOutput::count_as_encoding(std::size_t stream, const RecordTotals& totals,
                                    ObservedAt ended) {
    const RecordTotals& contents = streams_[stream].builder.contents();
    if (contents.records == totals.records && contents.packets == totals.packets) {
        streams_[stream].begun = now_;
        streams_[stream].ended = ended;
    }
    account_.taker.encoding += totals;
}

std::size_t IpfixOutput::stream_of(const flow::FlowRecord& record) const noexcept {
    expects(record.observation_point < stream_of_point_.size());
    return stream_of_point_[record.observation_point];
}

// False: no room. Whole flows are sampled, so each record of one says the same.
bool IpfixOutput::add(MessageBuilder& builder, const flow::FlowRecord& record,
                      const RecordRing::Parts& beside) const noexcept {
    const ReportsOfDirections reports(beside, templates_->biflow());
    builder.stand_beside(reports.all(templates_->biflow() || asks(record) ? 0 : 1));
    if (!choice_.samples() && templates_->biflow()) {
        return builder.add(templates_->for_record(record), record);
    }
    const flow::FlowRecord one = choice_.sampled(record);
    const Template& made_for = templates_->for_record(one);
    if (templates_->biflow()) {
        return builder.add(made_for, one);
    }
    return builder.add(made_for, one, Uniflows(one).all());
}

Uniflows::Uniflows(const flow::FlowRecord& record) noexcept : records{record, reversed(record)} {
    const bool answered = record.reverse.packets.value != 0;
    const bool asked = asks(record);
    first = asked ? 0 : 1;
    count = answered && asked ? 2 : 1;
}

// Hands the message in progress over, or drops it where the queue is full.
void IpfixOutput::finish_message(std::size_t stream) {
    MessageBuilder& builder = streams_[stream].builder;
    if (builder.empty()) {
        return;
    }
    const RecordTotals contents = builder.contents();
    const std::uint32_t step = builder.sequence_step();
    const std::uint32_t sequence = builder.sequence();
    const Bytes message = builder.finish(export_time(builder));
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
                 contents, sequence, step, streams_[stream].ended, templates_});
    if (++pushed_since_wake_ == pushes_per_wake) {
        pushed_since_wake_ = 0;
        queue_.wake();
    }
}

void IpfixOutput::tick(std::chrono::steady_clock::time_point now) {
    now_ = now;
    follow_reload();
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        const Stream& one = streams_[stream];
        if (!one.builder.empty() && now - one.begun >= message_age_max) {
            finish_message(stream);
        }
    }
    queue_.wake();
    tell_group();
    hand_on();
}

void IpfixOutput::flush(std::chrono::steady_clock::time_point deadline) {
    for (std::size_t stream = 0; stream < streams_.size(); ++stream) {
        finish_message(stream);
    }
    queue_.wake();
    while (sender_->catches_up() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    sender_->give_queue_back();
    queue_.drain(deadline);
}

}  // namespace tapmeter::exporting
