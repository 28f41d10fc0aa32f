#pragma once

#include "pipeline/admission.h"
#include "pipeline/load.h"
#include "src/config/config.h"

namespace tapmeter {

// The [overload] table as a worker takes it, with what was left to us worked out.
//
// recorded  packets come from a recording: they wait instead of being lost, and the records must
//           not depend on the number of workers, so no flow is sampled, and none aggregated unless
//           the configuration says so
LoadLevels load_levels(const Config& config, bool recorded);
Admission::Limits admission_limits(const Config& config, bool recorded);

}  // namespace tapmeter
