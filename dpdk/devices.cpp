#include "dpdk/devices.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>

namespace tapmeter::dpdk {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t network_class = 0x02;  // the top octet of a PCI class

// Kernel modules that hand a device to user space.
constexpr std::array<std::string_view, 3> user_space_modules{"vfio-pci", "uio_pci_generic",
                                                             "igb_uio"};

std::string first_line(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

// "0x8086", "-1", "0"
template <class Number>
std::optional<Number> number_in(const fs::path& file) {
    const std::string line = first_line(file);
    std::string_view digits = line;
    const bool is_hex = digits.starts_with("0x");
    digits.remove_prefix(is_hex ? 2 : 0);
    Number value{};
    const auto parsed =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
    return parsed.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

// A NIC's interfaces stand in net/; a virtio NIC keeps them one level below, in virtioN/net/.
std::vector<std::string> names_in(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        names.push_back(entry.path().filename().string());
    }
    return names;
}

std::vector<std::string> interfaces_of(const fs::path& folder) {
    std::vector<std::string> interfaces = names_in(folder / "net");
    for (const std::string& name : names_in(folder)) {
        if (name.starts_with("virtio")) {
            std::ranges::move(names_in(folder / name / "net"), std::back_inserter(interfaces));
        }
    }
    std::ranges::sort(interfaces);
    return interfaces;
}

// A driver that shares the device with the kernel names its kernel modules joined by &.
bool shares_with_kernel(const DriverInfo& driver) {
    return driver.kernel_modules.find('&') != std::string::npos;
}

std::string best_capture(const DpdkDevice& device, const DriverInfo* driver) {
    const std::string by_kernel = device.interfaces.empty()
                                      ? std::string("none: no kernel interface")
                                      : "xdp:" + device.interfaces.front();
    if (driver == nullptr) {
        return device.support == DpdkDevice::Support::unknown
                   ? by_kernel
                   : by_kernel + " (no DPDK driver in this program serves it)";
    }
    const std::string source = "pci:" + device.address;
    if (shares_with_kernel(*driver)) {
        return source + " (" + driver->name + ", stays bound to " +
               (device.kernel_driver.empty() ? "its kernel driver" : device.kernel_driver) + ")";
    }
    if (std::ranges::find(user_space_modules, device.kernel_driver) != user_space_modules.end()) {
        return source + " (" + driver->name + ")";
    }
    const std::string bind = "dpdk-devbind.py -b vfio-pci " + device.address + ", then " + source;
    return device.interfaces.empty() ? bind : by_kernel + "; or for DPDK: " + bind;
}

std::optional<DpdkDevice> read_device(const fs::path& folder) {
    if (number_in<std::uint32_t>(folder / "class").value_or(0) >> 16U != network_class) {
        return std::nullopt;
    }
    DpdkDevice device;
    device.address = folder.filename().string();
    device.vendor = number_in<std::uint16_t>(folder / "vendor").value_or(0);
    device.device = number_in<std::uint16_t>(folder / "device").value_or(0);
    device.numa_node = number_in<int>(folder / "numa_node").value_or(-1);
    std::error_code error;
    const fs::path bound_to = fs::read_symlink(folder / "driver", error);
    device.kernel_driver = error ? std::string{} : bound_to.filename().string();
    device.interfaces = interfaces_of(folder);
    return device;
}

}  // namespace

std::vector<DpdkDevice> list_devices() {
    return list_devices("/sys/bus/pci/devices", linked_drivers());
}

std::vector<DpdkDevice> list_devices(const fs::path& pci_devices,
                                     const std::vector<DriverInfo>& drivers) {
    std::vector<DpdkDevice> devices;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(pci_devices, error)) {
        auto device = read_device(entry.path());
        if (!device) {
            continue;
        }
        const auto driver = std::ranges::find_if(drivers, [&](const DriverInfo& candidate) {
            return candidate.serves(device->vendor, device->device);
        });
        const bool served = driver != drivers.end();
        if (!drivers.empty()) {
            device->support = served ? DpdkDevice::Support::yes : DpdkDevice::Support::no;
        }
        device->dpdk_driver = served ? driver->name : std::string{};
        device->best_capture = best_capture(*device, served ? &*driver : nullptr);
        devices.push_back(std::move(*device));
    }
    std::ranges::sort(devices, {}, &DpdkDevice::address);
    return devices;
}

}  // namespace tapmeter::dpdk
