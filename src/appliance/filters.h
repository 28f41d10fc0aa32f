#pragma once

#include <memory>

#include "pipeline/base/result.h"
#include "pipeline/filter/packet_filter.h"
#include "src/config/config.h"

namespace tapmeter {

// The filters of all captures; null: none has one.
// errors  invalid_config, naming the capture
Result<std::unique_ptr<const filter::PacketFilters>> make_filters(const Config& config);

}  // namespace tapmeter
