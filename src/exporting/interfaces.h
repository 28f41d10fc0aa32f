#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/base/units.h"

namespace tapmeter::exporting {

// What the Exporting Process must know of one Observation Point.
struct Interface {
    std::string name;  // "eth1"; any octets: each output escapes it as its format wants
    ObservationDomainId observation_domain_id{};
    std::string observation_domain_name = {};  // told to collectors; empty: nothing is
    std::uint32_t vrf_id = 0;                  // whose packets come here; 0: nobody has said
    std::string vrf_name = {};                 // empty: it has none
};

// Indexed by FlowRecord::observation_point. Several may share one Observation Domain.
using Interfaces = std::vector<Interface>;

// Takes one line for the operator's log. Called from an output's sending thread, at most once a
// second per output; never from the exporter core nor from a worker. May be empty.
using LogLine = std::function<void(std::string)>;

}  // namespace tapmeter::exporting
