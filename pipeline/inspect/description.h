#pragma once

#include "pipeline/inspect/metadata.h"
#include "pipeline/inspect/ndpi_adapter.h"

namespace tapmeter::inspect::ndpi {

// Copies what nDPI has read of a flow into `to`, which is all zero. Like ndpi_adapter.h, for
// application.cpp alone. False: nothing.
bool describe(const Flow& flow, const Detected& detected, Metadata& to) noexcept;

}  // namespace tapmeter::inspect::ndpi
