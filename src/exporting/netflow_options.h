#pragma once

#include <cstdint>
#include <vector>

#include "src/exporting/interfaces.h"
#include "src/exporting/options.h"

namespace tapmeter::exporting {

// What collectors of NetFlow version 9 are told besides flow records (RFC 3954 section 6), with the
// numbers of its section 8. All of it is of the scope "System", which is the Observation Domain; an
// interface is named by the number that its records have, as collectors know it from routers.
struct NetflowOptions {
    ObservationDomainId domain{};
    Interfaces interfaces;     // of all Observation Points; those of the domain are told of
    std::uint32_t one_in = 1;  // flows sent; a collector that multiplies by it gets estimates
    std::size_t message_octets = 512;  // no message is longer
};

// The Options Templates, then what does not change: names of interfaces, the sampling.
std::vector<PreparedMessage> netflow_options_opening(const NetflowOptions& options);

// What has been sent so far: octets, messages, flow records.
std::vector<PreparedMessage> netflow_statistics(const NetflowOptions& options,
                                                const ExportingTotals& exporting);

}  // namespace tapmeter::exporting
