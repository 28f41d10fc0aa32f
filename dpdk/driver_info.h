#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapmeter::dpdk {

// A PCI device that a driver serves. 0xffff means any.
struct PciMatch {
    std::uint16_t vendor = 0xffff;
    std::uint16_t device = 0xffff;
};

// What a driver of DPDK says about itself.
struct DriverInfo {
    std::string name;            // "net_ice"
    std::string kernel_modules;  // "* igb_uio | vfio-pci": what the device must be bound to
    std::vector<PciMatch> devices;

    bool serves(std::uint16_t vendor, std::uint16_t device) const noexcept;
};

// Each driver leaves a line "PMD_INFO_STRING= {...}" in the program that carries it, for tools to
// find. Takes what it can read; a line that it cannot read is left out.
std::vector<DriverInfo> parse_driver_infos(std::string_view program);

// The drivers of this very program, read from its file. Empty where that cannot be read, or where
// DPDK is linked as shared libraries.
std::vector<DriverInfo> linked_drivers();

}  // namespace tapmeter::dpdk
