#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dpdk/driver_info.h"

namespace tapmeter::dpdk {

// A network device on the PCI bus, as the kernel shows it.
struct DpdkDevice {
    enum class Support : std::uint8_t { unknown, no, yes };

    std::string address;  // "0000:17:00.0"
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    std::string kernel_driver;            // what it is bound to; empty: nothing
    int numa_node = -1;                   // -1: the machine does not tell
    std::vector<std::string> interfaces;  // of the kernel; empty where DPDK may have it
    Support support = Support::unknown;   // by a driver linked into this program
    std::string dpdk_driver;              // that driver
    std::string best_capture;             // what to write as source, and what to do before
};

// Looks at /sys; neither starts DPDK nor needs privileges. Sorted by address.
std::vector<DpdkDevice> list_devices();

// The same of another tree and other drivers.
std::vector<DpdkDevice> list_devices(const std::filesystem::path& pci_devices,
                                     const std::vector<DriverInfo>& drivers);

}  // namespace tapmeter::dpdk
