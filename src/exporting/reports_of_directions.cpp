#include "src/exporting/reports_of_directions.h"

#include <utility>

#include "pipeline/flow/behaviour.h"

namespace tapmeter::exporting {

void ReportsOfDirections::turn() noexcept {
    if (forward_.tcp != nullptr) {
        tcp_ = *forward_.tcp;
        std::swap(tcp_->forward, tcp_->reverse);
        reverse_.tcp = &*tcp_;
    }
    if (forward_.tunnel != nullptr) {
        tunnel_ = *forward_.tunnel;
        std::swap(tunnel_->source, tunnel_->destination);
        std::swap(tunnel_->innermost_id, tunnel_->reverse_id);
        reverse_.tunnel = &*tunnel_;
    }
    if (forward_.behaviour != nullptr) {
        behaviour_ = report_of(*forward_.behaviour, flow::Sender::high);
        std::swap(behaviour_->source_mac, behaviour_->destination_mac);
        reverse_.behaviour = &*behaviour_;
    }
    if (forward_.payload != nullptr) {
        payload_ = *forward_.payload;
        std::swap(payload_->directions[0], payload_->directions[1]);
        reverse_.payload = &*payload_;
    }
}

}  // namespace tapmeter::exporting
