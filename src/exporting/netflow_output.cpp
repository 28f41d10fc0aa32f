#include "src/exporting/netflow_output.h"

#include <algorithm>

#include "pipeline/base/expects.h"
#include "src/fields/derived.h"

namespace tapmeter::exporting {
namespace {

using flow::FlowRecord;

constexpr std::int64_t second = 1'000'000'000;
// Flows that last, and recordings that are not in order, reach so far back behind the first one.
constexpr std::int64_t origin_before_seconds = 2 * 86'400;
constexpr std::uint64_t counter_max = 0xFFFF'FFFF;
constexpr std::chrono::seconds patience_at_end{1};

// A time before 1970, which no header can tell, is told as 1970; in IPFIX too.
std::int64_t seconds_of(ObservedAt at) noexcept {
    return std::max<std::int64_t>(at.time_since_epoch().count(), 0) / second;
}

// Headers have 32 bits of seconds, records 32 bits of milliseconds.
bool has_told_times(const FlowRecord& record) noexcept {
    const std::int64_t start = seconds_of(record.start);
    const std::int64_t end = seconds_of(record.end);
    const std::int64_t origin = std::min(start, end) - origin_before_seconds;
    return std::max(start, end) < static_cast<std::int64_t>(counter_max) &&
           is_told_by_uptime(std::max(start, end), origin);
}

std::uint64_t parts_of(const flow::Side& side) noexcept {
    const std::uint64_t most = std::max(side.packets.value, side.octets.value);
    return most == 0 ? 1 : (most - 1) / counter_max + 1;
}

// The k-th of so many parts, which differ by one at most and add up to the whole.
std::uint64_t share(std::uint64_t whole, std::uint64_t part, std::uint64_t parts) noexcept {
    return whole / parts + (part < whole % parts ? 1 : 0);
}

std::uint32_t milliseconds_of(ObservedAt at) noexcept {
    return static_cast<std::uint32_t>(fields::ipfix_time<TimeUnit::milliseconds>(at));
}

void write_netflow5(const FlowRecord& record, std::span<std::byte> to) noexcept {
    constexpr std::uint8_t icmp = 1;
    const std::uint16_t destination =
        record.protocol == icmp
            ? static_cast<std::uint16_t>(record.icmp_type * 256 + record.icmp_code)
            : record.destination_port;
    const auto input = static_cast<std::uint16_t>(fields::ingress_interface(record));
    const bool wide = record.aggregated || record.sampling_exponent != 0;
    constexpr std::uint8_t whole_address = 32;

    std::ranges::fill(to.first<48>(), std::byte{0});  // next hop, output, autonomous systems
    std::ranges::copy(std::as_bytes(std::span{record.source}.last<4>()), to.begin());
    std::ranges::copy(std::as_bytes(std::span{record.destination}.last<4>()), to.begin() + 4);
    store_be(to.subspan<12, 2>(), input);
    store_be(to.subspan<16, 4>(), static_cast<std::uint32_t>(record.forward.packets.value));
    store_be(to.subspan<20, 4>(), static_cast<std::uint32_t>(record.forward.octets.value));
    store_be(to.subspan<24, 4>(), milliseconds_of(record.start));
    store_be(to.subspan<28, 4>(), milliseconds_of(record.end));
    store_be(to.subspan<32, 2>(), record.protocol == icmp ? std::uint16_t{0} : record.source_port);
    store_be(to.subspan<34, 2>(), destination);
    to[37] = static_cast<std::byte>(record.forward_tcp_control_bits & 0xFFU);
    to[38] = std::byte{record.protocol};
    to[39] = std::byte{record.forward_type_of_service};
    to[44] = std::byte{wide ? record.source_prefix_length : whole_address};
    to[45] = std::byte{wide ? record.destination_prefix_length : whole_address};
}

}  // namespace

constinit const Template netflow5_record{
    .id = 5, .record_octets = 48, .definition = {}, .encode = write_netflow5, .plan = nullptr};

NetflowOutput::NetflowOutput(Parts parts, const Interfaces& interfaces)
    : NetflowOutput(parts.config.transport == Config::Transport::netflow5, std::move(parts),
                    interfaces) {}

// `parts` is gone once the base has it.
NetflowOutput::NetflowOutput(bool version5, Parts parts, const Interfaces& interfaces)
    : IpfixOutput(std::move(parts), interfaces), version5_(version5) {}

NetflowOutput::~NetflowOutput() {
    flush(std::chrono::steady_clock::now() + patience_at_end);  // while export_time() is ours
}

void NetflowOutput::take(const RecordBatch& batch) {
    follow_reload();
    deal(batch);
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        const RecordTotals totals = totals_of(batch.records[i]);
        if (!is_elsewhere(i, totals)) {
            take_one(batch.records[i], totals);
        }
    }
    publish();
}

