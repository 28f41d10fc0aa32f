#include "xdp/devices.h"

#include <linux/netlink.h>
#include <fstream>

#include "xdp/ethtool.h"
#include "xdp/link.h"

namespace tapmeter::xdp {

namespace {

std::optional<unsigned> numa_node_of(const std::string& bus_address) {
    // By the place on the bus, not by the name: names are those of one network namespace.
    std::ifstream file("/sys/bus/pci/devices/" + bus_address + "/numa_node");
    int node = -1;
    if (bus_address.empty() || !(file >> node) || node < 0) {
        return std::nullopt;  // -1 is the kernel's word for "no matter"
    }
    return static_cast<unsigned>(node);
}

std::string best_method_of(const std::optional<XdpFeatures>& features, const Link& link) {
    if (link.is_loopback) {
        return "AF_XDP generic, for tests only";
    }
    if (!features) {
        return "AF_XDP; attaching shows whether the driver has native mode";
    }
    if (!features->native) {
        return "AF_XDP generic (the driver has no native XDP)";
    }
    return features->zero_copy ? "AF_XDP native, zero copy" : "AF_XDP native, copying";
}

Device device_of(const Link& link) {
    const Ethtool ethtool(link.name);
    Device device{.name = link.name,
                  .driver = ethtool.driver(),
                  .bus_address = ethtool.bus_address(),
                  .mac = link.mac,
                  .mtu = link.mtu,
                  .queues = ethtool.rx_queues().value_or(link.rx_queues),
                  .speed_bits = ethtool.speed_bits(),
                  .up = link.up,
                  .numa_node = std::nullopt,
                  .xdp = read_xdp_features(link.index),
                  .best_method = {}};
    device.numa_node = numa_node_of(device.bus_address);
    device.best_method = best_method_of(device.xdp, link);
    return device;
}

}  // namespace

Result<std::vector<Device>> list_devices() {
    auto route = Netlink::open(NETLINK_ROUTE);
    if (!route) {
        return tl::unexpected(route.error());
    }
    const auto links = read_links(*route);
    if (!links) {
        return tl::unexpected(links.error());
    }
    std::vector<Device> devices;
    for (const Link& link : *links) {
        if (link.carries_ethernet) {
            devices.push_back(device_of(link));
        }
    }
    return devices;
}

}  // namespace tapmeter::xdp
