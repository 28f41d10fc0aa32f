#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapmeter::machine {

// A list of cores as the kernel writes and reads it: "0-3,8,10-11". Ascending, none twice.
using CoreList = std::vector<unsigned>;

// Nothing where the text is no such list, or names a core beyond cores_max. An empty text (or the
// kernel's "(null)") is an empty list.
inline constexpr unsigned cores_max = 4'096;
std::optional<CoreList> parse_cores(std::string_view text);

std::string text_of(const CoreList& cores);

bool contains(const CoreList& cores, unsigned core) noexcept;
// What is in `cores` and not in `others`; both ascending.
CoreList without(const CoreList& cores, const CoreList& others);
CoreList both(const CoreList& cores, const CoreList& others);

}  // namespace tapmeter::machine
