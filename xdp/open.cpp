// Opening a capture, step by step: what the interface is, the program, the sockets, the gate.

#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <bit>
#include <cerrno>

#include "pipeline/base/expects.h"
#include "xdp/capture.h"
#include "xdp/system_error.h"

namespace tapmeter::xdp {

static_assert(queues_per_interface_max == prefilter_queues_max);

namespace {

// Ethernet header and two VLAN tags, which the MTU does not count.
constexpr std::uint32_t link_layer_octets = ETH_HLEN + 2 * 4;

Result<XdpOptions> checked(XdpOptions options) {
    const auto refuse = [&](const std::string& what, std::uint32_t value, const std::string& rule) {
        return failed(Error::Kind::invalid_config, options.interface + ": " + what + " = " +
                                                       std::to_string(value) + ": must be " + rule);
    };
    if (options.rx_ring != 0 && (!std::has_single_bit(options.rx_ring) ||
                                 options.rx_ring < rx_ring_min || options.rx_ring > rx_ring_max)) {
        return refuse("rx_ring", options.rx_ring,
                      "a power of two from " + std::to_string(rx_ring_min) + " to " +
                          std::to_string(rx_ring_max));
    }
    if (options.frame_octets != 2'048 && options.frame_octets != 4'096) {
        return refuse("frame_octets", options.frame_octets, "2048 or 4096");
    }
    if (options.queues_max == 0 || options.queues_max > queues_per_interface_max) {
        return refuse("the limit of queues", options.queues_max,
                      "1 to " + std::to_string(queues_per_interface_max));
    }
    if (options.queues_wanted > queues_per_interface_max) {
        return refuse("queues", options.queues_wanted,
                      "0 to " + std::to_string(queues_per_interface_max));
    }
    if (options.zero_copy == ZeroCopy::on && options.mode == Mode::generic) {
        return failed(Error::Kind::invalid_config,
                      options.interface +
                          ": zero_copy = \"on\" and xdp_mode = \"generic\": generic mode always "
                          "copies; change one of them");
    }
    return options;
}

Result<std::uint32_t> queues_to_open(const XdpOptions& options, std::uint32_t device_queues) {
    if (options.queues_wanted > device_queues) {
        return failed(Error::Kind::invalid_config,
                      options.interface + ": queues = " + std::to_string(options.queues_wanted) +
                          ", but the device has " + std::to_string(device_queues) +
                          "; lower queues, or give it more with \"ethtool -L " + options.interface +
                          " combined " + std::to_string(options.queues_wanted) + "\"");
    }
    if (options.queues_wanted != 0) {
        return options.queues_wanted;
    }
    return std::min(device_queues, options.queues_max);
}

// While the socket is open, the NIC takes frames that are not for this host; that is the whole
// point of a mirror port. Bound to no protocol, it never receives anything itself.
Result<FileDescriptor> make_promiscuous(const Link& link) {
    FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    packet_mreq request{};
    request.mr_ifindex = static_cast<int>(link.index);
    request.mr_type = PACKET_MR_PROMISC;
    if (!socket.is_open() || ::setsockopt(socket.number(), SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                                          &request, sizeof(request)) != 0) {
        const int error = errno;
        return failed(Error::Kind::io,
                      link.name + ": cannot be made promiscuous: " + error_text(error) + "; " +
                          cure_of(error, {CAP_NET_RAW}, "set promiscuous = false to do without"));
    }
    return socket;
}

struct SocketsWish {
    std::uint32_t count = 1;
    bool frames_in_pieces = false;  // the MTU allows frames larger than a buffer
};

Result<std::vector<std::unique_ptr<Socket>>> open_sockets(const XdpOptions& options,
                                                          SocketsWish wish,
                                                          const Attachment& attachment) {
    std::vector<std::unique_ptr<Socket>> sockets;
    for (std::uint32_t number = 0; number < wish.count; ++number) {
        // Generic mode sees packets after the kernel has merged them (GRO), larger than the MTU.
        auto socket =
            Socket::open({.interface = options.interface,
                          .queue = number,
                          .rx_ring = options.rx_ring,
                          .frame_octets = options.frame_octets,
                          .zero_copy = options.zero_copy,
                          .native = attachment.is_native(),
                          .frames_in_pieces = wish.frames_in_pieces || attachment.takes_pieces() ||
                                              !attachment.is_native(),
                          .busy_poll = options.busy_poll});
        if (!socket) {
            return tl::unexpected(socket.error());
        }
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

// The interface, and what it is fit for.
Result<Link> ethernet_link(Netlink& route, const std::string& interface) {
    auto link = read_link(route, interface);
    if (link && !link->carries_ethernet) {
        return failed(Error::Kind::invalid_config,
                      interface +
                          ": carries no Ethernet frames; choose an interface that "
                          "\"tapmeter devices\" lists");
    }
    return link;
}

// The ring as wished; else as the link's speed wants it. A virtual device names a speed that means
// nothing.
RingSize ring_of(const XdpOptions& options, const Link& link, const Ethtool& ethtool,
                 std::uint32_t queues) {
    if (options.rx_ring != 0) {
        return {options.rx_ring, "as configured"};
    }
    const std::uint64_t speed = link.kind.empty() ? ethtool.speed_bits().value_or(0) : 0;
    return computed_ring(speed, queues, options.frame_octets);
}

// Opens the sockets. Where the memory for computed rings is refused, the usual ones will do.
Result<std::vector<std::unique_ptr<Socket>>> open_sockets_that_fit(XdpOptions& options,
                                                                   RingSize& ring, SocketsWish wish,
                                                                   const Attachment& attachment) {
    const bool computed = options.rx_ring == 0;
    options.rx_ring = ring.descriptors;
    auto sockets = open_sockets(options, wish, attachment);
    if (sockets || !computed || sockets.error().kind != Error::Kind::no_memory ||
        ring.descriptors <= rx_ring_default) {
        return sockets;
    }
    ring = {rx_ring_default, "the kernel has no memory for the " +
                                 std::to_string(ring.descriptors) + " computed from the speed"};
    options.rx_ring = ring.descriptors;
    return open_sockets(options, wish, attachment);
}

// Everything but what has to be open last: sockets that are not joined, a program behind its gate.
Result<XdpCapture::Port> take_port(XdpOptions options, Netlink& route, const Prefilter& prefilter) {
    auto link = ethernet_link(route, options.interface);
    if (!link) {
        return tl::unexpected(link.error());
    }
    Ethtool ethtool(link->name);
    const std::uint32_t device_queues = ethtool.rx_queues().value_or(link->rx_queues);
    const auto count = queues_to_open(options, device_queues);
    if (!count) {
        return tl::unexpected(count.error());
    }
    const bool in_pieces = link->mtu + link_layer_octets > options.frame_octets - headroom_octets;
    auto attachment =
        Attachment::attach(*link, prefilter, {.mode = options.mode, .frames_in_pieces = in_pieces});
    if (!attachment) {
        return tl::unexpected(attachment.error());
    }
    RingSize ring = ring_of(options, *link, ethtool, *count);
    auto sockets = open_sockets_that_fit(
        options, ring, {.count = *count, .frames_in_pieces = in_pieces}, *attachment);
    if (!sockets) {
        return tl::unexpected(sockets.error());
    }
    const bool symmetric = *count == 1 || ethtool.has_symmetric_hash();
    XdpCapture::Port port{.link = std::move(*link),
                          .device_queues = device_queues,
                          .ethtool = std::move(ethtool),
                          .symmetric = symmetric,
                          .ring = std::move(ring),
                          .promiscuous = {},
                          .sockets = std::move(*sockets),
                          .attachment = std::move(*attachment)};
    if (options.promiscuous) {
        auto promiscuous = make_promiscuous(port.link);
        if (!promiscuous) {
            return tl::unexpected(promiscuous.error());
        }
        port.promiscuous = std::move(*promiscuous);
    }
    for (const auto& socket : port.sockets) {
        if (auto joined = socket->join(prefilter.sockets_map()); !joined) {
            return tl::unexpected(joined.error());
        }
    }
    return port;
}

Result<XdpCapture::Parts> build(XdpOptions options) {
    auto route = Netlink::open(NETLINK_ROUTE);
    if (!route) {
        return tl::unexpected(route.error());
    }
    auto prefilter = Prefilter::load(options.shunt);
    if (!prefilter) {
        return tl::unexpected(prefilter.error());
    }
    if (auto applied = prefilter->apply(options.rules); !applied) {
        return tl::unexpected(applied.error());
    }
    auto port = take_port(options, *route, *prefilter);
    if (!port) {
        return tl::unexpected(port.error());
    }
    return XdpCapture::Parts{.options = std::move(options),
                             .route = std::move(*route),
                             .prefilter = std::move(*prefilter),
                             .port = std::move(*port)};
}

}  // namespace

Result<std::unique_ptr<XdpCapture>> open_xdp(const XdpOptions& options) {
    expects(options.clock != nullptr);
    auto parts = checked(options).and_then(build);
    if (!parts) {
        return tl::unexpected(parts.error());
    }
    // Only now, with every socket in its place, does the program begin to count.
    if (auto opened = parts->prefilter.open(); !opened) {
        return tl::unexpected(opened.error());
    }
    return std::make_unique<XdpCapture>(std::move(*parts));
}

Result<bool> XdpCapture::reopen() {
    bool settled = true;
    for (const auto& queue : queues_) {
        settled = queue->settled() && settled;
    }
    if (!settled || stopped_ || is_present()) {
        return false;
    }
    auto route = Netlink::open(NETLINK_ROUTE);
    if (!route) {
        return tl::unexpected(route.error());
    }
    if (!read_link(*route, options_.interface)) {
        return false;
    }
    // What arrives before every socket is in its place is not judged, and so not counted twice.
    if (auto closed = prefilter_.close(); !closed) {
        return tl::unexpected(closed.error());
    }
    XdpOptions options = options_;
    options.queues_wanted = 0;
    options.queues_max = static_cast<std::uint32_t>(queues_.size());
    auto port = take_port(options, *route, prefilter_);
    if (!port) {
        return tl::unexpected(port.error());
    }
    if (symmetric_ && !port->symmetric) {
        return failed(Error::Kind::invalid_config,
                      options_.interface +
                          ": came back without the symmetric hash that it had, by which packets "
                          "find their worker; \"ethtool -X " +
                          options_.interface +
                          " hkey 6d:5a:...\" with that pair repeated gives it back, or restart");
    }
    const auto now = read_link(*route, port->link.index);
    go_over_to(std::move(*port), now ? Packets{now->rx_packets} : Packets{});
    if (auto opened = prefilter_.open(); !opened) {
        return tl::unexpected(opened.error());
    }
    return true;
}

}  // namespace tapmeter::xdp
