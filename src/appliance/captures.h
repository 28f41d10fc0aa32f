#pragma once

#include <memory>
#include <vector>

#include "dpdk/eal.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/result.h"
#include "pipeline/base/source.h"
#include "pipeline/decode/outer_points.h"
#include "src/config/config.h"
#include "xdp/capture.h"
#include "xdp/shunt.h"

namespace tapmeter {

// The opened Observation Points, in the order of the configuration: their place is their index.
struct Captures {
    std::unique_ptr<dpdk::Eal> eal;     // first: it must outlive the captures that live in it
    std::unique_ptr<xdp::Shunt> shunt;  // outlives the captures; null: off, or nothing to serve
    std::vector<std::unique_ptr<Capture>> points;
    std::vector<xdp::XdpCapture*> prefiltered;  // by index; null where there is no prefilter
    bool same_symmetric_hash = false;  // of all points: both ports of a tap agree on the queue
};

// Opens every [[capture]] of the configuration: files at their first packet, live ports receiving.
// queues_max   most queues worth opening per interface: there are no more workers
// clock        the time of live packets; outlives the captures
// errors       as the capture rooms give them, in front the capture's name
Result<Captures> open_captures(const Config& config, std::uint32_t queues_max,
                               const LiveClock& clock);

// The captures whose packets are metered by their outermost IP header.
OuterPoints outer_points(const Config& config);

// The prefilter's lists from the configuration and its files.
// errors  invalid_config, naming the text or FILE:LINE:COLUMN
Result<xdp::PrefilterRules> prefilter_rules(const Config::Prefilter& prefilter);

}  // namespace tapmeter
