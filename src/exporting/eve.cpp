#include "src/exporting/eve.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <type_traits>

#include "pipeline/base/expects.h"
#include "src/exporting/community_id.h"
#include "src/exporting/eve_analytics.h"
#include "src/exporting/eve_application.h"
#include "src/exporting/eve_metadata.h"
#include "src/exporting/text.h"

namespace tapmeter::exporting {
namespace {

constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t protocol_icmpv6 = 58;
constexpr std::uint8_t protocol_sctp = 132;

constexpr unsigned flag_fin = 0x01;
constexpr unsigned flag_rst = 0x04;

struct NamedFlag {
    unsigned bit;
    std::string_view member;
};
constexpr std::array named_flags{
    NamedFlag{0x02, ",\"syn\":true"},     NamedFlag{flag_fin, ",\"fin\":true"},
    NamedFlag{flag_rst, ",\"rst\":true"}, NamedFlag{0x08, ",\"psh\":true"},
    NamedFlag{0x10, ",\"ack\":true"},     NamedFlag{0x20, ",\"urg\":true"},
    NamedFlag{0x40, ",\"ecn\":true"},     NamedFlag{0x80, ",\"cwr\":true"},
};

char* append(char* to, std::string_view text) noexcept {
    return std::ranges::copy(text, to).out;
}

bool has_ports(const FlowRecord& record) noexcept {
    return record.protocol == protocol_tcp || record.protocol == protocol_udp ||
           record.protocol == protocol_sctp;
}

// Suricata's words for where the flow stands.
std::string_view state_of(const FlowRecord& record) noexcept {
    const unsigned forward = record.forward_tcp_control_bits;
    const unsigned reverse = record.reverse_tcp_control_bits;
    const bool reset = ((forward | reverse) & flag_rst) != 0;
    const bool both_done = (forward & reverse & flag_fin) != 0;
    if (record.end_reason == flow::FlowEndReason::end_of_flow ||
        (record.protocol == protocol_tcp && (reset || both_done))) {
        return "closed";
    }
    const bool answered = record.forward.packets.value != 0 && record.reverse.packets.value != 0;
    return answered ? "established" : "new";
}

// Suricata's words for why the record was written; ours is beside it under "tapmeter".
std::string_view reason_of(flow::FlowEndReason reason) noexcept {
    switch (reason) {
        case flow::FlowEndReason::forced_end:
            return "shutdown";
        case flow::FlowEndReason::lack_of_resources:
            return "forced";
        case flow::FlowEndReason::idle_timeout:
        case flow::FlowEndReason::active_timeout:
        case flow::FlowEndReason::end_of_flow:
            break;
    }
    return "timeout";
}

std::string_view name_of(flow::FlowEndReason reason) noexcept {
    const std::size_t index = flow::index_of(reason);
    expects(index < flow::flow_end_reasons);
    return flow::flow_end_reason_names[index];
}

std::int64_t second_of(ObservedAt at) noexcept {
    return std::max<std::int64_t>(at.time_since_epoch().count(), 0) / 1'000'000'000;
}

char* write_vlans(char* to, const FlowRecord& record) noexcept {
    if (record.vlan == 0 && record.customer_vlan == 0) {
        return to;
    }
    if (record.customer_vlan == 0) {
        return fmt::format_to(to, FMT_COMPILE(",\"vlan\":[{}]"), record.vlan);
    }
    return fmt::format_to(to, FMT_COMPILE(",\"vlan\":[{},{}]"), record.vlan, record.customer_vlan);
}

char* write_endpoints(char* to, const FlowRecord& record) noexcept {
    to = append(to, ",\"src_ip\":\"");
    to = write_address(to, record.source, record.ip_version);
    *to++ = '"';
    if (has_ports(record)) {
        to = fmt::format_to(to, FMT_COMPILE(",\"src_port\":{}"), record.source_port);
    }
    to = append(to, ",\"dest_ip\":\"");
    to = write_address(to, record.destination, record.ip_version);
    *to++ = '"';
    if (has_ports(record)) {
        to = fmt::format_to(to, FMT_COMPILE(",\"dest_port\":{}"), record.destination_port);
    }
    to = fmt::format_to(to, FMT_COMPILE(",\"proto\":\"{}\",\"ip_v\":{}"),
                        protocol_name(record.protocol), record.ip_version);
    if (record.protocol == protocol_icmp || record.protocol == protocol_icmpv6) {
        to = fmt::format_to(to, FMT_COMPILE(",\"icmp_type\":{},\"icmp_code\":{}"), record.icmp_type,
                            record.icmp_code);
    }
    return fmt::format_to(to, FMT_COMPILE(",\"community_id\":\"{}\""),
                          text_of(community_id(record)));
}

char* write_flow(char* to, const FlowRecord& record, bool alerted) noexcept {
    to = fmt::format_to(to,
                        FMT_COMPILE(",\"flow\":{{\"pkts_toserver\":{},\"pkts_toclient\":{},"
                                    "\"bytes_toserver\":{},\"bytes_toclient\":{},\"start\":\""),
                        record.forward.packets.value, record.reverse.packets.value,
                        record.forward.octets.value, record.reverse.octets.value);
    to = append(write_eve_timestamp(to, record.start), "\",\"end\":\"");
    to = write_eve_timestamp(to, record.end);
    return fmt::format_to(to,
                          FMT_COMPILE("\",\"age\":{},\"state\":\"{}\",\"reason\":\"{}\","
                                      "\"alerted\":{}}}"),
                          second_of(record.end) - second_of(record.start), state_of(record),
                          reason_of(record.end_reason), alerted);
}

char* write_tcp(char* to, const FlowRecord& record) noexcept {
    if (record.protocol != protocol_tcp) {
        return to;
    }
    // Suricata knows the eight flags of one octet.
    const unsigned forward = record.forward_tcp_control_bits & 0xFFU;
    const unsigned reverse = record.reverse_tcp_control_bits & 0xFFU;
    to = fmt::format_to(to,
                        FMT_COMPILE(",\"tcp\":{{\"tcp_flags\":\"{:02x}\",\"tcp_flags_ts\":\""
                                    "{:02x}\",\"tcp_flags_tc\":\"{:02x}\""),
                        forward | reverse, forward, reverse);
    for (const NamedFlag& flag : named_flags) {
        if (((forward | reverse) & flag.bit) != 0) {
            to = append(to, flag.member);
        }
    }
    *to++ = '}';
    return to;
}

// Nothing for a flow that stands for itself. `sampling` is the N of 1 in N flows.
char* write_what_it_stands_for(char* to, const FlowRecord& record) noexcept {
    if (record.aggregated) {
        to = fmt::format_to(to,
                            FMT_COMPILE(",\"aggregated\":true,\"src_prefix_length\":{},"
                                        "\"dest_prefix_length\":{}"),
                            record.source_prefix_length, record.destination_prefix_length);
    }
    if (record.sampling_exponent != 0) {
        to = fmt::format_to(to, FMT_COMPILE(",\"sampling\":{}"),
                            std::uint64_t{1} << record.sampling_exponent);
    }
    return to;
}

// "octetDeltaCount", in the other direction "reverseOctetDeltaCount" (RFC 5103 section 6.1).
template <class F>
constexpr auto member_name = [] {
    constexpr std::string_view prefix = F::reverse ? "reverse" : "";
    std::array<char, prefix.size() + F::element.name.size()> name{};
    const auto rest = std::ranges::copy(prefix, name.begin()).out;
    std::ranges::copy(F::element.name, rest);
    if (F::reverse) {
        *rest = static_cast<char>(*rest - 'a' + 'A');
    }
    return name;
}();

template <class F>
char* write_flat_field(char* to, const FlowRecord& record) noexcept {
    constexpr auto& name = member_name<F>;
    to = append(append(to, ",\""), {name.data(), name.size()});
    to = append(to, "\":");
    const auto value = F::value(record);
    if constexpr (F::element.id == id_of("samplingProbability")) {
        return fmt::format_to(to, FMT_COMPILE("{}"), read::probability(record));
    } else if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(value)>>) {
        return fmt::format_to(to, FMT_COMPILE("{}"), value);
    } else {
        const bool is_source = F::element.id == id_of("sourceIPv4Address") ||
                               F::element.id == id_of("sourceIPv6Address");
        *to++ = '"';
        to = write_address(to, is_source ? record.source : record.destination, record.ip_version);
        *to++ = '"';
        return to;
    }
}

// Times are text here, so their fields, which come first in every list, are left to the caller.
template <class F>
constexpr bool is_time =
    F::element.id == start_id(TimeUnit::nanoseconds) || F::element.id ==
                                                            end_id(TimeUnit::nanoseconds);

template <std::size_t kind>
char* write_flat_fields(char* to, const FlowRecord& record) noexcept {
    constexpr FlowKind of = all_flow_kinds[kind];
    using Fields =
        BiflowFieldList<TimeUnit::nanoseconds, of.ip_version, of.icmp, false, of.stands_for_others>;
    Fields::for_each([&]<class F>() {
        if constexpr (!is_time<F>) {
            to = write_flat_field<F>(to, record);
        }
    });
    return to;
}

}  // namespace

