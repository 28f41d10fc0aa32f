#include "src/verbs/flow_lines.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <iterator>

#include "src/exporting/account.h"
#include "src/exporting/text.h"

namespace tapmeter::verbs {

namespace {

constexpr std::size_t write_at_octets = std::size_t{1} << 16U;

std::string address_text(const decode::Address& address, std::uint8_t ip_version) {
    std::array<char, exporting::address_characters_max> text{};
    const char* const end = exporting::write_address(text.data(), address, ip_version);
    return std::string(static_cast<const char*>(text.data()), end);
}

std::string time_text(ObservedAt at) {
    std::array<char, exporting::timestamp_characters_max> text{};
    const char* const end = exporting::write_rfc3339(text.data(), at);
    return std::string(static_cast<const char*>(text.data()), end);
}

double seconds_of(Nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

std::string_view reason_of(const flow::FlowRecord& record) {
    return flow::flow_end_reason_names[flow::index_of(record.end_reason)];
}

std::string endpoint(const decode::Address& address, std::uint16_t port,
                     const flow::FlowRecord& record) {
    const std::string text = address_text(address, record.ip_version);
    if (port == 0) {
        return text;
    }
    return record.ip_version == 6 ? fmt::format("[{}]:{}", text, port)
                                  : fmt::format("{}:{}", text, port);
}

// Never without octets to point at: fmt hands them to memcpy().
std::string_view confidence_of(const flow::FlowRecord& record) {
    const bool inspected = record.application.inspection != flow::Inspection::off;
    return inspected
               ? flow::confidence_names[static_cast<std::size_t>(record.application.confidence)]
               : std::string_view{""};
}

constexpr std::string_view csv_heading =
    "start,end,in_iface,vlan,customer_vlan,proto,src_ip,src_port,dest_ip,dest_port,"
    "pkts_toserver,pkts_toclient,bytes_toserver,bytes_toclient,"
    "l2_bytes_toserver,l2_bytes_toclient,tcp_flags_ts,tcp_flags_tc,end_reason,"
    "app,app_confidence,flow_id\r\n";

}  // namespace

FlowLines::FlowLines(OutputFormat format, const exporting::Interfaces& interfaces,
                     const inspect::ApplicationNames* names)
    : format_(format), interfaces_(interfaces), json_(interfaces, names), names_(names) {
    if (format == OutputFormat::csv) {
        lines_ = csv_heading;
    }
}

void FlowLines::take(const RecordBatch& batch) {
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        const flow::FlowRecord& record = batch.records[i];
        append(record, batch.parts_of(i));
        waiting_ += exporting::totals_of(record);
        totals_.taken += exporting::totals_of(record);
    }
    published_.publish(totals_);
    if (lines_.size() >= write_at_octets) {
        write_out();
    }
}

void FlowLines::take_alerts(std::span<const inspect::Alert> alerts,
                            const exporting::AlertEvents& words) {
    if (format_ != OutputFormat::json) {
        return;
    }
    for (const inspect::Alert& alert : alerts) {
        words.append_eve(lines_, alert);
    }
    waiting_.alerts += alerts.size();
    totals_.taken.alerts += alerts.size();
    published_.publish(totals_);
    if (lines_.size() >= write_at_octets) {
        write_out();
    }
}

void FlowLines::append(const flow::FlowRecord& record, const RecordRing::Parts& beside) {
    const auto out = std::back_inserter(lines_);
    const std::string_view protocol = exporting::protocol_name(record.protocol);
    if (format_ == OutputFormat::json) {
        std::array<char,
                   exporting::JsonLines::line_octets_max + exporting::JsonLines::name_octets_max>
            line;  // NOLINT(*-member-init): written by the next line
        lines_.append(line.data(), json_.write_eve(line.data(), record, beside));
        return;
    }
    if (format_ == OutputFormat::csv) {
        fmt::format_to(out, FMT_COMPILE("{},{},{},{},{},{},{},{},{},{},"), time_text(record.start),
                       time_text(record.end), csv_cell(interfaces_[record.observation_point].name),
                       record.vlan, record.customer_vlan, protocol,
                       address_text(record.source, record.ip_version), record.source_port,
                       address_text(record.destination, record.ip_version),
                       record.destination_port);
        fmt::format_to(out, FMT_COMPILE("{},{},{},{},{},{},{:02x},{:02x},{},{},{},{}\r\n"),
                       record.forward.packets.value, record.reverse.packets.value,
                       record.forward.octets.value, record.reverse.octets.value,
                       record.forward.layer2_octets.value, record.reverse.layer2_octets.value,
                       record.forward_tcp_control_bits, record.reverse_tcp_control_bits,
                       reason_of(record), application_of(record), confidence_of(record),
                       record.flow_id);
        return;
    }
    const std::string application = application_of(record);
    fmt::format_to(
        out,
        FMT_COMPILE("{} {:>9.3f} s  {:<10} {:>41} > {:<41} {:>9} {:>12} {:>9} {:>12}  {}{}{}\n"),
        time_text(record.start), seconds_of(record.end - record.start), protocol,
        endpoint(record.source, record.source_port, record),
        endpoint(record.destination, record.destination_port, record), record.forward.packets.value,
        record.forward.octets.value, record.reverse.packets.value, record.reverse.octets.value,
        reason_of(record), application.empty() ? "" : "  ", application);
}

// Empty where the flow was not inspected.
std::string FlowLines::application_of(const flow::FlowRecord& record) const {
    const bool inspected = record.application.inspection != flow::Inspection::off;
    return names_ != nullptr && inspected ? names_->label(record.application) : std::string();
}

void FlowLines::write_out() {
    const bool written = std::fwrite(lines_.data(), 1, lines_.size(), stdout) == lines_.size() &&
                         std::fflush(stdout) == 0;
    if (!written) {
        totals_.failed += waiting_;
    }
    lines_.clear();
    waiting_ = {};
    published_.publish(totals_);
}

void FlowLines::tick(std::chrono::steady_clock::time_point) {
    if (!lines_.empty()) {
        write_out();
    }
}

void FlowLines::flush(std::chrono::steady_clock::time_point) {
    write_out();
}

exporting::OutputCounters FlowLines::counters() const {
    const Totals totals = published_.read();
    exporting::OutputCounters counters{};
    counters.taken = totals.taken;
    counters.sent = totals.taken;
    counters.sent -= totals.failed;
    counters.dropped[static_cast<std::size_t>(exporting::RecordDropped::send_error)] =
        totals.failed;
    return counters;
}

}  // namespace tapmeter::verbs