void NetflowOutput::take_one(const FlowRecord& record, const RecordTotals& totals) {
    Account::Taker& books = account().taker;
    books.taken += totals;
    if (choice().leaves_out(record)) {
        books.left_out += totals;
        return;
    }
    if (!is_expressible(record)) {
        books.not_expressible += totals;
        return;
    }
    make_times_fit(record);
    if (version5_) {
        take_in_parts(in_uptime(choice().sampled(record)));
    } else {
        take_whole(in_uptime(choice().sampled(record)));
    }
}

bool NetflowOutput::is_expressible(const FlowRecord& record) const noexcept {
    return has_told_times(record) &&
           (!version5_ ||
            (record.ip_version == 4 && parts_of(record.forward) <= netflow5_parts_max &&
             parts_of(record.reverse) <= netflow5_parts_max));
}

// Adds to the message in progress; where there is no room, to the next.
template <class Add>
void NetflowOutput::put(const FlowRecord& record, const RecordTotals& totals, const Add& add) {
    const std::size_t stream = stream_of(record);
    MessageBuilder& builder = streams()[stream].builder;
    if (!add(builder)) {
        finish_message(stream);
        const bool added = add(builder);
        expects(added);
    }
    count_as_encoding(stream, totals, record.end + Nanoseconds{origin_ * second});
}

void NetflowOutput::take_whole(const FlowRecord& record) {
    const Template& made_for = templates().for_record(record);
    const RecordTotals totals = totals_of(record);
    Uniflows flows(record);
    put(record, totals,
        [&](MessageBuilder& builder) { return builder.add(made_for, flows.all(), totals); });
}

// What belongs to one flow record may stand in several messages: each is accounted for what of its
// packets and octets it holds, the first of them for the record.
void NetflowOutput::take_in_parts(const FlowRecord& record) {
    Uniflows flows(record);
    std::uint64_t records = 1;
    for (const FlowRecord& flow : flows.all()) {
        const std::uint64_t parts = parts_of(flow.forward);
        FlowRecord one = flow;
        for (std::uint64_t part = 0; part < parts; ++part) {
            one.forward.packets = Packets{share(flow.forward.packets.value, part, parts)};
            one.forward.octets = Octets{share(flow.forward.octets.value, part, parts)};
            const RecordTotals totals{records, one.forward.packets.value, one.forward.octets.value};
            records = 0;
            put(record, totals, [&](MessageBuilder& builder) {
                return builder.add(netflow5_record, std::span{&one, 1}, totals);
            });
        }
    }
}

void NetflowOutput::make_times_fit(const FlowRecord& record) {
    const std::int64_t start = seconds_of(record.start);
    const std::int64_t end = seconds_of(record.end);
    const bool fits =
        begun_ && is_told_by_uptime(start, origin_) && is_told_by_uptime(end, origin_);
    if (!fits) {
        begun_ = true;
        origin_ = std::min(start, end) - origin_before_seconds;
        for (std::size_t stream = 0; stream < streams().size(); ++stream) {
            finish_message(stream);  // with the latest time of the origin before
            streams()[stream].builder.set_uptime_origin(origin_);
        }
        latest_ = 0;
    }
    latest_ = std::max(latest_, static_cast<std::uint32_t>(std::max(start, end) + 1));
}

FlowRecord NetflowOutput::in_uptime(FlowRecord record) const noexcept {
    const Nanoseconds origin{origin_ * second};
    record.start = std::max(record.start, ObservedAt{}) - origin;
    record.end = std::max(record.end, ObservedAt{}) - origin;
    return record;
}

std::uint32_t NetflowOutput::export_time(const MessageBuilder& builder) const {
    const std::uint32_t now = export_time_now();
    return is_told_by_uptime(now, builder.uptime_origin()) ? now : latest_;
}

}  // namespace tapmeter::exporting
