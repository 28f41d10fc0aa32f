#pragma once

#include "pipeline/base/ring.h"
#include "pipeline/flow/flow_record.h"

namespace tapmeter {

// The door out of the Metering Process: one ring a worker, drained by the exporter core.
using RecordRing = Ring<flow::FlowRecord>;

}  // namespace tapmeter
