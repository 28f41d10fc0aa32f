#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace tapmeter::config {

// A value that passed its check, or what it must be instead: the words after "must be".
template <class T>
using Checked = tl::expected<T, std::string>;

inline tl::unexpected<std::string> must_be(std::string rule) {
    return tl::unexpected<std::string>(std::move(rule));
}

inline constexpr unsigned core_number_max = 1'023;  // CPU_SETSIZE of glibc, less one

// "500ms" "30s" "5m" "1h" "2d": a whole number and its unit, nothing between them.
// returns  nothing for other text and for what does not fit into 100 years
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The same quantity in its largest whole unit: 60,000 ms are "1m", 90 s stay "90s".
std::string duration_text(std::chrono::milliseconds duration);

// Octets: "4096" "64KiB" "256MiB" "4GiB" "1TiB".
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t octets);

// A plain number, or one with k, M or G (thousands) or Ki, Mi or Gi (powers of 1,024).
std::optional<std::uint64_t> parse_count(std::string_view text);

// CPU cores in the order of use: "2-9", "2,4,6-8". Ranges ascend; no core appears twice.
// errors   the rule that the text breaks, for a message `cores = "9-2": must be ...`
Checked<std::vector<unsigned>> parse_cores(std::string_view text, std::size_t cores_max);
std::string cores_text(const std::vector<std::uint64_t>& cores);

}  // namespace tapmeter::config
