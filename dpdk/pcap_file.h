#pragma once

#include <cstdint>
#include <string>

#include "pipeline/base/result.h"

namespace tapmeter::dpdk {

// The driver net_pcap reports a file that it cannot open only in its log. So its files are opened
// here first, by the same library.

// errors  no_such_device  missing, not readable, or no capture file: the message says which
Result<std::uint64_t> count_packets(const std::string& file);

// The same look without reading on behind the file's header.
Result<bool> check_pcap_file(const std::string& file);

}  // namespace tapmeter::dpdk
