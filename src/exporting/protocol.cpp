#include "src/exporting/protocol.h"

#include <chrono>

#include "src/exporting/flow_fields.h"
#include "src/exporting/message.h"
#include "src/exporting/sender.h"

namespace tapmeter::exporting {
namespace {

constexpr std::uint16_t netflow9_version = 9;
constexpr std::uint16_t netflow5_version = 5;
constexpr std::size_t netflow5_records_max = 30;
constexpr std::size_t netflow5_record_octets = 48;

// Modulo 2^32 where a time lies beyond, as a counter of so many bits does.
std::uint32_t uptime_of(const MessageHeader& header) noexcept {
    return static_cast<std::uint32_t>(
        (static_cast<std::int64_t>(header.export_time) - header.uptime_origin) * 1'000);
}

void store_ipfix(std::span<std::byte> message, const MessageHeader& header) noexcept {
    store_header(message.first<message_header_octets>(), header, message.size());
}

MessageHeader read_ipfix(Bytes message) noexcept {
    return {.export_time = load_be32(message.subspan<4, 4>()),
            .sequence = load_be32(message.subspan<8, 4>()),
            .domain = ObservationDomainId{load_be32(message.subspan<12, 4>())}};
}

void store_netflow9(std::span<std::byte> message, const MessageHeader& header) noexcept {
    store_be(message.subspan<0, 2>(), netflow9_version);
    store_be(message.subspan<2, 2>(), static_cast<std::uint16_t>(header.records));
    store_be(message.subspan<4, 4>(), uptime_of(header));
    store_be(message.subspan<8, 4>(), header.export_time);
    store_be(message.subspan<12, 4>(), header.sequence);
    store_be(message.subspan<16, 4>(), number_of(header.domain));
}

MessageHeader read_netflow9(Bytes message) noexcept {
    const std::uint32_t time = load_be32(message.subspan<8, 4>());
    return {.export_time = time,
            .sequence = load_be32(message.subspan<12, 4>()),
            .domain = ObservationDomainId{load_be32(message.subspan<16, 4>())},
            .uptime_origin =
                std::int64_t{time} - std::int64_t{load_be32(message.subspan<4, 4>()) / 1'000}};
}

// The Observation Domain's low-order octets are engine type and engine id.
void store_netflow5(std::span<std::byte> message, const MessageHeader& header) noexcept {
    store_be(message.subspan<0, 2>(), netflow5_version);
    store_be(message.subspan<2, 2>(), static_cast<std::uint16_t>(header.records));
    store_be(message.subspan<4, 4>(), uptime_of(header));
    store_be(message.subspan<8, 4>(), header.export_time);
    store_be(message.subspan<12, 4>(), std::uint32_t{0});  // nanoseconds
    store_be(message.subspan<16, 4>(), header.sequence);
    store_be(message.subspan<20, 2>(), static_cast<std::uint16_t>(number_of(header.domain)));
    store_be(message.subspan<22, 2>(), std::uint16_t{0});  // no packet was sampled
}

MessageHeader read_netflow5(Bytes message) noexcept {
    const std::uint32_t time = load_be32(message.subspan<8, 4>());
    return {.export_time = time,
            .sequence = load_be32(message.subspan<16, 4>()),
            .domain = ObservationDomainId{load_be32(message.subspan<20, 4>()) >> 16U},
            .uptime_origin =
                std::int64_t{time} - std::int64_t{load_be32(message.subspan<4, 4>()) / 1'000}};
}

}  // namespace

constinit const Protocol ipfix_protocol{.label = "ipfix",
                                        .header_octets = message_header_octets,
                                        .set_header_octets = 4,
                                        .message_octets_max = message_octets_limit,
                                        .message_octets_auto = message_octets_cap,
                                        .sequence_at = 8,
                                        .template_set_id = template_set_id,
                                        .counts_messages = false,
                                        .tells_uptime = false,
                                        .store = store_ipfix,
                                        .read = read_ipfix};
constinit const Protocol netflow9_protocol{.label = "netflow",
                                           .header_octets = 20,
                                           .set_header_octets = 4,
                                           .message_octets_max = message_octets_limit,
                                           .message_octets_auto = message_octets_cap,
                                           .sequence_at = 12,
                                           .template_set_id = 0,
                                           .counts_messages = true,
                                           .tells_uptime = true,
                                           .store = store_netflow9,
                                           .read = read_netflow9};
constinit const Protocol netflow5_protocol{
    .label = "netflow",
    .header_octets = 24,
    .set_header_octets = 0,
    .message_octets_max = 24 + netflow5_records_max * netflow5_record_octets,
    .message_octets_auto = 24 + netflow5_records_max * netflow5_record_octets,
    .sequence_at = 16,
    .template_set_id = 0,
    .counts_messages = false,
    .tells_uptime = true,
    .store = store_netflow5,
    .read = read_netflow5};

std::uint32_t export_time_now() noexcept {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace tapmeter::exporting
