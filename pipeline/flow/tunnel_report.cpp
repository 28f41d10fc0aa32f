#include "pipeline/flow/tunnel_report.h"

#include <algorithm>

namespace tapmeter::flow {

bool has_surroundings(const decode::Headers& headers, const decode::Tunnels& tunnels) noexcept {
    return tunnels.layers != 0 || headers.encapsulations.bits != 0;
}

TunnelReport report_of(const decode::Headers& headers, const decode::Tunnels& tunnels) noexcept {
    TunnelReport report;
    report.mpls_stack = headers.mpls_stack;
    report.mpls_labels = headers.mpls_labels;
    report.pppoe_session = headers.pppoe_session;
    report.security_index = headers.security_index;
    report.encapsulations = headers.encapsulations.bits;
    if (tunnels.layers == 0) {
        return report;
    }
    report.layers = std::min<std::uint8_t>(tunnels.layers, decode::tunnel_layers_max);
    for (std::size_t i = 0; i < report.layers; ++i) {
        report.layer[i] = tunnels.layer[i];
        report.innermost_id = tunnels.layer[i].id != 0 ? tunnels.layer[i].id : report.innermost_id;
        report.innermost_kind =
            static_cast<std::uint8_t>(decode::index_of(tunnels.layer[i].kind) + 1);
    }
    report.source = tunnels.source;
    report.destination = tunnels.destination;
    report.ip_version = tunnels.ip_version;
    report.type_of_service = tunnels.type_of_service;
    report.vlan = tunnels.vlan;
    report.customer_vlan = tunnels.customer_vlan;
    return report;
}

}  // namespace tapmeter::flow
