#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/result.h"
#include "pipeline/inspect/signature_plan.h"

// Compiling with Hyperscan: runs in the child.
namespace tapmeter::inspect {

// The database of all literals of a slot, serialised; empty where there are none.
Result<std::string> compile_literals(const SlotPlan& plan);

struct CompiledExpressions {
    std::string octets;
    std::vector<std::uint32_t> refused;  // indices of those that Hyperscan cannot take
};
// As prefilter: what Hyperscan cannot express exactly, such as look-around, it may widen.
Result<CompiledExpressions> compile_expressions(const SlotPlan& plan);

// "5.4.0 ..." and the CPU's features: what a compiled database depends on.
std::string compiler_identity();

}  // namespace tapmeter::inspect
