#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/inspect/signature_compile.h"

namespace tapmeter::inspect {

// Compiled databases in a file. What is damaged, cut or of another kind reads as nothing.
std::optional<CompiledSlots> read_cache(const std::string& file);

// Writes beside the file and renames, so that no reader ever sees half of it. False: not written.
bool write_cache(const std::string& file, const CompiledSlots& compiled);

// Numbers as octets of this machine, and back; octets that make no whole number are left out.
std::string octets_of(std::span<const std::uint32_t> numbers);
std::vector<std::uint32_t> numbers_of(std::string_view octets);

}  // namespace tapmeter::inspect
