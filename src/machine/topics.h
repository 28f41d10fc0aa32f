#pragma once

#include <array>
#include <string_view>

namespace tapmeter::machine {

// What there may be to do to a machine, as the operator chooses from it.
inline constexpr std::array<std::string_view, 8> topics{
    "hugepages", "governor", "sleep", "rings", "offloads", "interrupts", "binding", "isolation"};

}  // namespace tapmeter::machine
