#include "src/exporting/eve_analytics.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include "src/exporting/text.h"
#include "src/fields/table.h"

namespace tapmeter::exporting {

namespace {

using flow::BehaviourReport;
using flow::PayloadReport;
using flow::TcpReport;
using flow::TunnelReport;

char* append(char* to, std::string_view text) noexcept {
    return std::ranges::copy(text, to).out;
}

// An object in the making: each member with a comma before it, but the first.
class Members {
public:
    Members(char* to, std::string_view name) noexcept
        : to_(fmt::format_to(to, FMT_COMPILE("\"{}\":{{"), name)) {}

    void begin(std::string_view name) noexcept {
        to_ = fmt::format_to(to_, FMT_COMPILE("{}\"{}\":"), any_ ? "," : "", name);
        any_ = true;
    }
    void number(std::string_view name, std::uint64_t value) noexcept {
        begin(name);
        to_ = fmt::format_to(to_, FMT_COMPILE("{}"), value);
    }
    void unless_zero(std::string_view name, std::uint64_t value) noexcept {
        if (value != 0) {
            number(name, value);
        }
    }
    void word(std::string_view name, std::string_view value) noexcept {
        begin(name);
        to_ = fmt::format_to(to_, FMT_COMPILE("\"{}\""), value);
    }
    void thousandths(std::string_view name, unsigned whole, unsigned rest) noexcept {
        begin(name);
        to_ = fmt::format_to(to_, FMT_COMPILE("{}.{:03}"), whole, rest);
    }
    void flag(std::string_view name, bool value) noexcept {
        begin(name);
        to_ = append(to_, value ? "true" : "false");
    }
    void address(std::string_view name, const decode::Address& value,
                 std::uint8_t ip_version) noexcept {
        begin(name);
        *to_++ = '"';
        to_ = write_address(to_, value, ip_version);
        *to_++ = '"';
    }
    void mac(std::string_view name, const flow::MacAddress& value) noexcept {
        begin(name);
        *to_++ = '"';
        for (std::size_t i = 0; i < value.size(); ++i) {
            to_ = fmt::format_to(to_, FMT_COMPILE("{}{:02x}"), i == 0 ? "" : ":", value[i]);
        }
        *to_++ = '"';
    }
    template <class Items, class Write>
    void list(std::string_view name, const Items& items, Write write) noexcept {
        begin(name);
        *to_++ = '[';
        std::size_t written = 0;
        for (const auto& item : items) {
            to_ = append(to_, written++ == 0 ? "" : ",");
            to_ = write(to_, item);
        }
        *to_++ = ']';
    }
    template <class Numbers>
    void numbers(std::string_view name, const Numbers& items) noexcept {
        list(name, items, [](char* to, const auto& item) {
            return fmt::format_to(to, FMT_COMPILE("{}"), item);
        });
    }
    // An object in it.
    template <class Fill>
    void object(std::string_view name, Fill fill) noexcept {
        to_ = append(to_, any_ ? "," : "");
        any_ = true;
        Members inner(to_, name);
        fill(inner);
        to_ = inner.end();
    }
    char* end() noexcept {
        *to_++ = '}';
        return to_;
    }

private:
    char* to_;
    bool any_ = false;
};

void fill_direction(const TcpReport::Direction& way, Members& object) noexcept {
    object.unless_zero("fast_retransmissions", way.seen.fast_retransmissions);
    object.unless_zero("spurious_retransmissions", way.seen.spurious_retransmissions);
    object.unless_zero("lost_segments", way.seen.lost_segments);
    object.unless_zero("acked_unseen", way.seen.unseen_acknowledged);
    object.unless_zero("duplicate_acks", way.seen.duplicate_acks);
    object.unless_zero("zero_windows", way.seen.zero_windows);
    object.unless_zero("windows_full", way.seen.windows_full);
    object.unless_zero("keep_alives", way.seen.keep_alives);
    if (way.round_trips != 0) {
        object.number("round_trips", way.round_trips);
        object.number("rtt_min_us", way.round_trip_min_us);
        object.number("rtt_avg_us", way.round_trip_mean_us);
        object.number("rtt_max_us", way.round_trip_max_us);
    }
    object.unless_zero("mss", way.segment_octets_max);
    if (way.has_window_scale) {
        object.number("window_scale", way.window_scale);
    }
}

char* write_tcp_report(char* to, const TcpReport& report) noexcept {
    to = fmt::format_to(
        to,
        FMT_COMPILE(",\"rtt_client_us\":{},\"rtt_server_us\":{},\"server_latency_us\":{},"
                    "\"retrans_toserver\":{},\"retrans_toclient\":{},"
                    "\"out_of_order_toserver\":{},\"out_of_order_toclient\":{},"),
        report.client_round_trip_us, report.server_round_trip_us, report.server_response_us,
        report.forward.seen.all_retransmissions(), report.reverse.seen.all_retransmissions(),
        report.forward.seen.out_of_order, report.reverse.seen.out_of_order);
    Members object(to, "tcp");
    object.word("opening", flow::tcp_opening_names[static_cast<std::size_t>(report.opening)]);
    object.unless_zero("initial_rtt_us", report.initial_round_trip_us);
    object.flag("complete", report.complete);
    object.object("toserver", [&](Members& inner) { fill_direction(report.forward, inner); });
    object.object("toclient", [&](Members& inner) { fill_direction(report.reverse, inner); });
    return object.end();
}

char* write_tunnel_report(char* to, const TunnelReport& report) noexcept {
    *to++ = ',';
    Members object(to, "tunnel");
    if (report.layers != 0) {
        object.address("src_ip", report.source, report.ip_version);
        object.address("dest_ip", report.destination, report.ip_version);
        object.number("tos", report.type_of_service);
        object.unless_zero("vlan", report.vlan);
        object.unless_zero("customer_vlan", report.customer_vlan);
        const auto layers = std::span{report.layer}.first(report.layers);
        object.list("layers", layers, [](char* at, const decode::TunnelLayer& layer) {
            return fmt::format_to(at, FMT_COMPILE("{{\"kind\":\"{}\",\"id\":{}}}"),
                                  decode::encapsulation_names[decode::index_of(layer.kind)],
                                  layer.id);
        });
    }
    std::array<std::string_view, decode::encapsulation_kinds> around{};
    std::size_t count = 0;
    for (std::size_t kind = 0; kind < decode::encapsulation_kinds; ++kind) {
        if (((report.encapsulations >> kind) & 1U) != 0) {
            around[count++] = decode::encapsulation_names[kind];
        }
    }
    object.list("around", std::span{around}.first(count), [](char* at, std::string_view name) {
        return fmt::format_to(at, FMT_COMPILE("\"{}\""), name);
    });
    if (report.mpls_labels != 0) {
        constexpr unsigned below_label = 4;  // bits: traffic class and bottom of stack
        object.list("mpls", std::span{report.mpls_stack}.first(report.mpls_labels),
                    [](char* at, std::uint32_t entry) {
                        return fmt::format_to(at, FMT_COMPILE("{}"), entry >> below_label);
                    });
    }
    object.unless_zero("reverse_id", report.reverse_id);
    object.unless_zero("pppoe_session", report.pppoe_session);
    object.unless_zero("spi", report.security_index);
    return object.end();
}

void fill_behaviour(const BehaviourReport::Direction& way, Members& object) noexcept {
    object.numbers("sizes", way.sizes);
    object.numbers("gaps", way.gaps);
    object.numbers("ttls", way.ttls);
    object.number("ttl_min", way.ttl_min);
    object.number("ttl_max", way.ttl_max);
    object.number("tos", way.services);
}

char* write_behaviour_report(char* to, const BehaviourReport& report) noexcept {
    *to++ = ',';
    Members object(to, "behaviour");
    object.flag("complete", report.complete);
    object.object("toserver", [&](Members& inner) { fill_behaviour(report.directions[0], inner); });
    object.object("toclient", [&](Members& inner) { fill_behaviour(report.directions[1], inner); });
    // Lengths of packets that went to the client are negative.
    std::array<std::int32_t, flow::first_packets_max> lengths{};
    for (std::size_t i = 0; i < report.first_packets; ++i) {
        const bool back = ((report.first_reverse >> i) & 1U) != 0;
        lengths[i] = back ? -std::int32_t{report.first_octets[i]} : report.first_octets[i];
    }
    object.numbers("first_lengths", std::span{lengths}.first(report.first_packets));
    object.numbers("first_times_us", std::span{report.first_times_us}.first(report.first_packets));
    object.number("peak_packets_per_second", report.peak_packets);
    object.number("peak_bytes_per_second", report.peak_octets);
    if (report.has_mac) {
        object.mac("src_mac", report.source_mac);
        object.mac("dest_mac", report.destination_mac);
    }
    object.unless_zero("flow_label", report.flow_label);
    return object.end();
}

void fill_rtp(const PayloadReport::Direction& way, Members& object) noexcept {
    object.number("ssrc", way.rtp_source);
    object.number("payload_type", way.rtp_payload_type);
    object.number("clock", way.rtp_clock);
    object.number("packets", way.rtp_packets);
    object.number("lost", way.rtp_lost);
    object.number("jitter_us", way.rtp_jitter_us);
    object.number("jitter_avg_us", way.rtp_jitter_mean_us);
    object.number("jitter_max_us", way.rtp_jitter_max_us);
}

// name, and the direction's object where it has one
template <class Fill>
void both_ways(Members& object, const PayloadReport& report, Fill fill) noexcept {
    constexpr std::array<std::string_view, 2> names{"toserver", "toclient"};
    for (std::size_t way = 0; way < names.size(); ++way) {
        fill(object, names[way], report.directions[way]);
    }
}

char* write_entropy(char* to, const PayloadReport& report) noexcept {
    *to++ = ',';
    Members object(to, "entropy");
    both_ways(object, report, [](Members& in, std::string_view name, const auto& way) {
        in.object(name, [&](Members& inner) {
            constexpr unsigned thousandths = 1'000;
            inner.number("octets", way.entropy_octets);
            inner.thousandths("bits", way.entropy_millibits / thousandths,
                              way.entropy_millibits % thousandths);
        });
    });
    return object.end();
}

char* write_rtp(char* to, const PayloadReport& report) noexcept {
    *to++ = ',';
    Members object(to, "rtp");
    both_ways(object, report, [](Members& in, std::string_view name, const auto& way) {
        if (way.is_rtp) {
            in.object(name, [&](Members& inner) { fill_rtp(way, inner); });
        }
    });
    return object.end();
}

char* write_dns_times(char* to, const PayloadReport& report) noexcept {
    *to++ = ',';
    Members object(to, "dns_times");
    object.number("answers", report.dns_answers);
    object.number("unanswered", report.dns_unanswered);
    object.number("min_us", report.dns_min_us);
    object.number("avg_us", report.dns_mean_us);
    object.number("max_us", report.dns_max_us);
    return object.end();
}

char* write_payload_report(char* to, const PayloadReport& report) noexcept {
    to = report.has_entropy ? write_entropy(to, report) : to;
    to = report.has_rtp ? write_rtp(to, report) : to;
    to = report.has_dns ? write_dns_times(to, report) : to;
    return report.complete ? to : append(to, ",\"payload_complete\":false");
}

template <class Report>
Bytes octets_of(const RecordRing::Parts& beside) noexcept {
    const auto* const report = std::get<const Report*>(beside);
    return report == nullptr ? Bytes{} : std::as_bytes(std::span{report, 1});
}

// Empty: the record has no such report, or the field stands elsewhere.
Bytes octets_of(fields::Source source, const RecordRing::Parts& beside) noexcept {
    switch (source) {
        case fields::Source::tcp:
            return octets_of<TcpReport>(beside);
        case fields::Source::tunnel:
            return octets_of<TunnelReport>(beside);
        case fields::Source::behaviour:
            return octets_of<BehaviourReport>(beside);
        case fields::Source::payload:
            return octets_of<PayloadReport>(beside);
        default:
            return {};
    }
}

// Addresses of IP and of Ethernet are text, all else numbers.
char* write_flat_value(char* to, const fields::Field& field, Bytes octets) noexcept {
    const fields::Place& place = field.place;
    const Bytes value = octets.subspan(place.offset, place.octets);
    if (field.element.type == fields::DataType::ipv6_address) {
        decode::Address address{};
        std::memcpy(address.data(), value.data(), address.size());
        const auto version =
            std::to_integer<std::uint8_t>(octets[offsetof(TunnelReport, ip_version)]);
        *to++ = '"';
        to = write_address(to, address, version == 4 ? 4 : 6);
        *to++ = '"';
        return to;
    }
    if (field.element.type == fields::DataType::mac_address) {
        *to++ = '"';
        for (std::size_t i = 0; i < value.size(); ++i) {
            to = fmt::format_to(to, FMT_COMPILE("{}{:02x}"), i == 0 ? "" : ":",
                                std::to_integer<unsigned>(value[i]));
        }
        *to++ = '"';
        return to;
    }
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < place.octets; ++i) {
        const std::size_t at = fields::octet_at(place, i, place.octets);
        number = number << 8U | std::to_integer<std::uint64_t>(octets[at]);
    }
    return fmt::format_to(to, FMT_COMPILE("{}"), number);
}

}  // namespace

char* write_flat_reports(char* to, const RecordRing::Parts& beside) noexcept {
    if (beside == RecordRing::Parts{}) {
        return to;
    }
    for (const fields::Field& field : fields::all_fields) {
        const Bytes octets = octets_of(field.place.source, beside);
        if (!octets.empty()) {
            to = fmt::format_to(to, FMT_COMPILE(",\"{}\":"), field.name);
            to = write_flat_value(to, field, octets);
        }
    }
    return to;
}

char* write_analytics(char* to, const RecordRing::Parts& beside) noexcept {
    if (const auto* tcp = std::get<const TcpReport*>(beside); tcp != nullptr) {
        to = write_tcp_report(to, *tcp);
    }
    if (const auto* tunnel = std::get<const TunnelReport*>(beside); tunnel != nullptr) {
        to = write_tunnel_report(to, *tunnel);
    }
    if (const auto* behaviour = std::get<const BehaviourReport*>(beside); behaviour != nullptr) {
        to = write_behaviour_report(to, *behaviour);
    }
    if (const auto* payload = std::get<const PayloadReport*>(beside); payload != nullptr) {
        to = write_payload_report(to, *payload);
    }
    return to;
}

}  // namespace tapmeter::exporting
