#include "bench/fixbuf_encoder.h"

#include <fixbuf/public.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "bench/thirty_fields.h"
#include "src/fields/derived.h"

namespace tapmeter::bench {
namespace {

#pragma pack(push, 1)
struct Thirty {
    std::uint64_t start, end, octets, packets, reverse_octets, reverse_packets, layer2_octets,
        reverse_layer2_octets, initiator_octets, responder_octets, flow_id;
    std::uint32_t interface;
    std::uint64_t observation_point;
    std::uint32_t duration, source, destination;
    std::uint16_t source_port, destination_port, flags, reverse_flags, vlan, customer_vlan;
    std::uint8_t protocol, tos, reverse_tos, ttl, reverse_ttl, end_reason, direction, ip_version;
};
#pragma pack(pop)

// The library's table is of characters that may be written to, and ends with zeros.
std::array<fbInfoElementSpec_t, 31> specification() {
    constexpr std::array<std::uint16_t, 30> lengths{8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 4, 8, 4, 4,
                                                    4, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1};
    std::array<fbInfoElementSpec_t, 31> specs{};
    for (std::size_t index = 0; index < thirty_fields.size(); ++index) {
        specs[index].name = const_cast<char*>(thirty_fields[index]);
        specs[index].len_override = lengths[index];
    }
    return specs;
}

[[noreturn]] void give_up(GError* error) {
    std::fprintf(stderr, "libfixbuf: %s\n", error != nullptr ? error->message : "?");
    std::abort();
}

std::uint32_t host_order(const decode::Address& address) {
    return std::uint32_t{address[12]} << 24U | std::uint32_t{address[13]} << 16U |
           std::uint32_t{address[14]} << 8U | address[15];
}

}  // namespace

struct FixbufEncoder::Library {
    fBuf_t* buffer = nullptr;
};

FixbufEncoder::FixbufEncoder() : library_(std::make_unique<Library>()) {
    GError* error = nullptr;
    fbInfoModel_t* const model = fbInfoModelAlloc();
    fbSession_t* const session = fbSessionAlloc(model);
    auto specs = specification();
    fbTemplate_t* const made = fbTemplateAlloc(model);
    if (!fbTemplateAppendSpecArray(made, specs.data(), 0, &error) ||
        fbSessionAddTemplate(session, TRUE, 256, made, &error) == 0 ||
        fbSessionAddTemplate(session, FALSE, 256, made, &error) == 0) {
        give_up(error);
    }
    fbExporter_t* const exporter = fbExporterAllocFile("/dev/null");
    library_->buffer = fBufAllocForExport(session, exporter);
    if (!fbSessionExportTemplates(session, &error) ||
        !fBufSetInternalTemplate(library_->buffer, 256, &error) ||
        !fBufSetExportTemplate(library_->buffer, 256, &error)) {
        give_up(error);
    }
}

FixbufEncoder::~FixbufEncoder() {
    fBufFree(library_->buffer);
}

void FixbufEncoder::add(const flow::FlowRecord& r) {
    using fields::TimeUnit;
    Thirty thirty{fields::ipfix_time<TimeUnit::milliseconds>(r.start),
                  fields::ipfix_time<TimeUnit::milliseconds>(r.end),
                  r.forward.octets.value,
                  r.forward.packets.value,
                  r.reverse.octets.value,
                  r.reverse.packets.value,
                  r.forward.layer2_octets.value,
                  r.reverse.layer2_octets.value,
                  r.forward.octets.value,
                  r.reverse.octets.value,
                  r.flow_id,
                  fields::ingress_interface(r),
                  fields::ingress_interface(r),
                  fields::duration(r, 1'000'000),
                  host_order(r.source),
                  host_order(r.destination),
                  r.source_port,
                  r.destination_port,
                  r.forward_tcp_control_bits,
                  r.reverse_tcp_control_bits,
                  r.vlan,
                  r.customer_vlan,
                  r.protocol,
                  r.forward_type_of_service,
                  r.reverse_type_of_service,
                  r.forward_ttl_min,
                  r.reverse_ttl_min,
                  static_cast<std::uint8_t>(r.end_reason),
                  r.biflow_direction,
                  r.ip_version};
    GError* error = nullptr;
    if (!fBufAppend(library_->buffer, reinterpret_cast<std::uint8_t*>(&thirty), sizeof thirty,
                    &error)) {
        give_up(error);
    }
}

}  // namespace tapmeter::bench
