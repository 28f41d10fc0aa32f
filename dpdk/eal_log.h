#pragma once

#include <cstdint>
#include <string>

namespace tapmeter::dpdk {

// DPDK tells why something failed in its log only, never in a return value. So its log is caught
// here instead of printed: warnings and worse, the last log_lines_max of them, each cut at
// log_line_octets_max. Error messages of this room quote what was said since they started.
//
// One log a process, as DPDK has one. Any thread may log while another reads.
inline constexpr std::size_t log_lines_max = 64;
inline constexpr std::size_t log_line_octets_max = 200;

// From here on DPDK writes to us. Call before rte_eal_init(). False: no memory for the stream.
bool catch_dpdk_log() noexcept;

// A place in the log: what is said later comes after it.
std::uint64_t log_mark() noexcept;

// All that was said after `mark` and is still kept, joined by "; ". Empty where nothing was.
std::string log_since(std::uint64_t mark);

// " (DPDK says: ...)" for the end of a message, or nothing.
std::string quoted_log_since(std::uint64_t mark);

}  // namespace tapmeter::dpdk
