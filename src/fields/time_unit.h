#pragma once

#include <cstdint>

namespace tapmeter::fields {

// In which elements flow start and end leave: 152/153, 154/155 or 156/157.
enum class TimeUnit : std::uint8_t { milliseconds, microseconds, nanoseconds };

}  // namespace tapmeter::fields
