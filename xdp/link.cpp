#include "xdp/link.h"

#include <linux/if_arp.h>  // brings linux/if.h, which net/if.h would contradict
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <array>
#include <cerrno>
#include <cstdio>

#include "xdp/system_error.h"

namespace tapmeter::xdp {

namespace {

constexpr std::size_t mac_octets = 6;

std::string mac_text(Bytes octets) {
    if (octets.size() != mac_octets) {
        return {};
    }
    std::string text;
    for (const std::byte octet : octets) {
        std::array<char, 4> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x", std::to_integer<unsigned>(octet));
        text += text.empty() ? "" : ":";
        text += digits.data();
    }
    return text;
}

// What kind of virtual interface the nested attributes of IFLA_LINKINFO name.
std::string kind_in(Bytes nested) {
    std::string kind;
    for_each_attribute(nested, [&](std::uint16_t type, Bytes payload) {
        kind = type == IFLA_INFO_KIND ? text_of(payload) : kind;
    });
    return kind;
}

void read_statistics(const rtnl_link_stats64& statistics, Link& link) {
    link.rx_packets = statistics.rx_packets;
    link.rx_missed = statistics.rx_missed_errors;
}

void read_attribute(std::uint16_t type, Bytes payload, Link& link) {
    switch (type) {
        case IFLA_IFNAME:
            link.name = text_of(payload);
            break;
        case IFLA_ADDRESS:
            link.mac = mac_text(payload);
            break;
        case IFLA_MTU:
            link.mtu = value_of<std::uint32_t>(payload);
            break;
        case IFLA_NUM_RX_QUEUES:
            link.rx_queues = value_of<std::uint32_t>(payload);
            break;
        case IFLA_STATS64:
            read_statistics(value_of<rtnl_link_stats64>(payload), link);
            break;
        case IFLA_LINKINFO:
            link.kind = kind_in(payload);
            break;
        default:
            break;
    }
}

Link link_from(Bytes message) {
    const auto header = value_of<ifinfomsg>(message);
    Link link;
    link.index = static_cast<std::uint32_t>(header.ifi_index);
    link.is_loopback = header.ifi_type == ARPHRD_LOOPBACK;
    link.carries_ethernet = header.ifi_type == ARPHRD_ETHER || link.is_loopback;
    constexpr unsigned up_with_carrier = IFF_UP | IFF_RUNNING;
    link.up = (header.ifi_flags & up_with_carrier) == up_with_carrier;
    if (message.size() > sizeof(header)) {
        for_each_attribute(message.subspan(sizeof(header)), [&](std::uint16_t type, Bytes payload) {
            read_attribute(type, payload, link);
        });
    }
    return link;
}

std::string names_of(Netlink& route) {
    const auto links = read_links(route);
    std::string names;
    for (const Link& link : links ? *links : std::vector<Link>{}) {
        names += names.empty() ? "" : ", ";
        names += link.name;
    }
    return names;
}

Result<Link> ask_for_one(Netlink& route, const NetlinkRequest& request, const std::string& what) {
    const auto answers = route.ask({.type = RTM_GETLINK}, request);
    if (!answers && (answers.error() == ENODEV || answers.error() == ENOENT)) {
        return failed(Error::Kind::no_such_device,
                      what + ": no such network interface; there are: " + names_of(route));
    }
    if (!answers || answers->empty()) {
        return failed(Error::Kind::io, what + ": the kernel does not describe the interface: " +
                                           error_text(answers ? EBADMSG : answers.error()));
    }
    return link_from(answers->front());
}

}  // namespace

Result<Link> read_link(Netlink& route, const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ) {
        return failed(Error::Kind::no_such_device,
                      std::string("\"") + name.substr(0, 2UL * IFNAMSIZ) +
                          "\": no name of a network interface: those have 1 to 15 characters; "
                          "there are: " +
                          names_of(route));
    }
    return ask_for_one(route, NetlinkRequest(ifinfomsg{}).attribute(IFLA_IFNAME, name), name);
}

Result<Link> read_link(Netlink& route, std::uint32_t index) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    return ask_for_one(route, NetlinkRequest(header), "interface " + std::to_string(index));
}

Result<std::vector<Link>> read_links(Netlink& route) {
    const auto answers = route.ask({.type = RTM_GETLINK, .all = true}, NetlinkRequest(ifinfomsg{}));
    if (!answers) {
        return failed(Error::Kind::io, "the kernel does not list its network interfaces: " +
                                           error_text(answers.error()));
    }
    std::vector<Link> links;
    links.reserve(answers->size());
    for (const auto& answer : *answers) {
        links.push_back(link_from(answer));
    }
    return links;
}

}  // namespace tapmeter::xdp
