#include "src/verbs/devices.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "dpdk/devices.h"
#include "src/verbs/configuration.h"
#include "src/verbs/table.h"
#include "xdp/devices.h"

namespace tapmeter::verbs {

namespace {

std::string speed_text(const xdp::Device& device) {
    if (!device.speed_bits) {
        return "-";
    }
    return scaled_text(*device.speed_bits) + "bit/s";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : ",") + word;
    }
    return text;
}

Table interfaces(const std::vector<xdp::Device>& devices) {
    Table table{.title = "interfaces of the kernel: tapmeter run -i NAME",
                .columns = {{.name = "name"},
                            {.name = "driver"},
                            {.name = "address"},
                            {.name = "mac"},
                            {.name = "link"},
                            {.name = "speed"},
                            {.name = "mtu"},
                            {.name = "queues"},
                            {.name = "numa"},
                            {.name = "capture"}}};
    for (const xdp::Device& device : devices) {
        table.rows.push_back({device.name, device.driver.empty() ? "-" : device.driver,
                              device.bus_address.empty() ? "-" : device.bus_address, device.mac,
                              std::string(device.up ? "up" : "down"), speed_text(device),
                              std::uint64_t{device.mtu}, std::uint64_t{device.queues},
                              device.numa_node ? std::to_string(*device.numa_node) : "-",
                              device.best_method});
    }
    return table;
}

Table pci_devices(const std::vector<dpdk::DpdkDevice>& devices) {
    Table table{.title = "PCI network devices: tapmeter run -i pci:ADDRESS",
                .columns = {{.name = "address"},
                            {.name = "id"},
                            {.name = "kernel_driver", .heading = "kernel driver"},
                            {.name = "interfaces"},
                            {.name = "numa"},
                            {.name = "dpdk_driver", .heading = "DPDK driver"},
                            {.name = "capture"}}};
    for (const dpdk::DpdkDevice& device : devices) {
        table.rows.push_back(
            {device.address, fmt::format("{:04x}:{:04x}", device.vendor, device.device),
             device.kernel_driver.empty() ? "-" : device.kernel_driver,
             device.interfaces.empty() ? "-" : joined(device.interfaces),
             device.numa_node < 0 ? "-" : std::to_string(device.numa_node),
             device.dpdk_driver.empty() ? "-" : device.dpdk_driver, device.best_capture});
    }
    return table;
}

void print(const Table& table, OutputFormat format) {
    const std::string text = rendered(table, format);
    std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

ExitCode devices(const CommonOptions& common) {
    const auto found = xdp::list_devices();
    if (!found) {
        complain(found.error().message);
        return ExitCode::failed;
    }
    print(interfaces(*found), common.output);
    const auto pci = dpdk::list_devices();
    if (!pci.empty()) {
        if (common.output == OutputFormat::text) {
            std::fputc('\n', stdout);
        }
        print(pci_devices(pci), common.output);
    }
    return ExitCode::done;
}

}  // namespace tapmeter::verbs
