#include "src/exporting/sflow.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "src/exporting/flow_fields.h"

namespace tapmeter::exporting {
namespace {

// Formats of enterprise 0.
constexpr std::uint32_t flow_sample = 1;
constexpr std::uint32_t counters_sample = 2;
constexpr std::uint32_t raw_packet_header = 1;
constexpr std::uint32_t extended_switch = 1'001;
constexpr std::uint32_t interface_counters = 1;
constexpr std::uint32_t ethernet_counters = 2;

constexpr std::uint32_t record_header_octets = 8;
constexpr std::uint32_t flow_sample_octets = 32;      // without its records
constexpr std::uint32_t counters_sample_octets = 12;  // likewise
constexpr std::uint32_t raw_header_octets = 16;       // without the header
constexpr std::uint32_t extended_switch_octets = 16;
constexpr std::uint32_t interface_counters_octets = 88;
constexpr std::uint32_t ethernet_counters_octets = 52;

constexpr std::uint32_t no_protocol = 0;
constexpr std::uint32_t fcs_octets = 4;
constexpr std::uint32_t unknown = 0xFFFF'FFFF;

constexpr std::size_t padded(std::size_t octets) noexcept {
    return (octets + 3) & ~std::size_t{3};
}

// enum header_protocol.
std::uint32_t protocol_of(const PacketSample& sample) noexcept {
    constexpr std::uint32_t ethernet = 1;
    constexpr std::uint32_t ppp = 7;
    constexpr std::uint32_t ipv4 = 11;
    constexpr std::uint32_t ipv6 = 12;
    switch (sample.link) {
        case LinkType::ethernet:
            return ethernet;
        case LinkType::ppp:
            return ppp;
        case LinkType::raw_ip:
            return std::to_integer<unsigned>(sample.header[0]) >> 4U == 6 ? ipv6 : ipv4;
        default:
            return no_protocol;
    }
}

// Priority and identifier of the outermost tag; none: there is no tag.
std::optional<std::uint16_t> tag_of(const PacketSample& sample) noexcept {
    constexpr std::size_t tagged_octets = 16;
    constexpr std::array<std::uint16_t, 3> tag_types{0x8100, 0x88A8, 0x9100};
    if (sample.link != LinkType::ethernet || sample.header_octets < tagged_octets) {
        return std::nullopt;
    }
    const auto header = std::span{sample.header};
    const std::uint16_t type = load_be16(header.subspan<12, 2>());
    return std::ranges::find(tag_types, type) == tag_types.end()
               ? std::nullopt
               : std::optional(load_be16(header.subspan<14, 2>()));
}

}  // namespace

bool is_expressible_in_sflow(const PacketSample& sample) noexcept {
    return protocol_of(sample) != no_protocol;
}

SflowDatagram::SflowDatagram(const Agent& agent) {
    constexpr std::size_t ipv4_octets = 4;
    octets_.reserve(sflow_datagram_octets_max);
    append(sflow_version);
    append(agent.ip_version == 6 ? 2 : 1);
    const auto address = std::as_bytes(std::span{agent.address.address});
    append_padded(agent.ip_version == 6 ? Bytes{address} : Bytes{address}.last(ipv4_octets));
    append(0);  // sub-agent: there is one in a program
    append(0);  // sequence, uptime and number of samples: finish()
    append(0);
    append(0);
    header_octets_ = octets_.size();
}

bool SflowDatagram::add(const Source& source, const Sampling& sampling,
                        const PacketSample& sample) {
    const auto tag = tag_of(sample);
    const auto header = static_cast<std::uint32_t>(padded(sample.header_octets));
    const std::uint32_t length = flow_sample_octets + record_header_octets + raw_header_octets +
                                 header + (tag ? record_header_octets + extended_switch_octets : 0);
    if (!has_room(record_header_octets + length)) {
        return false;
    }
    const std::uint32_t stripped = sample.link == LinkType::ethernet ? fcs_octets : 0;
    append(flow_sample);
    append(length);
    append(source.sequence);
    append(source.index);  // type 0: ifIndex
    append(sampling.one_in);
    append(sampling.pool);
    append(sampling.drops);
    append(source.index);  // where it came in; where it went to nobody knows
    append(0);
    append(tag ? 2 : 1);  // records
    append(raw_packet_header);
    append(raw_header_octets + header);
    append(protocol_of(sample));
    append(sample.wire_octets + stripped);
    append(stripped);
    append(sample.header_octets);
    append_padded(Bytes{sample.header}.first(sample.header_octets));
    if (tag) {
        append(extended_switch);
        append(extended_switch_octets);
        append(*tag & 0xFFFU);
        append(*tag >> 13U);
        append(0);  // the tag with which it left
        append(0);
    }
    ++samples_;
    return true;
}

bool SflowDatagram::add(const Source& source, const MeteringTotals& totals) {
    constexpr std::uint32_t length = counters_sample_octets + record_header_octets +
                                     interface_counters_octets + record_header_octets +
                                     ethernet_counters_octets;
    if (!has_room(record_header_octets + length)) {
        return false;
    }
    append(counters_sample);
    append(length);
    append(source.sequence);
    append(source.index);
    append(2);  // records
    add_generic_counters(source.index, totals);
    append(ethernet_counters);
    append(ethernet_counters_octets);
    append_unknown(ethernet_counters_octets / sizeof unknown);  // errors are not told apart
    ++samples_;
    return true;
}

// struct if_counters.
void SflowDatagram::add_generic_counters(std::uint32_t index, const MeteringTotals& totals) {
    constexpr std::uint32_t ethernet = 6;       // ifType
    constexpr std::uint32_t receives_only = 3;  // ifDirection
    constexpr std::uint32_t admin_up = 1;
    constexpr std::uint32_t oper_up = 2;
    append(interface_counters);
    append(interface_counters_octets);
    append(index);
    append(ethernet);
    append_wide(totals.link_speed_bits);
    append(receives_only);
    append(totals.link_up ? admin_up | oper_up : admin_up);
    append_wide(totals.received_octets + totals.received_packets * fcs_octets);
    append(static_cast<std::uint32_t>(totals.received_packets));  // multicast is among them
    append_unknown(2);                                            // multicast, broadcast
    append(static_cast<std::uint32_t>(totals.discarded_packets));
    append(static_cast<std::uint32_t>(totals.error_packets));
    append_unknown(1);  // of unknown protocols
    append_unknown(7);  // octets, kinds of packets, discards and errors that go out
    append(totals.promiscuous ? 1 : 2);
}

bool SflowDatagram::has_room(std::size_t octets) const noexcept {
    return octets_.size() + octets <= sflow_datagram_octets_max;
}

Bytes SflowDatagram::finish(std::uint32_t sequence, std::uint32_t uptime_ms) noexcept {
    const auto numbers = std::span{octets_}.subspan(header_octets_ - 12).first<12>();
    store_be(numbers.subspan<0, 4>(), sequence);
    store_be(numbers.subspan<4, 4>(), uptime_ms);
    store_be(numbers.subspan<8, 4>(), samples_);
    return octets_;
}

void SflowDatagram::begin() noexcept {
    octets_.resize(header_octets_);
    samples_ = 0;
}

void SflowDatagram::append(std::uint32_t number) {
    std::array<std::byte, sizeof number> octets{};
    store_be(std::span{octets}, number);
    octets_.insert(octets_.end(), octets.begin(), octets.end());
}

void SflowDatagram::append_wide(std::uint64_t number) {
    append(static_cast<std::uint32_t>(number >> 32U));
    append(static_cast<std::uint32_t>(number));
}

void SflowDatagram::append_unknown(std::size_t numbers) {
    octets_.insert(octets_.end(), numbers * sizeof unknown, std::byte{0xFF});
}

void SflowDatagram::append_padded(Bytes octets) {
    octets_.insert(octets_.end(), octets.begin(), octets.end());
    octets_.resize(padded(octets_.size()));
}

}  // namespace tapmeter::exporting
