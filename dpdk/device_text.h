#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/result.h"

namespace tapmeter::dpdk {

// A device as the operator writes it: a name, and what its driver is told about it.
//   "0000:17:00.0"    "net_ring0"    "net_pcap0,rx_pcap=a.pcap,rx_pcap=b.pcap,infinite_rx=1"
struct DeviceText {
    std::string name;    // a PCI address in full ("0000:" is put in front), or a virtual device
    std::string driver;  // "net_pcap" of "net_pcap0"; empty for PCI
    bool is_pci = false;
    std::vector<std::pair<std::string, std::string>> arguments;  // in order; keys may repeat

    // The last value of `key`.
    std::optional<std::string_view> argument(std::string_view key) const noexcept;
    // True where `key` is there and its number is not zero.
    bool is_set(std::string_view key) const noexcept;
    // As DPDK wants to read it.
    std::string text() const;
};

// errors  invalid_config  empty or overlong name, odd characters, an argument without a key
Result<DeviceText> parse_device(std::string_view text);

}  // namespace tapmeter::dpdk