JsonLines::JsonLines(const Interfaces& interfaces, const inspect::ApplicationNames* names)
    : names_(names) {
    for (const Interface& one : interfaces) {
        points_.push_back({json_string(one.name), number_of(one.observation_domain_id)});
    }
}

char* JsonLines::write_eve(char* to, const FlowRecord& record,
                           const RecordRing::Parts& beside) const noexcept {
    expects(record.observation_point < points_.size());
    const auto* const metadata = std::get<const inspect::Metadata*>(beside);
    const Point& point = points_[record.observation_point];
    to = append(to, "{\"timestamp\":\"");
    to = write_eve_timestamp(to, record.end);
    to =
        fmt::format_to(to, FMT_COMPILE("\",\"flow_id\":{},\"in_iface\":{},\"event_type\":\"flow\""),
                       record.flow_id, std::string_view{point.name});
    to = write_vlans(to, record);
    to = write_endpoints(to, record);
    if (names_ != nullptr) {
        to = write_app_proto(to, record.application, *names_);
    }
    to = write_flow(to, record, metadata != nullptr && metadata->signatures.matches != 0);
    to = write_tcp(to, record);
    if (metadata != nullptr) {
        to = write_metadata(to, *metadata);
    }
    if (names_ != nullptr) {
        to = write_ndpi(to, record.application, *names_);
    }
    to = fmt::format_to(
        to,
        FMT_COMPILE(",\"tapmeter\":{{\"start_ns\":{},\"end_ns\":{},\"end_reason\":\"{}\","
                    "\"observation_domain_id\":{},\"worker\":{},\"l2_bytes_toserver\":{},"
                    "\"l2_bytes_toclient\":{}"),
        record.start.time_since_epoch().count(), record.end.time_since_epoch().count(),
        name_of(record.end_reason), point.observation_domain_id, record.worker,
        record.forward.layer2_octets.value, record.reverse.layer2_octets.value);
    to = write_inspection(to, record.application);
    if (metadata != nullptr) {
        to = write_signatures(to, metadata->signatures);
    }
    to = write_analytics(to, beside);
    return append(write_what_it_stands_for(to, record), "}}\n");
}

char* JsonLines::write_flat(char* to, const FlowRecord& record,
                            const RecordRing::Parts& beside) const noexcept {
    expects(record.observation_point < points_.size());
    const Point& point = points_[record.observation_point];
    to = append(to, "{\"flowStartNanoseconds\":\"");
    to = append(write_rfc3339(to, record.start), "\",\"flowEndNanoseconds\":\"");
    to = append(write_rfc3339(to, record.end), "\"");
    constexpr auto writers = []<std::size_t... kind>(std::index_sequence<kind...>) {
        return std::array{&write_flat_fields<kind>...};
    }
    (std::make_index_sequence<flow_kinds>{});
    to = writers[kind_of(record)](to, record);
    if (names_ != nullptr) {
        to = write_flat_application(to, record.application, *names_);
    }
    if (const auto* found = std::get<const inspect::Metadata*>(beside); found != nullptr) {
        to = write_flat_signatures(to, found->signatures);
    }
    to = write_flat_reports(to, beside);
    return fmt::format_to(to, FMT_COMPILE(",\"observationDomainId\":{},\"interfaceName\":{}}}\n"),
                          point.observation_domain_id, std::string_view{point.name});
}

}  // namespace tapmeter::exporting
