#pragma once

#include <optional>
#include <string>

#include "pipeline/inspect/signature_compile.h"

namespace tapmeter::inspect {

// Compiled databases in a file. What is damaged, cut or of another kind reads as nothing.
std::optional<CompiledSlots> read_cache(const std::string& file);

// Writes beside the file and renames, so that no reader ever sees half of it. False: not written.
bool write_cache(const std::string& file, const CompiledSlots& compiled);

}  // namespace tapmeter::inspect
